"""The server's clock relative to ours: its offset, learned from answers.

Two things show it. The `Date` header, truncated to whole seconds, was written between the sending of a
request and its answer, which leaves an interval of possible offsets; many answers narrow it
(Cristian, "Probabilistic clock synchronization", Distributed Computing 3, 1989). And the times in a
job's `meta` must agree with what was seen: a job seen waiting at one time and running at a later one
was started between the two. What was seen has precedence: if the two disagree, as when a proxy writes
the dates, the times in `meta` are converted by what was seen.
"""

from __future__ import annotations

import math

# How fast an old interval widens: clocks drift apart by some parts in a hundred thousand.
_DRIFT = 1e-4
# Up to this many seconds apart, two intervals are taken to agree.
_TOLERANCE = 0.5


class Interval:
    """A range of possible offsets, narrowed by each bound, and reset when one contradicts it."""

    __slots__ = ("_at", "_high", "_low", "is_bounded")

    def __init__(self) -> None:
        self._low = -math.inf
        self._high = math.inf
        self._at = 0.0
        # Whether anything is known.
        self.is_bounded: bool = False

    @property
    def middle(self) -> float:
        """The best guess, in seconds; only of a bounded interval."""
        return (self._low + self._high) / 2

    @property
    def error(self) -> float:
        """How far the best guess can be off, in seconds."""
        return (self._high - self._low) / 2

    def agrees(self, other: Interval) -> bool:
        """Whether another interval overlaps with it, or nearly."""
        return self._low - other._high <= _TOLERANCE and other._low - self._high <= _TOLERANCE

    def narrow(self, now: float, low: float, high: float) -> None:
        """Take in that the offset lies between these two; if it can't, the clock was changed."""
        passed = now - self._at
        widen = _DRIFT * passed if passed > 0.0 and self.is_bounded else 0.0
        old_low, old_high = self._low - widen, self._high + widen
        self._at = now
        if low <= old_low and old_high <= high:
            # Nothing new, as nearly always once there have been some answers.
            self._low, self._high = old_low, old_high
            return
        if low > old_high + _TOLERANCE or high < old_low - _TOLERANCE:
            self._low, self._high = low, high
        else:
            # Slight contradictions come from the network; the point where the two meet is kept.
            self._low = min(max(old_low, low), high + _TOLERANCE)
            self._high = max(min(old_high, high), self._low)
        self.is_bounded = self._high - self._low < math.inf


class ServerClock:
    """Converts the server's times to ours. All are in seconds: theirs since 1970, ours Trio's."""

    def __init__(self) -> None:
        self._dates = Interval()
        self._seen = Interval()

    def dated(self, date: float, sent_at: float, received_at: float) -> None:
        """An answer to a request sent and received at these times had this `Date`."""
        self._dates.narrow(received_at, date - received_at, date + 1.0 - sent_at)

    def happened(self, stamp: float, after: float, before: float) -> None:
        """What the server gives this timestamp happened between these two times."""
        self._seen.narrow(before, stamp - before, stamp + 1.0 - after)

    @property
    def error(self) -> float:
        """How far `local` can be off, in seconds; inf while nothing is known."""
        known = self._believed()
        return math.inf if known is None else known.error

    def local(self, stamp: float) -> float | None:
        """A timestamp on our clock; None if nothing is known of the offset.

        Timestamps are truncated to whole seconds, so the event itself is up to a second later.
        """
        known = self._believed()
        return None if known is None else stamp - known.middle

    def _believed(self) -> Interval | None:
        dates, seen = self._dates, self._seen
        if not seen.is_bounded:
            return dates if dates.is_bounded else None
        # Each answer has a date, so dates give the narrower interval, as long as the two agree.
        return dates if dates.is_bounded and dates.agrees(seen) else seen
