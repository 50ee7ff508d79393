"""When jobs, and the URLs of their results, expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mockserver._api.quirks import Quirks
    from mockserver._world.jobs import JobView

TEMPORARY_SECONDS: Final = 86400.0
"""The longest that a result under `/temp/` can be downloaded, in seconds."""


def has_expired(job: JobView, t: float, quirks: Quirks) -> bool:
    """Whether a job can no longer be looked up at `t`, in seconds since the world's start."""
    return (
        quirks.job_expires_after is not None
        and job.ended_at is not None
        and t >= job.ended_at + quirks.job_expires_after
    )


def results_expire_at(job: JobView, quirks: Quirks) -> float | None:
    """When the URLs of a completed job's results expire, in seconds; None for never."""
    seconds = quirks.urls_expire_after
    if quirks.temporary_urls:
        seconds = TEMPORARY_SECONDS if seconds is None else min(seconds, TEMPORARY_SECONDS)
    return None if seconds is None or job.ended_at is None else job.ended_at + seconds
