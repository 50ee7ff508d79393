"""Events: two undelivered changes of a job become one."""

from __future__ import annotations

from legnext_stream._core.model.events import JobEvent, merge
from legnext_stream._core.model.jobs import Job, JobStatus


def event(status: JobStatus, previous: JobStatus | None, after: float | None) -> JobEvent:
    """An event seen two seconds after `after`."""
    at = 2.0 if after is None else after + 2
    return JobEvent(
        job_id="a",
        status=status,
        previous=previous,
        job=Job(job_id="a", status=status),
        observed_at=at,
        changed_between=(after, at),
    )


def test_a_merged_event_spans_both() -> None:
    """It has the newer status, the older `previous`, and the whole time between."""
    older = event(JobStatus.STAGED, JobStatus.PENDING, 3)
    newer = event(JobStatus.COMPLETED, JobStatus.STAGED, 9)
    both = merge(older, newer)
    assert both.status is JobStatus.COMPLETED
    assert both.previous is JobStatus.PENDING
    assert both.job is newer.job
    assert both.observed_at == 11
    assert both.changed_between == (3, 11)


def test_a_merged_first_event_stays_a_first_one() -> None:
    """If the older one was the first, nothing is known of the time before."""
    both = merge(event(JobStatus.PENDING, None, None), event(JobStatus.STAGED, None, 2))
    assert both.previous is None
    assert both.changed_between[0] is None
