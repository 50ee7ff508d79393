"""What really happened: every change of every job, with its time.

Whatever a client reports is judged against this, and nothing here is ever wrong, late or missing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mockserver._world.world import World


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
        world: The world they happened in.
        until: The time, in seconds since the world's start.

    Attributes:
        until: The time up to which changes are shown, in seconds since the world's start.
    """

    __slots__ = ("_world", "until")

    def __init__(self, world: World, until: float) -> None:
        self._world: World = world
        self.until: float = until

    def __getitem__(self, job_id: str) -> tuple[Change, ...]:
        return self._world.changes(job_id, self.until)

    def __iter__(self) -> Iterator[str]:
        return self._world.job_ids()

    def __len__(self) -> int:
        return len(self._world)

    def at(self, t: float) -> Truth:
        """The truth as it was (or will be) at `t`, in seconds since the world's start."""
        return Truth(self._world, t)

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
