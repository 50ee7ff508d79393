"""Obeying the limits that a service states itself: so much remains, until then."""

from __future__ import annotations

import math

from msgspec import Struct

from legnext_stream._core.pace.hints import Hints

LONGEST_SPREAD = 3600.0
"""A quota over a longer time than this (a day, a month) is not spread evenly; it only stops requests
when it is used up. In seconds."""

SHORTEST = 0.001
"""A window shorter than this is nonsense, and its rate might be infinite. In seconds."""

STALE_AFTER = 60.0
"""How long hints are believed after the last one, in seconds."""

CATCH_UP = 1.25
"""How much faster than quota / window to go when more remains than the time passed suggests."""


class Quota(Struct):
    """The limit as the service states it.

    What remains is counted down by our own requests since the one whose answer said so (they were
    not counted yet when it was answered), and spread evenly over the time to the reset.
    """

    max_hint: float  # how long a hint holds anything back at most, in seconds
    _policy_rate: float | None = None
    _remaining: int | None = None
    _reset_at: float = -math.inf
    _held_until: float = -math.inf
    _as_of: int = -1
    _fresh_until: float = -math.inf

    def learn(self, now: float, hints: Hints, number: int) -> None:
        """Take in the hints of the answer to our `number`-th request; the newest count."""
        if number < self._as_of:
            return
        quota, window = hints.quota, hints.window
        is_stated = False
        if quota is not None and window is not None and SHORTEST <= window <= LONGEST_SPREAD:
            self._policy_rate = quota / window if quota > 0 else None
            is_stated = True
        if hints.remaining is not None and hints.reset_after is not None:
            self._remaining = hints.remaining
            self._reset_at = now + hints.reset_after
            self._held_until = now + min(hints.reset_after, self.max_hint)
            self._as_of = number
            is_stated = True
        if is_stated:
            self._fresh_until = now + max(STALE_AFTER, 2 * (window or 0.0))

    def fresh(self, now: float) -> bool:
        """Whether the service has stated its limit recently."""
        return now < self._fresh_until

    def rate(self, now: float) -> float | None:
        """The steady rate that the policy allows, in requests a second; None if not stated."""
        return self._policy_rate if now < self._fresh_until else None

    def bound(self, now: float, number: int) -> float | None:
        """The rate at which what remains lasts until the reset; None if there is no bound."""
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
        return spread if spread > 0 else None  # nothing remains: `hold` says until when

    def hold(self, now: float, number: int) -> float:
        """Until when nothing may start because nothing remains; -inf if something does."""
        if self._remaining is None:
            return -math.inf
        return self._held_until if self._left(now, number) == 0 else -math.inf

    def _left(self, now: float, number: int) -> int | None:
        """What remains after our requests since; None after the reset, or if it wasn't stated."""
        if self._remaining is None or now >= self._reset_at:
            return None
        return max(0, self._remaining - (number - self._as_of))
