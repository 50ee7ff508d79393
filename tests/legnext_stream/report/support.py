"""Shared by the tests of reports: sample batches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from legnext_stream import Job, JobError, JobEvent, JobStatus, Usage
from legnext_stream._core.model.events import SavedFile
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._report import Collector
from legnext_stream._report.collecting import Collected
from tests.legnext_stream.cli.support import some_stats

SUBMITTED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_event(
    job_id: str = "job-1",
    status: JobStatus = JobStatus.COMPLETED,
    *,
    at: float = 60.0,
    between: tuple[float | None, float] | None = None,
    stamps: tuple[float | None, float | None, float | None] = (0.0, 1.0, 41.0),
    reason: str | None = None,
    prompt: str | None = None,
    task_type: str = "diffusion",
    **changes: Any,  # noqa: ANN401 - the event's
) -> JobEvent:
    """An event; `stamps` are the seconds of submission, start and end by the API's clock."""
    created, started, ended = (
        None if seconds is None else SUBMITTED + timedelta(seconds=seconds) for seconds in stamps
    )
    job = Job(
        job_id=job_id,
        status=status,
        task_type=task_type,
        created_at=created,
        started_at=started,
        ended_at=ended,
        usage=Usage(unit="point", consume=80 if status is JobStatus.COMPLETED else 0),
        error=None if reason is None else JobError(code=403, message=reason),
    )
    fields: dict[str, Any] = {
        "job_id": job_id,
        "status": status,
        "previous": JobStatus.PROCESSING,
        "job": job,
        "observed_at": at,
        "changed_between": (at - 2.0, at - 0.5) if between is None else between,
        "prompt": None if prompt is None else Prompt(prompt),
    }
    return JobEvent(**(fields | changes))


def a_file(size: int = 1000) -> SavedFile:
    """A file that was saved."""
    return SavedFile(
        url="https://a/b", path=Path("b.png"), size=size, media_type="image/png", was_there=False
    )


def a_batch(
    jobs: int = 12, *, stamped: bool = True, failed: Mapping[int, str] | None = None
) -> Collected:
    """A batch of jobs that were submitted together and ran one after the other."""
    collector = Collector("a batch at https://api.example", 100.0, began=SUBMITTED)
    for number in range(jobs):
        now = 100.0 + 10 * number
        collector.sample(
            now,
            some_stats(
                {JobStatus.COMPLETED: number, JobStatus.PROCESSING: 1},
                unseen=jobs - number - 1,
                polls=20 * number,
                rate_limited=number // 4,
            ),
        )
        name = f"{number:08}-job"
        begins, ends = 10.0 * number, 10.0 * number + 9
        stamps = (0.0, begins, None) if stamped else (None, None, None)
        running = an_event(name, JobStatus.PROCESSING, at=now + 1, stamps=stamps)
        collector.note(running)
        reason = (failed or {}).get(number)
        collector.note(
            an_event(
                name,
                JobStatus.COMPLETED if reason is None else JobStatus.FAILED,
                at=now + 10,
                stamps=(0.0, begins, ends) if stamped else (None, None, None),
                reason=reason,
            )
        )
    numbers = some_stats({JobStatus.COMPLETED: jobs}, polls=20 * jobs, rate_limited=jobs // 4)
    return collector.collected(100.0 + 10 * jobs, numbers, "all jobs ended")
