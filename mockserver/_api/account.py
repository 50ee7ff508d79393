"""What the API tells of the account: its balance, and its unfinished jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from mockserver._api.times import nanosecond_text, time_text
from mockserver._world import TERMINAL

if TYPE_CHECKING:
    from datetime import datetime

    from mockserver._api.quirks import Quirks
    from mockserver._world import Balance, JobView, World

ACCOUNT_ID: Final = 1
ALERT_BELOW: Final = 10
"""Below how many US dollars the balance is called low."""


def balance_body(balance: Balance, epoch: datetime, t: float) -> bytes:
    """The balance as it is told `t` seconds after `epoch`."""
    return msgspec.json.encode(
        {
            "code": 200,
            "data": {
                "account_id": ACCOUNT_ID,
                "balance_usd": balance.usd,
                "available_credits": balance.available_credits,
                "available_points": balance.available_points,
                "alert_threshold": ALERT_BELOW,
                "low_balance_alert": balance.usd < ALERT_BELOW,
                # The API gives this time, other than a job's, to the nanosecond.
                "updated_at": nanosecond_text(epoch, t),
            },
            "message": "success",
        }
    )


def active_tasks_body(world: World, t: float, epoch: datetime, quirks: Quirks) -> bytes:
    """The unfinished jobs of a world that began at `epoch`, as they are at `t`.

    Looks at every job there is: nobody polls this.
    """
    jobs = [world.job(job_id, t) for job_id in world.job_ids()]
    active = [job for job in jobs if job.status not in TERMINAL]
    return msgspec.json.encode(
        {
            "account_id": ACCOUNT_ID,
            "total_active": len(active),
            "concurrent_limit": world.slots,
            "tasks": [
                {
                    "job_id": job.job_id,
                    "task_type": job.task.name.replace("-", quirks.task_type_separator),
                    "status": job.status,
                    "created_at": time_text(epoch, job.created_at),
                    "progress": job.progress,
                    "estimated_time": _seconds_left(job, t),
                }
                for job in active
            ],
            "updated_at": nanosecond_text(epoch, t),
        }
    )


def _seconds_left(job: JobView, t: float) -> int | None:
    """How long a job will run on if it runs as it has run; None while there's nothing to go by."""
    if job.started_at is None or not job.progress:
        return None
    return round((t - job.started_at) * (100 - job.progress) / job.progress)
