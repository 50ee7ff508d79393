"""Jobs that an unverified callback says have changed: polled soon, but not as often as it says.

Anyone who can reach a receiver of webhooks can send a hint, so a hint proves nothing; it only makes a
poll worth while. The first hint about a job counts at once. The next counts some seconds later, and
each further one after twice the time, until the job has ended.
"""

from __future__ import annotations

import heapq
import math
from itertools import count
from typing import Final

import msgspec

from legnext_stream._core.watched import Watched

_FIRST_GAP: Final = 5.0
_LONGEST_GAP: Final = 60.0


class _Hinted(msgspec.Struct, eq=False, gc=False):
    """A job about which there has been a hint."""

    job: Watched
    at: float = math.inf  # when it is to be polled; inf if it has been
    again_at: float = -math.inf  # when the next hint counts
    gap: float = _FIRST_GAP  # how long after that the one after counts, in seconds


class Hints:
    """The hints about the jobs of one watch. Times are in seconds on any one clock."""

    def __init__(self, min_interval: float) -> None:
        self._min_interval = min_interval
        self._hinted: dict[str, _Hinted] = {}
        # A heap by time. An entry whose time isn't that of its hint any more is ignored.
        self._waiting: list[tuple[float, int, _Hinted]] = []
        self._order = count()

    def due(self, now: float) -> float:
        """When to poll a job because of a hint; inf if there is none."""
        waiting = self._waiting
        while waiting:
            at, _, hinted = waiting[0]
            if at == hinted.at:
                if at > now:
                    return at
                # The answer to a poll in flight may be older than the hint.
                last = now if hinted.job.is_in_flight else hinted.job.polled_at
                rested = last + self._min_interval
                if rested <= now:
                    return at
                self._wait(hinted, rested)
            heapq.heappop(waiting)
        return math.inf

    def add(self, now: float, job: Watched) -> None:
        """Take in a hint about a job."""
        hinted = self._hinted.get(job.job_id)
        if hinted is None:
            hinted = self._hinted[job.job_id] = _Hinted(job)
        if hinted.at == math.inf:
            self._wait(hinted, max(now, hinted.again_at))

    def _wait(self, hinted: _Hinted, at: float) -> None:
        hinted.at = at
        heapq.heappush(self._waiting, (at, next(self._order), hinted))

    def take(self) -> Watched:
        """Take the job to poll now; only when `due` says so."""
        at, _, hinted = heapq.heappop(self._waiting)
        hinted.at, hinted.again_at = math.inf, at + hinted.gap
        hinted.gap = min(2.0 * hinted.gap, _LONGEST_GAP)
        return hinted.job

    def polled(self, job: Watched) -> None:
        """A job is polled for another reason, which answers the hint too."""
        if self._hinted and (hinted := self._hinted.get(job.job_id)) is not None:
            hinted.at = math.inf

    def forget(self, job: Watched) -> None:
        """A job is no longer watched."""
        hinted = self._hinted.pop(job.job_id, None)
        if hinted is not None:
            hinted.at = math.inf
