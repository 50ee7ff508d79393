"""What really happened: every change of every job, with its time.

What a client reports is judged against this, and nothing here is ever wrong, late or missing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from mockserver._world.jobs import Job


class Change(NamedTuple):
    """A job reached a status.

    Attributes:
        at: When, in seconds since the world's start.
        status: The status.
    """

    at: float
    status: str


class JobChange(NamedTuple):
    """A job reached a status, among the changes of all jobs.

    Attributes:
        at: When, in seconds since the world's start.
        job_id: The job.
        status: The status.
    """

    at: float
    job_id: str
    status: str


class Truth(Mapping[str, tuple[Change, ...]]):
    """The changes of each job that had happened by a certain time.

    Args:
        jobs: The jobs of a world, by id.
        advance: Brings the world forward to a time.
        until: The time, in seconds since the world's start.

    Attributes:
        until: The time up to which changes are shown, in seconds since the world's start.
    """

    __slots__ = ("_advance", "_jobs", "until")

    def __init__(
        self, jobs: Mapping[str, Job], advance: Callable[[float], None], until: float
    ) -> None:
        self._jobs = jobs
        self._advance = advance
        self.until: float = until

    def __getitem__(self, job_id: str) -> tuple[Change, ...]:
        self._advance(self.until)
        job = self._jobs[job_id]
        return tuple(map(Change, job.times[: job.reached(self.until)], job.statuses))

    def __iter__(self) -> Iterator[str]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def at(self, t: float) -> Truth:
        """The truth as it was (or will be) at `t`, in seconds since the world's start."""
        return Truth(self._jobs, self._advance, t)

    def changes(self) -> Iterator[JobChange]:
        """The changes of all jobs in the order of time.

        Changes at the same instant come in the order in which their jobs were added.
        """
        per_job = (
            [JobChange(at, job_id, status) for at, status in changes]
            for job_id, changes in self.items()
        )
        # Merging is stable: at equal times the earlier job comes first.
        return heapq.merge(*per_job, key=lambda change: change.at)

    def __repr__(self) -> str:
        return f"<Truth of {len(self)} jobs until {self.until:g} s>"
