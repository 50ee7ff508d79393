"""A world as it was at one time, to return to."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from mockserver._world.jobs import Job
from mockserver._world.slots import Queue, QueueState


@attrs.frozen(eq=False, repr=False)
class WorldSnapshot:
    """The state of a world at one time; later changes of the world don't affect it.

    It holds no random generator: random numbers are looked up rather than drawn.

    Attributes:
        seed: The world's seed.
        at: The time, in seconds since the world's start.
        queue: The jobs that waited, and those that held a slot.
    """

    seed: int
    at: float
    queue: QueueState
    _jobs: Sequence[Job]

    @classmethod
    def of(cls, seed: int, at: float, jobs: Sequence[Job], queue: Queue) -> WorldSnapshot:
        """A snapshot of the world with this state."""
        return cls(seed, at, queue.save(), _copies(jobs, at))

    def __len__(self) -> int:
        """How many jobs there were."""
        return len(self._jobs)

    def copy_jobs(self) -> list[Job]:
        """Copies of the jobs' records."""
        return _copies(self._jobs, self.at)

    def __repr__(self) -> str:
        return f"<WorldSnapshot of {len(self)} jobs at {self.at:g} s>"


def _copies(jobs: Sequence[Job], at: float) -> list[Job]:
    # The record of a job that has ended never changes, so it can be shared.
    return [job if job.end <= at else job.copy() for job in jobs]
