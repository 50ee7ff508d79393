"""How likely jobs are to fail while they wait, and when that is worth a look.

Moderation and bad input fail a job some seconds after its submit, before it has a slot. The queue
order doesn't ask about jobs that wait, so their failures would be told when their turn would have
come. Nearly all such failures are early. So each waiting job is polled once, when that time is over.
From then on the price rule covers failures, as it covers the ends of running jobs (see `price_rule`),
with a chance that is learned: a few polls, at growing intervals.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

from legnext_stream._core.schedule.curve import OLDEST, clamped

# Ages in seconds since the submit. Within each stretch failures are taken to be spread evenly.
_EDGES: Final = (0.0, 6.0, 100.0, 1_000.0, 10_000.0, 100_000.0, OLDEST)
_WIDTHS: Final = tuple(end - begin for begin, end in pairwise(_EDGES))
# The chance to fail in the first stretch, and in each later one, before anything was seen; and how
# many jobs that counts as.
_EARLY, _LATE = 0.005, 0.00005
_PRIOR_JOBS: Final = 100.0
# A wait that is usual in a long queue, in seconds. Where early failures are so rare that the news of
# one is expected to wait less by then than a request is worth, the first look can wait, too.
_USUAL_WAIT: Final = 600.0


class QueueFailures:
    """The chance of jobs of one type to fail while they wait, learned. Ages are in seconds."""

    def __init__(self) -> None:
        later = len(_WIDTHS) - 1
        # Of each stretch: the jobs that failed in it, and those that were seen to pass it.
        self._failed = [_PRIOR_JOBS * _EARLY, *[_PRIOR_JOBS * _LATE] * later]
        self._passed = [_PRIOR_JOBS] * len(_WIDTHS)

    def survived(self, since: float, until: float) -> None:
        """Count a job that was seen waiting at age `since`, and waited until age `until`."""
        for i, width in enumerate(_WIDTHS):
            shared = min(until, _EDGES[i + 1]) - max(since, _EDGES[i])
            if shared > 0.0:
                self._passed[i] += shared / width

    def failed(self, since: float, at: float) -> None:
        """Count a job that was seen waiting at age `since`, and failed at age `at`."""
        self.survived(since, at)
        self._failed[next(i for i, end in enumerate(_EDGES[1:]) if clamped(at) <= end)] += 1.0

    def undetected(self, since: float, until: float) -> float:
        """How long the news of a failure is expected to have waited at age `until`, in seconds.

        The job was last seen waiting at age `since`. This is `W` of `curve`, for chances so small that
        nearly all jobs survive.
        """
        total = 0.0
        for i in range(len(_WIDTHS)):
            begin, end = max(since, _EDGES[i]), min(until, _EDGES[i + 1])
            if begin < end:
                total += self._rate(i) * (end - begin) * (until - (begin + end) / 2.0)
        return total

    def look(self, since: float, price: float) -> float:
        """The age at which to poll a job that was last seen waiting at age `since`.

        A request costs `price` seconds of delay.
        """
        if since < _WIDTHS[0] and self._rate(0) * _WIDTHS[0] * _USUAL_WAIT >= price:
            return _WIDTHS[0]
        undetected = failed = 0.0
        for i, end in enumerate(_EDGES[1:]):
            seconds = end - max(since, _EDGES[i])
            if seconds <= 0.0:
                continue
            rate = self._rate(i)
            more = undetected + failed * seconds + rate * seconds**2 / 2.0
            if more >= price:
                # Solve  undetected + failed t + rate t²/2 = price  for t.
                left = price - undetected
                root = math.sqrt(failed**2 + 2.0 * rate * left)
                return end - seconds + 2.0 * left / (failed + root)
            undetected, failed = more, failed + rate * seconds
        return OLDEST

    def _rate(self, stretch: int) -> float:
        """Failures a second of a job that waits at an age in this stretch."""
        return self._failed[stretch] / self._passed[stretch] / _WIDTHS[stretch]
