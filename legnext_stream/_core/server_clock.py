"""The server's clock against ours: how far it is ahead, learned from what it shows.

Two things show it. The `Date` header, cut to whole seconds, was written between the sending of a
request and its answer, which leaves an interval of possible offsets; many answers leave a narrow one.
And the times in a job's `meta` must agree with what was seen: a job seen waiting at one time and
running at a later one was started between the two. What was seen is believed first: where the two
disagree, as when a proxy stamps the dates, the times in `meta` are read by what was seen.
"""

from __future__ import annotations

import math

# Clocks drift apart by some parts in a hundred thousand; this is how fast an old interval widens.
_DRIFT = 1e-4
# An interval is first looked at with this much leave, seconds, before it is said to contradict.
_LEAVE = 0.5


class Interval:
    """A range of possible offsets, narrowed by each bound, begun anew when one contradicts it."""

    __slots__ = ("_at", "_high", "_low", "is_bounded")

    def __init__(self) -> None:
        self._low = -math.inf
        self._high = math.inf
        self._at = 0.0
        # Whether anything is known.
        self.is_bounded: bool = False

    @property
    def middle(self) -> float:
        """The best guess, seconds; only of a bounded interval."""
        return (self._low + self._high) / 2

    @property
    def error(self) -> float:
        """How far the best guess can be off, seconds."""
        return (self._high - self._low) / 2

    def agrees(self, other: Interval) -> bool:
        """Whether another one overlaps with it, or nearly."""
        return self._low - other._high <= _LEAVE and other._low - self._high <= _LEAVE

    def narrow(self, now: float, low: float, high: float) -> None:
        """Take in that the offset lies between these two; if it can't, the clock has jumped."""
        passed = now - self._at
        widen = _DRIFT * passed if passed > 0.0 and self.is_bounded else 0.0
        old_low, old_high = self._low - widen, self._high + widen
        self._at = now
        if low <= old_low and old_high <= high:
            # Nothing new, as nearly always once some answers have come.
            self._low, self._high = old_low, old_high
            return
        if low > old_high + _LEAVE or high < old_low - _LEAVE:
            self._low, self._high = low, high
        else:
            # Slight contradictions are the network's; the point where the two meet is kept.
            self._low = min(max(old_low, low), high + _LEAVE)
            self._high = max(min(old_high, high), self._low)
        self.is_bounded = self._high - self._low < math.inf


class ServerClock:
    """Turns the server's times into ours. All in seconds; theirs since 1970, ours Trio's."""

    def __init__(self) -> None:
        self._dates = Interval()
        self._seen = Interval()

    def dated(self, date: float, sent_at: float, received_at: float) -> None:
        """An answer to a request sent and received at these times carried this `Date`."""
        self._dates.narrow(received_at, date - received_at, date + 1.0 - sent_at)

    def happened(self, stamp: float, after: float, before: float) -> None:
        """Something the server stamped so was seen to happen between these two times."""
        self._seen.narrow(before, stamp - before, stamp + 1.0 - after)

    @property
    def error(self) -> float:
        """How far `local` can be off, seconds; infinite while nothing is known."""
        known = self._believed()
        return math.inf if known is None else known.error

    def local(self, stamp: float) -> float | None:
        """When a stamped moment was on our clock; None if nothing is known of the offset.

        Stamps are cut to whole seconds, so the moment itself is up to a second later.
        """
        known = self._believed()
        return None if known is None else stamp - known.middle

    def _believed(self) -> Interval | None:
        dates, seen = self._dates, self._seen
        if not seen.is_bounded:
            return dates if dates.is_bounded else None
        # Dates come with each answer, and so are the narrower of the two as long as they agree.
        return dates if dates.is_bounded and dates.agrees(seen) else seen
