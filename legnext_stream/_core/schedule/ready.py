"""The jobs whose time has come, and the choice between them while requests are scarce.

The best of a few drawn at random is nearly the best of all, and costs the same however many there
are (Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 12, 2001).
What waits gains worth with time, so nothing starves.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from typing import Final

from legnext_stream._core.watched import BY_LINE, Watched

# How many are compared at a time.
_COMPARED: Final = 8


class Overdue:
    """Jobs in no order, each of which knows its place: `Watched.seat`."""

    __slots__ = ("_jobs", "_random")

    def __init__(self) -> None:
        self._jobs: list[Watched] = []
        # Chance that is the same in each run: only the order of equals hangs on it.
        self._random = random.Random(0)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Watched) -> None:
        """A job's time has come."""
        job.seat = len(self._jobs)
        self._jobs.append(job)

    def remove(self, job: Watched) -> None:
        """Take out a job that is here; the line minds it then."""
        last = self._jobs.pop()
        if last is not job:
            self._jobs[job.seat] = last
            last.seat = job.seat
        job.seat = BY_LINE

    def take_dearest(self, worth_of: Callable[[Watched], float]) -> tuple[Watched, float]:
        """Take out one that is worth much, and say how much: if there are others, or else 0.

        Args:
            worth_of: What it is worth to ask about a job, seconds of news that lies undetected.
        """
        jobs = self._jobs
        if len(jobs) == 1:
            job = jobs[0]
            self.remove(job)
            return job, 0.0
        few: Iterable[int] = range(len(jobs))
        if len(jobs) > _COMPARED:
            # One that is drawn twice is compared with itself: that is cheaper than to draw another.
            chance, many = self._random.random, len(jobs)
            few = [int(chance() * many) for _ in range(_COMPARED)]
        worth, job = -math.inf, jobs[0]
        for index in few:
            each = jobs[index]
            its_worth = worth_of(each)
            if its_worth >= worth:
                worth, job = its_worth, each
        self.remove(job)
        return job, worth
