"""Jobs that somebody says have changed: asked about soon, but not as often as anybody likes to say so.

A hint comes from whoever can reach a receiver of webhooks, so it is believed in nothing but that a poll
may be worth while. Of one job the first hint is heard at once. Until the job has ended, the next is
heard after a few seconds, and each further one after twice as long as the one before.
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


class _Heard(msgspec.Struct, eq=False, gc=False):
    """A job about which there has been a hint.

    Attributes:
        job: The job.
        at: When it is to be asked about; infinite if it has been.
        again_at: When the next hint is heard.
        gap: How long after that the one that follows is, seconds.
    """

    job: Watched
    at: float = math.inf
    again_at: float = -math.inf
    gap: float = _FIRST_GAP


class Hints:
    """The hints about the jobs of one watch. Times in seconds on any one clock.

    Args:
        least: No job is asked about twice within so many seconds.
    """

    __slots__ = ("_heard", "_least", "_order", "_waiting")

    def __init__(self, least: float) -> None:
        self._least = least
        self._heard: dict[str, _Heard] = {}
        # By time. What has been forgotten is passed over when its time comes.
        self._waiting: list[tuple[float, int, _Heard]] = []
        self._order = count()

    def due(self, now: float) -> float:
        """When a job is to be asked about; infinite if none is."""
        waiting = self._waiting
        while waiting:
            at, _, heard = waiting[0]
            if at == heard.at:
                if at > now:
                    return at
                # The answer that is on its way may be older than the hint.
                busy = heard.job.is_asked
                rested = now + self._least if busy else heard.job.polled_at + self._least
                if rested <= now:
                    return at
                self._wait(heard, rested)
            heapq.heappop(waiting)
        return math.inf

    def add(self, now: float, job: Watched) -> None:
        """There is a hint about a job."""
        heard = self._heard.get(job.job_id)
        if heard is None:
            heard = self._heard[job.job_id] = _Heard(job)
        if heard.at == math.inf:
            self._wait(heard, max(now, heard.again_at))

    def _wait(self, heard: _Heard, at: float) -> None:
        heard.at = at
        heapq.heappush(self._waiting, (at, next(self._order), heard))

    def take(self) -> Watched:
        """Take out the job to be asked about now; only if `due` has just said that one is."""
        at, _, heard = heapq.heappop(self._waiting)
        heard.at, heard.again_at = math.inf, at + heard.gap
        heard.gap = min(2.0 * heard.gap, _LONGEST_GAP)
        return heard.job

    def answered(self, job: Watched) -> None:
        """A job is asked about for another reason: that answers the hint, too."""
        if self._heard and (heard := self._heard.get(job.job_id)) is not None:
            heard.at = math.inf

    def forget(self, job: Watched) -> None:
        """A job is no longer watched."""
        heard = self._heard.pop(job.job_id, None)
        if heard is not None:
            heard.at = math.inf
