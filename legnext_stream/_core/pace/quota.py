"""Obeying what a service says of its own limits: so much remains, until then."""

from __future__ import annotations

import math

from msgspec import Struct

from legnext_stream._core.pace.hints import Hints

LONGEST_SPREAD = 3600.0
"""Seconds. A quota over a longer time (a day, a month) is a purse, not a pace: it stops us when
it is empty, but it is not spread."""

STALE_AFTER = 60.0
"""Seconds after which hints that no longer come are no longer believed."""

CATCH_UP = 1.25
"""How much faster than quota/window to go when more remains than the clock suggests."""


class Quota(Struct):
    """The limit as told by the service.

    What remains is counted down by our own starts since the request whose answer said so (they
    were not counted yet when it was answered), and spread evenly over the time to the reset.

    Attributes:
        max_hint: seconds beyond which no hint holds anything back.
    """

    max_hint: float
    _policy_rate: float | None = None
    _remaining: int | None = None
    _reset_at: float = -math.inf
    _held_until: float = -math.inf
    _as_of: int = -1
    _fresh_until: float = -math.inf

    def learn(self, now: float, hints: Hints, number: int) -> None:
        """Take in the hints of an answer to our `number`-th request (the newest counts)."""
        if number < self._as_of:
            return
        quota, window = hints.quota, hints.window
        told = False
        if quota is not None and window is not None and 0 < window <= LONGEST_SPREAD:
            self._policy_rate = quota / window if quota > 0 else None
            told = True
        if hints.remaining is not None and hints.reset_after is not None:
            self._remaining = hints.remaining
            self._reset_at = now + hints.reset_after
            self._held_until = now + min(hints.reset_after, self.max_hint)
            self._as_of = number
            told = True
        if told:
            self._fresh_until = now + max(STALE_AFTER, 2 * (window or 0.0))

    def fresh(self, now: float) -> bool:
        """Whether the service has told us its limit lately."""
        return now < self._fresh_until

    def rate(self, now: float) -> float | None:
        """The steady rate that the policy allows, requests a second; None if not told."""
        return self._policy_rate if now < self._fresh_until else None

    def bound(self, now: float, number: int) -> float | None:
        """The rate at which what remains lasts until the reset; None if unbounded."""
        if now >= self._fresh_until:
            return None
        remaining = self._left(now, number)
        if remaining is None:
            return self._policy_rate
        left = self._reset_at - now
        if left > LONGEST_SPREAD:
            return self._policy_rate
        if self._policy_rate is not None:
            # The reset is given in whole seconds, mostly rounded up.
            left -= 1
            if left <= 1:
                return self._policy_rate
            spread = min(remaining / left, CATCH_UP * self._policy_rate)
        else:
            spread = remaining / left
        return spread if spread > 0 else None  # nothing left: `hold` says until when

    def hold(self, now: float, number: int) -> float:
        """Say until when nothing may start because nothing remains; -inf if something does."""
        if self._remaining is None:
            return -math.inf
        return self._held_until if self._left(now, number) == 0 else -math.inf

    def _left(self, now: float, number: int) -> int | None:
        """What remains after our starts since; None after the reset, or if it wasn't told."""
        if self._remaining is None or now >= self._reset_at:
            return None
        return max(0, self._remaining - (number - self._as_of))
