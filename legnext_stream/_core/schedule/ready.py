"""The jobs that are ready to be polled, and the choice between them while requests are scarce.

The best of a few drawn at random is nearly the best of all, and costs the same however many there
are (Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 12, 2001).
A job that isn't chosen gains worth with time, so none starves.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from typing import Final

from legnext_stream._core.watched import BY_QUEUE, Watched

# How many are compared at a time.
_COMPARED: Final = 8


class Ready:
    """Jobs in no particular order. Each knows its index: `Watched.where`."""

    __slots__ = ("_jobs", "_random")

    def __init__(self) -> None:
        self._jobs: list[Watched] = []
        # Seeded, so that runs can be repeated.
        self._random = random.Random(0)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Watched) -> None:
        """Add a job whose time has come."""
        job.where = len(self._jobs)
        self._jobs.append(job)

    def remove(self, job: Watched) -> None:
        """Take out a job that is in here."""
        last = self._jobs.pop()
        if last is not job:
            self._jobs[job.where] = last
            last.where = job.where
        job.where = BY_QUEUE

    def take_best(
        self, worth_of: Callable[[Watched], float], rival: Watched | None = None
    ) -> tuple[Watched, float]:
        """Take out a job whose poll is worth much; return it and its worth, or 0 if it was alone.

        The worth of a poll is the expected undetected news, in seconds. A rival isn't in here, and
        is returned if its poll is worth more.
        """
        jobs = self._jobs
        if not jobs and rival is not None:
            return rival, 0.0
        if len(jobs) == 1 and rival is None:
            job = jobs[0]
            self.remove(job)
            return job, 0.0
        few: Iterable[int] = range(len(jobs))
        if len(jobs) > _COMPARED:
            # One that is drawn twice is compared with itself, which is cheaper than drawing again.
            chance, many = self._random.random, len(jobs)
            few = [int(chance() * many) for _ in range(_COMPARED)]
        worth, job = (-math.inf, jobs[0]) if rival is None else (worth_of(rival), rival)
        for index in few:
            each = jobs[index]
            its_worth = worth_of(each)
            if its_worth >= worth:
                worth, job = its_worth, each
        if job is not rival:
            self.remove(job)
        return job, worth
