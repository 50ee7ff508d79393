"""The order of a job's statuses, and which answers are news.

The statuses of a job have an order:

    pending → staged → processing → retry → completed | failed

A job may skip any of them, and never moves back. The API's replicas may lag, so an answer can show a
status that the job has already left; such an answer is not news. `retry` comes after `processing`
because it shows that an attempt was made. A job that is processed again after a retry makes no news
until it ends, since an old `processing` can't be told from a new one.

A status that this version doesn't know has no place in the order. It is news the first time it is
seen for a job that has not ended, and says nothing about the job's place.
"""

from __future__ import annotations

from legnext_stream._core.model.jobs import JobStatus

_PLACE = {
    JobStatus.PENDING: 0,
    JobStatus.STAGED: 1,
    JobStatus.PROCESSING: 2,
    JobStatus.RETRY: 3,
    JobStatus.COMPLETED: 4,
    JobStatus.FAILED: 4,
    # The watch's own verdicts end a job whatever its status was.
    JobStatus.TIMED_OUT: 4,
    JobStatus.NOT_FOUND: 4,
    JobStatus.SUBMIT_UNKNOWN: 4,
    JobStatus.NOT_SUBMITTED: 4,
}
_RUNNING = frozenset({JobStatus.PROCESSING, JobStatus.RETRY})


def is_ahead(status: JobStatus, of: JobStatus | None) -> bool:
    """Whether a status comes after another one in the order. None comes before all.

    `status` has a place in the order: it is not `UNKNOWN`.
    """
    return of is None or _PLACE[status] > _PLACE[of]


def is_running(status: JobStatus) -> bool:
    """Whether a job with this status has begun to run and has not ended."""
    return status in _RUNNING
