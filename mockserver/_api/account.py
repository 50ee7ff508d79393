"""The answers about the account: its balance, and its unfinished jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from mockserver._api.times import nanosecond_text, time_text
from mockserver._world.scripts import TERMINAL

if TYPE_CHECKING:
    from datetime import datetime

    from mockserver._api.quirks import Quirks
    from mockserver._world.account import Balance
    from mockserver._world.jobs import JobView
    from mockserver._world.world import World

ACCOUNT_ID: Final = 1
ALERT_BELOW: Final = 10
"""The balance below which the API calls it low, in US dollars."""


def balance_body(balance: Balance, epoch: datetime, t: float) -> bytes:
    """The balance in an answer `t` seconds after `epoch`."""
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
                # To the nanosecond, unlike the times of jobs.
                "updated_at": nanosecond_text(epoch, t),
            },
            "message": "success",
        }
    )


def active_tasks_body(world: World, t: float, epoch: datetime, quirks: Quirks) -> bytes:
    """The unfinished jobs at `t`, in a world that began at `epoch`.

    It looks at all jobs, which is fast enough as clients don't poll it.
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
    """How long a job will still run at the speed so far; None if it has no progress yet."""
    if job.started_at is None or not job.progress:
        return None
    return round((t - job.started_at) * (100 - job.progress) / job.progress)
