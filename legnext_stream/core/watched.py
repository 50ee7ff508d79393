"""The record of one job that is being watched."""

from __future__ import annotations

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
        running_since: When it began to run, as far as is known, or None.
        trouble_since: When the present run of failed polls began, or None.
        failures: Failed polls in that run.
        missing_since: When the present run of "no such job" began, or None.
        polls: Polls so far that described it.
        unchanged: Polls since the last change.
    """

    job_id: str
    status: JobStatus | None = None
    place: JobStatus | None = None
    words: tuple[str, ...] = ()
    seen_at: float | None = None
    running_since: float | None = None
    trouble_since: float | None = None
    failures: int = 0
    missing_since: float | None = None
    polls: int = 0
    unchanged: int = 0
