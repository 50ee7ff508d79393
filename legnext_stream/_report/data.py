"""What a report shows, as data: it stands in the page too, for programs to read."""

from __future__ import annotations

from datetime import datetime

from legnext_stream._report.collecting import Collected, SeenJob
from legnext_stream._report.tables import Table

FORMAT = 1
"""The version of this data: a program that reads it looks here first."""

_JOB_COLUMNS = (
    "job_id",
    "task_type",
    "status",
    "first_seen",
    "running_from",
    "ended_seen",
    "delay_at_least",
    "delay_at_most",
    "created_at",
    "started_at",
    "ended_at",
    "prompt",
)
_MOMENT_COLUMNS = ("at", "polls", "rate_limited", "troubles", "allowed", "why", "unseen", "jobs")


def as_data(collected: Collected, tables: tuple[Table, ...] = ()) -> dict[str, object]:
    """All of a report as plain data that JSON can hold.

    Times are in seconds since the beginning; those that end in `_at`, and are the API's, since 1970.
    """
    stats = collected.stats
    return {
        "format": FORMAT,
        "title": collected.title,
        "notes": collected.notes,
        "began": _iso(collected.began),
        "ending": collected.ending,
        "took": _short(collected.took),
        "ends": {status.value: count for status, count in collected.ends.items()},
        "polls": stats.polls,
        "retries": stats.retries,
        "rate_limited": stats.rate_limited,
        "troubles": stats.troubles,
        "limit": stats.ceiling,
        "spent": collected.spent,
        "files": collected.files,
        "saved_bytes": collected.saved_bytes,
        "tables": [[table.title, table.head, table.rows] for table in tables],
        "unsuccessful": [
            {
                "job_id": each.job_id,
                "status": each.status.value,
                "reason": each.reason,
                "prompt": each.prompt,
                "at": _short(each.at),
            }
            for each in collected.unsuccessful
        ],
        "reasons": collected.reasons,
        "has_all_jobs": collected.is_whole,
        "job_columns": _JOB_COLUMNS,
        "jobs": [_job(job) for job in collected.jobs],
        "moment_columns": _MOMENT_COLUMNS,
        "moments": [
            [
                _short(at),
                each.polls,
                each.rate_limited,
                each.troubles,
                _short(each.rate / collected.time_scale),
                each.why,
                each.unseen,
                {status.value: count for status, count in each.jobs.items()},
            ]
            for at, each in collected.moments
        ],
    }


def _job(job: SeenJob) -> list[object]:
    least, most = (None, None) if job.delay is None else job.delay
    times = (job.first_seen, job.running_from, job.ended_seen, least, most)
    stamps = (job.created_at, job.started_at, job.ended_at)
    return [
        job.job_id,
        job.task_type,
        job.status.value,
        *map(_short, times),
        *(None if stamp is None else stamp.timestamp() for stamp in stamps),
        job.prompt,
    ]


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")
