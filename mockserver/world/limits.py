"""How many requests the account may make: limits, and what they say to each request.

A limit is asked once about every request, with the time, and answers at once. It keeps its state
to itself; `fresh` gives one in its first state, so that a limit can stand in a test's settings and
no two worlds share it.
"""

from __future__ import annotations

import math
from typing import Protocol

import attrs


@attrs.frozen
class Admitted:
    """The request may pass."""


@attrs.frozen
class Refused:
    """The request is refused, with 429.

    Attributes:
        retry_after: The seconds after which one like it would pass, were it alone.
    """

    retry_after: float


ADMITTED = Admitted()


class Limit(Protocol):
    """Decides which requests pass."""

    def admit(self, t: float, /) -> Admitted | Refused:
        """Decide about a request that arrives at `t`, in seconds since the world's start.

        Requests are asked about in the order in which they arrive.
        """
        ...

    def finish(self, t: float, /) -> None:
        """Take note that a request that was admitted has been answered at `t`.

        A limit on rates has no use for it; one on concurrency has.
        """
        ...

    def fresh(self) -> Limit:
        """The same limit as it is before any request."""
        ...


@attrs.define
class Unlimited:
    """Admits every request."""

    def admit(self, t: float, /) -> Admitted:  # noqa: ARG002 - the protocol has it
        """Admit it."""
        return ADMITTED

    def finish(self, t: float, /) -> None:
        """Nothing to note."""

    def fresh(self) -> Unlimited:
        """The same."""
        return self


def _rate(_instance: object, _attribute: object, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"a rate is a number of requests a second, above 0, not {value}")


@attrs.define
class TokenBucket:
    """Admits `rate` requests a second, and up to `burst` of them at once.

    The bucket begins full, gains `rate` tokens a second up to `burst`, and each request that is
    admitted takes one. So in any window of w seconds at most `burst + rate * w` are admitted.

    Attributes:
        rate: Requests a second.
        burst: The bucket's size, in requests.
    """

    rate: float = attrs.field(validator=_rate, on_setattr=attrs.setters.frozen)
    burst: int = attrs.field(
        default=1, validator=attrs.validators.ge(1), on_setattr=attrs.setters.frozen
    )
    _tokens: float = attrs.field(
        default=attrs.Factory(lambda self: float(self.burst), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )
    _filled_at: float = attrs.field(default=0.0, init=False, repr=False, eq=False)

    def admit(self, t: float, /) -> Admitted | Refused:
        """Take a token, or say when there will be one."""
        if t > self._filled_at:
            gained = (t - self._filled_at) * self.rate
            self._tokens = min(float(self.burst), self._tokens + gained)
            self._filled_at = t
        # A thousandth of a millionth of a token is forgiven: whoever comes exactly when told to
        # must not be refused because of the last bit of a float.
        if self._tokens >= 1 - 1e-9:
            self._tokens = max(0.0, self._tokens - 1)
            return ADMITTED
        return Refused((1 - self._tokens) / self.rate)

    def finish(self, t: float, /) -> None:
        """Nothing to note: tokens come with time."""

    def fresh(self) -> TokenBucket:
        """A full bucket of the same size."""
        return TokenBucket(self.rate, self.burst)
