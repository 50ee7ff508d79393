"""How many requests the account may make: limits, and what they say to each request.

A limit is asked once about every request, with the time, and answers at once. It keeps its state
to itself; `fresh` gives one in its first state, so that a limit can stand in a test's settings and
no two worlds share it.

Here are the limits on the rate of a steady flow; limits that count within windows are in `windows`,
those on requests under way and those that change in `changing`.
"""

from __future__ import annotations

import math
from typing import Final, Protocol

import attrs

FORGIVEN: Final = 1e-9
"""Whoever comes exactly when told to must not be refused because of the last bit of a float: by so
many seconds or tokens less a request is forgiven."""


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


ADMITTED: Final = Admitted()


@attrs.frozen
class Hint:
    """What a limit on a rate can tell about itself, as the fields of the IETF draft have it.

    `RateLimit-Policy: "name";q=<quota>;w=<window>` and `RateLimit: "name";r=<remaining>;t=<reset>`,
    see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.

    Attributes:
        quota: The requests in a window, `q`.
        window: The seconds of a window, `w`.
        remaining: The requests that would pass now, `r`.
        reset: The seconds until more of the quota is there than now, `t`.
    """

    quota: int
    window: float
    remaining: int
    reset: float


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

    def hint(self, t: float, /) -> Hint | None:
        """What there is to tell about the limit at `t`; None for what is no limit on a rate.

        It is asked about times in their order too, like `admit`.
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

    def hint(self, t: float, /) -> Hint | None:  # noqa: ARG002 - the protocol has it
        """Nothing to tell."""
        return None

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

    def _fill(self, t: float) -> None:
        if t > self._filled_at:
            gained = (t - self._filled_at) * self.rate
            self._tokens = min(float(self.burst), self._tokens + gained)
            self._filled_at = t

    def admit(self, t: float, /) -> Admitted | Refused:
        """Take a token, or say when there will be one."""
        self._fill(t)
        if self._tokens >= 1 - FORGIVEN:
            self._tokens = max(0.0, self._tokens - 1)
            return ADMITTED
        return Refused((1 - self._tokens) / self.rate)

    def finish(self, t: float, /) -> None:
        """Nothing to note: tokens come with time."""

    def hint(self, t: float, /) -> Hint:
        """The bucket as a policy: what it gives in the whole seconds that fill it, and its tokens."""
        self._fill(t)
        window = max(1, round(self.burst / self.rate))
        return Hint(
            quota=max(1, round(self.rate * window)),
            window=window,
            remaining=int(self._tokens + FORGIVEN),
            reset=(self.burst - self._tokens) / self.rate,
        )

    def fresh(self) -> TokenBucket:
        """A full bucket of the same size."""
        return TokenBucket(self.rate, self.burst)
