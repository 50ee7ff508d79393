"""Limits on the rate of a steady flow."""

from __future__ import annotations

import math

import attrs

from mockserver.world.limits.limit import ADMITTED, FORGIVEN, Admitted, Hint, Refused


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
