"""For how long a job can be looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver._api.quirks import Quirks
    from mockserver._world import JobView


def has_expired(job: JobView, t: float, quirks: Quirks) -> bool:
    """Whether a job that has ended can't be looked up any more at `t`, in the world's seconds."""
    return (
        quirks.job_expires_after is not None
        and job.ended_at is not None
        and t >= job.ended_at + quirks.job_expires_after
    )
