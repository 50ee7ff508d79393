"""The event: one observed change of one job."""

from __future__ import annotations

import attrs

from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.saved import SavedFile
from legnext_stream.errors import DownloadError


@attrs.frozen(kw_only=True)
class JobEvent:
    """One observed change of one job.

    Times are in seconds on the clock of the Trio run (`trio.current_time()`).

    Attributes:
        job_id: Which job.
        status: What it is now.
        previous: What the last event of this job said, or the `Job` that was given to the watch;
            None if nothing was known.
        job: The job as the answer described it; `job.status` equals `status`.
        observed_at: When the answer came in, seconds.
        changed_between: The change happened after the first and not after the second of these,
            seconds; the first is None if the job had not been seen before.
        sequence: The place of this event in its stream: 1, 2, 3, … It is set on delivery; until
            then it is 0.
        prompt: In a stream of `generate`: what the job was submitted for; else None. If it has no
            job (`SUBMIT_UNKNOWN`, `NOT_SUBMITTED`), `job_id` is empty.
        position: The place of that prompt in its batch: 1, 2, 3, …; or None.
        files: What was saved of a completed job, where `generate` was told to.
        download_error: Why not all of it could be saved, or None.
    """

    job_id: str
    status: JobStatus
    previous: JobStatus | None
    job: Job
    observed_at: float
    changed_between: tuple[float | None, float]
    sequence: int = 0
    prompt: Prompt | None = None
    position: int | None = None
    files: tuple[SavedFile, ...] = ()
    download_error: DownloadError | None = None


def merge(older: JobEvent, newer: JobEvent) -> JobEvent:
    """One event for two changes of a job of which the first was not yet delivered."""
    return attrs.evolve(
        newer,
        previous=older.previous,
        changed_between=(older.changed_between[0], newer.changed_between[1]),
    )
