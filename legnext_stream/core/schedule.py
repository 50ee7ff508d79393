"""Whom to ask next, and when."""

from __future__ import annotations

import heapq
from itertools import count

from legnext_stream.core.jitter import jitter
from legnext_stream.core.pacing import Pacing
from legnext_stream.core.watched import Watched

# Each poll without news makes the next wait half as long again.
_GROWTH = 1.5
# The first wait after a failed poll, seconds; it doubles with each failure.
_FIRST_RETRY = 1.0
_LONGEST_RETRY = 30.0


class Schedule:
    """The jobs that are to be polled, by the time at which each is due.

    A job is in here exactly while it is watched and no poll of it is under way.
    """

    def __init__(self, pacing: Pacing) -> None:
        self._pacing = pacing
        self._heap: list[tuple[float, int, Watched]] = []
        self._order = count()

    def next_due(self) -> float:
        """When the next job is due, seconds; infinite if there is none."""
        return self._heap[0][0] if self._heap else float("inf")

    def take(self) -> Watched:
        """Take out the job that is due first; it is about to be polled."""
        return heapq.heappop(self._heap)[2]

    def add(self, now: float, job: Watched) -> None:
        """Take in a job that has never been polled: it is due at once."""
        self._push(now, job)

    def seen(self, now: float, job: Watched, deadline: float) -> None:
        """Put back a job that was seen unfinished; ask again by `deadline` at the latest."""
        pacing = self._pacing
        # Capped before the power, which would overflow for a job that is watched for days.
        steps = min(job.unchanged, 64)
        interval = min(pacing.min_interval * _GROWTH**steps, pacing.max_interval)
        # Up to a tenth earlier, never later: the cap is a promise.
        interval *= 1 - 0.1 * jitter(job.job_id, job.polls)
        self._push(max(min(now + interval, deadline), now + pacing.min_interval), job)

    def missing(self, now: float, job: Watched, deadline: float) -> None:
        """Put back a job that the API did not know; ask again when that can be believed."""
        self._push(max(deadline, now + self._pacing.min_interval), job)

    def limited(self, now: float, job: Watched) -> None:
        """Put back a job whose poll was refused for the rate's sake: the pace holds it, not we."""
        self._push(now, job)

    def failed(self, now: float, job: Watched, deadline: float) -> None:
        """Put back a job whose poll failed: exponential backoff with jitter, up to `deadline`."""
        longest = min(_FIRST_RETRY * 2 ** min(job.failures - 1, 32), _LONGEST_RETRY)
        wait = longest * (0.5 + 0.5 * jitter(job.job_id, job.failures))
        self._push(max(min(now + wait, deadline), now + self._pacing.min_interval), job)

    def _push(self, due: float, job: Watched) -> None:
        heapq.heappush(self._heap, (due, next(self._order), job))
