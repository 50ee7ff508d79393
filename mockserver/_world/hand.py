"""What is done to a job by hand, or by polls: its record and its place in the queue, together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mockserver._world.jobs import Place, nothing_follows
from mockserver._world.scripts import FAILURES, TERMINAL

if TYPE_CHECKING:
    from mockserver._world.jobs import Job
    from mockserver._world.scripts import Failure
    from mockserver._world.slots import Queue


def leave(job: Job, queue: Queue, at: float) -> None:
    """Let a job leave its present step at `at`; from the queue it goes straight to a slot.

    Raises:
        ValueError: Nothing follows.
    """
    if job.place is not Place.BEFORE:
        end = job.end
        job.leave(at)
        _tell_end(job, queue, end)
        return
    if job.script is not None and not job.ahead:
        raise nothing_follows(job)
    queue.leave(job.index, job.joins_at, at)
    if job.joins_at <= at:
        queue.seize(job.index, at)
    else:
        job.joins_at = at
        queue.join(job.index, at)


def hold(job: Job, queue: Queue, at: float) -> None:
    """Keep a job where it is from `at` on; one that waits for a slot leaves the queue."""
    if job.place is Place.BEFORE:
        queue.leave(job.index, job.joins_at, at)
        job.joins_at = math.inf
    else:
        end = job.end
        job.hold(at)
        _tell_end(job, queue, end)


def put(job: Job, queue: Queue, status: str, at: float, failure: Failure | None) -> None:
    """Have a job in `status` from `at` on, and nothing else after it."""
    end = job.end
    if job.place is Place.BEFORE:
        queue.leave(job.index, job.joins_at, at)
        job.joins_at = math.inf
        if status in TERMINAL:
            job.place = Place.BESIDE
        elif status != "pending":
            job.place = Place.WITHIN
            queue.occupy(job.index, math.inf)
    job.become(status, at, (failure or FAILURES[0]) if status == "failed" else None)
    _tell_end(job, queue, end)


def _tell_end(job: Job, queue: Queue, before: float) -> None:
    """Tell the queue that a job which was to end at `before` ends at another time."""
    if job.place is Place.WITHIN:
        queue.move_end(job.index, before, job.end)
