"""A world as it was at one time, to be returned to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from mockserver._world.jobs import Job
    from mockserver._world.slots import Queue, QueueState


@attrs.frozen(eq=False, repr=False)
class WorldSnapshot:
    """All that a world was at one time; nothing done to the world later reaches it.

    Random numbers are looked up rather than drawn, so there is no generator to be kept.

    Attributes:
        seed: The world's seed.
        at: The time, in seconds since the world's start.
        queue: Who waited, and who held a slot.
    """

    seed: int
    at: float
    queue: QueueState
    _jobs: Sequence[Job]

    @classmethod
    def of(cls, seed: int, at: float, jobs: Sequence[Job], queue: Queue) -> WorldSnapshot:
        """A snapshot of the world that is made of these."""
        return cls(seed, at, queue.save(), _copies(jobs, at))

    def __len__(self) -> int:
        """How many jobs there were."""
        return len(self._jobs)

    def copy_jobs(self) -> list[Job]:
        """The jobs' records, for a world of their own."""
        return _copies(self._jobs, self.at)

    def __repr__(self) -> str:
        return f"<WorldSnapshot of {len(self)} jobs at {self.at:g} s>"


def _copies(jobs: Sequence[Job], at: float) -> list[Job]:
    # What has ended never changes, so that its record can be shared.
    return [job if job.end <= at else job.copy() for job in jobs]
