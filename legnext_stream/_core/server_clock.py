"""The server's clock relative to ours: its offset and its rate, learned from answers.

Two things show it. The `Date` header, truncated to whole seconds, was written between the sending of a
request and its answer, which leaves an interval of possible offsets; many answers narrow it
(Cristian, "Probabilistic clock synchronization", Distributed Computing 3, 1989). And the times in a
job's `meta` must agree with what was seen: a job seen waiting at one time and running at a later one
was started between the two. What was seen has precedence: if the two disagree, as when a proxy writes
the dates, the times in `meta` are converted by what was seen.

The clock of a real server runs as fast as ours. That of a mock server may run many times as fast, and
its jobs with it. The dates show that, too; then a second of the server's is a fraction of ours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# How fast an old interval widens: clocks drift apart by some parts in a hundred thousand.
_DRIFT = 1e-4
# Up to this many seconds apart, two intervals are taken to agree.
_TOLERANCE = 0.5
# The rate of the clock is measured over this many of our seconds, or this many of the server's if they
# pass sooner. It is believed if it is the same in two such windows in a row: one alone may be a clock
# that was set, or an answer from another server.
_WINDOW, _THEIR_WINDOW = 3.0, 10.0
# Below this a clock is taken to run like ours.
_FAST = 1.25


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


class Mark(NamedTuple):
    """A `Date`, and when the request was sent and its answer received that had it."""

    date: float
    sent_at: float
    received_at: float

    def rate_until(self, later: Mark) -> tuple[float, float]:
        """The least and the most seconds of the server's that can have passed in one of ours."""
        passed = later.date - self.date
        least = (passed - 1.0) / (later.received_at - self.sent_at)
        return least, (passed + 1.0) / (later.sent_at - self.received_at)


class Rate:
    """How many seconds pass on the server's clock while one passes on ours: `value`, usually 1."""

    def __init__(self) -> None:
        self.value: float = 1.0
        # Where the window began, and those before it that agree with it.
        self._begun: Mark | None = None
        self._since: Mark | None = None

    def dated(self, mark: Mark) -> bool:
        """Take in a date; return whether that changed the rate."""
        begun = self._begun
        if begun is None or mark.date < begun.date:
            self._begun, self._since = mark, None
            return False
        passed = mark.sent_at - begun.received_at
        if passed <= 0.0 or (passed < _WINDOW and mark.date - begun.date < _THEIR_WINDOW):
            return False
        self._begun, since, old = mark, self._since, self.value
        least, most = begun.rate_until(mark)
        if since is None or not least <= self._between(since, begun) <= most:
            # The first window, or one that contradicts those before it.
            self._since, self.value = (begun if least > _FAST else None), 1.0
        else:
            low, high = since.rate_until(mark)
            if not low <= old <= high:
                self.value = (low + high) / 2
        return self.value != old

    @staticmethod
    def _between(since: Mark, until: Mark) -> float:
        return sum(since.rate_until(until)) / 2


class ServerClock:
    """Converts the server's times to ours. All are in seconds: theirs since 1970, ours Trio's."""

    def __init__(self) -> None:
        self._rate = Rate()
        # From here on, the server's times are counted in our seconds.
        self._epoch = 0.0
        self._dates = Interval()
        self._seen = Interval()

    def dated(self, date: float, sent_at: float, received_at: float) -> None:
        """An answer to a request sent and received at these times had this `Date`."""
        if self._rate.dated(Mark(date, sent_at, received_at)):
            self._epoch, self._dates, self._seen = date, Interval(), Interval()
        date = self._scaled(date)
        self._dates.narrow(received_at, date - received_at, date + self.second - sent_at)

    def happened(self, stamp: float, after: float, before: float) -> None:
        """What the server gives this timestamp happened between these two times."""
        stamp = self._scaled(stamp)
        self._seen.narrow(before, stamp - before, stamp + self.second - after)

    @property
    def speed(self) -> float:
        """How many seconds pass on the server's clock while one passes on ours."""
        return self._rate.value

    @property
    def second(self) -> float:
        """How long a second of the server's is, in seconds; 1.0 but for a mock server's."""
        return 1.0 / self._rate.value

    def _scaled(self, stamp: float) -> float:
        return self._epoch + (stamp - self._epoch) * self.second

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
        return None if known is None else self._scaled(stamp) - known.middle

    def _believed(self) -> Interval | None:
        dates, seen = self._dates, self._seen
        if not seen.is_bounded:
            return dates if dates.is_bounded else None
        # Each answer has a date, so dates give the narrower interval, as long as the two agree.
        return dates if dates.is_bounded and dates.agrees(seen) else seen
