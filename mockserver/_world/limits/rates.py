"""Limits on the rate of a steady flow."""

from __future__ import annotations

import copy
import math

import attrs

from mockserver._world.limits.limit import ADMITTED, FORGIVEN, Admitted, Hint, Refused


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
        verdict = self.verdict(t)
        if verdict is ADMITTED:
            self._tokens = max(0.0, self._tokens - 1)
        return verdict

    def verdict(self, t: float, /) -> Admitted | Refused:
        """Whether there is a token, or when there will be one."""
        self._fill(t)
        if self._tokens >= 1 - FORGIVEN:
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

    def copy(self) -> TokenBucket:
        """A bucket of the same size that is as full."""
        return copy.copy(self)


@attrs.define
class LeakyBucket:
    """Lets requests out one by one, `rate` a second, and holds up to `capacity` of them meanwhile.

    A request that comes too early waits in the bucket until its turn, so its answer is late; one
    that finds the bucket full is refused. So no two that pass are less than `1 / rate` seconds
    apart, and none waits longer than `capacity / rate`.

    This is the leaky bucket as a queue. As a meter, which holds nothing back, it admits just what a
    `TokenBucket` with a burst of its size does.

    Attributes:
        rate: Requests a second.
        capacity: How many requests can wait; with none every early one is refused.
    """

    rate: float = attrs.field(validator=_rate, on_setattr=attrs.setters.frozen)
    capacity: int = attrs.field(
        default=0, validator=attrs.validators.ge(0), on_setattr=attrs.setters.frozen
    )
    # When the next request can pass without a wait.
    _turn: float = attrs.field(default=0.0, init=False, repr=False, eq=False)

    def _wait(self, t: float) -> float:
        return max(0.0, self._turn - t)

    def admit(self, t: float, /) -> Admitted | Refused:
        """Let it out when its turn comes, or say when there will be room for one."""
        verdict = self.verdict(t)
        if isinstance(verdict, Admitted):
            self._turn = t + verdict.delay + 1 / self.rate
        return verdict

    def verdict(self, t: float, /) -> Admitted | Refused:
        """How long it has to wait, or when there will be room for one."""
        wait = self._wait(t)
        too_long = wait - self.capacity / self.rate
        if too_long > FORGIVEN:
            return Refused(too_long)
        return Admitted(wait) if wait else ADMITTED

    def finish(self, t: float, /) -> None:
        """Nothing to note: its turn is all there is to a request."""

    def hint(self, t: float, /) -> Hint:
        """The bucket as a policy, like a `TokenBucket` of the size of those that come at once."""
        at_once = self.capacity + 1
        wait = self._wait(t)
        window = max(1, round(at_once / self.rate))
        room = at_once - (wait - FORGIVEN) * self.rate
        return Hint(
            quota=max(1, round(self.rate * window)),
            window=window,
            remaining=min(at_once, max(0, int(room))),
            reset=wait,
        )

    def fresh(self) -> LeakyBucket:
        """An empty bucket of the same size."""
        return LeakyBucket(self.rate, self.capacity)

    def copy(self) -> LeakyBucket:
        """A bucket of the same size that is as full."""
        return copy.copy(self)
