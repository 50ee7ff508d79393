"""Changes of a job by hand or by polls: of its record and of its place in the queue."""

from __future__ import annotations

import math

from mockserver._world.jobs import Job, Place, nothing_follows
from mockserver._world.scripts import FAILURES, TERMINAL, Failure
from mockserver._world.slots import Queue


def leave(job: Job, queue: Queue, at: float) -> None:
    """Let a job leave its present step at `at`; a queued job takes a slot at once."""
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
    """Keep a job in its present status from `at` on; if it waits for a slot, it leaves the queue."""
    if job.place is Place.BEFORE:
        queue.leave(job.index, job.joins_at, at)
        job.joins_at = math.inf
    else:
        end = job.end
        job.hold(at)
        _tell_end(job, queue, end)


def put(job: Job, queue: Queue, status: str, at: float, failure: Failure | None) -> None:
    """Put a job into `status` from `at` on, with nothing to follow."""
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
    """Tell the queue that a job that was to end at `before` ends at another time."""
    if job.place is Place.WITHIN:
        queue.move_end(job.index, before, job.end)
