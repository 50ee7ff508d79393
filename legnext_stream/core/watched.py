"""The record of one job that is being watched."""

from __future__ import annotations

import math

import attrs

from legnext_stream.core.jobs import JobStatus


@attrs.define(eq=False)
class Watched:
    """What the tracker remembers of one job. Times in seconds on the clock of the Trio run.

    There may be a million of these, so each is slotted and holds no decoded body.

    Attributes:
        job_id: Its id.
        status: What the last event said, or None.
        place: The last status with a place on the line (see `lifecycle`), or None.
        words: The unknown words already told.
        seen_at: When an answer last described it, or None.
        trouble_since: When the present run of failed polls began, or None.
        failures: Failed polls in that run.
        missing_since: When the present run of "no such job" began, or None.
        polled_at: When a poll of it last ended, other than by a refusal for the rate's sake; -inf
            before the first.
        position: Its place in the line.
        started_at: When it began to run, as far as is known or believed; None while it waits.
        is_confirmed: Whether `started_at` was seen, and not only concluded from others.
        running_by: When it was first seen running; infinite before.
        has_left: Whether the line no longer speaks for it.
        is_apart: Whether it waits without the line speaking for it.
        counted: The age up to which the run times have learned from it, seconds.
        task_type: Its task type, once it is known.
        is_asked: Whether a poll of it is under way.
        is_minded: Whether it has a time of its own in the schedule, or is being polled; the line
            minds the others.
        added_at: When it came in.
        due: When it is next to be polled, if it is minded.
        deadline: When it is to be polled at the latest.
    """

    job_id: str
    status: JobStatus | None = None
    place: JobStatus | None = None
    words: tuple[str, ...] = ()
    seen_at: float | None = None
    trouble_since: float | None = None
    failures: int = 0
    missing_since: float | None = None
    polled_at: float = -math.inf
    position: int = -1
    started_at: float | None = None
    is_confirmed: bool = False
    running_by: float = math.inf
    has_left: bool = False
    is_apart: bool = False
    counted: float = 0.0
    task_type: str | None = None
    is_asked: bool = False
    is_minded: bool = False
    added_at: float = 0.0
    due: float = 0.0
    deadline: float = math.inf
