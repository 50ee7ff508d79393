"""The order of a job's statuses, and which answers are news.

The theory. A job moves along one line:

    pending → staged → processing → retry → completed | failed

It may skip any of these, and never moves back. The API's replicas may lag, so an answer can show a
place the job has already left; such an answer is not news. `retry` stands after `processing` because
it says that an attempt was made: a job that goes back to work after a retry makes no news until it
ends, since an old `processing` can't be told from a new one.

A word this version doesn't know has no place on the line. It is news the first time it is seen for
a job that has not ended, and says nothing about the job's place.
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
    # The watcher's verdicts end a job wherever it stood, if it ever was one.
    JobStatus.TIMED_OUT: 4,
    JobStatus.NOT_FOUND: 4,
    JobStatus.SUBMIT_UNKNOWN: 4,
    JobStatus.NOT_SUBMITTED: 4,
}
_RUNNING = frozenset({JobStatus.PROCESSING, JobStatus.RETRY})


def is_ahead(status: JobStatus, of: JobStatus | None) -> bool:
    """Whether a job last placed at `of` (None: never seen) has moved on if it is now at `status`.

    `status` has a place on the line: it is not `UNKNOWN`.
    """
    return of is None or _PLACE[status] > _PLACE[of]


def is_running(status: JobStatus) -> bool:
    """Whether a job with this status has begun to run and has not ended."""
    return status in _RUNNING
