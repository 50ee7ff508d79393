"""What a report shows, as plain data. The page contains it as JSON, for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import attrs

from legnext_stream._core.stats import Stats
from legnext_stream._report.collecting import Collected, SeenJob
from legnext_stream._report.tables import Table

FORMAT = 1
"""The version of this data; a program that reads it should check this first."""


def as_data(collected: Collected, tables: tuple[Table, ...] = ()) -> dict[str, object]:
    """All of a report as plain data that JSON can hold.

    Times are in seconds since the beginning. Those of the API, whose names end in `_at`, are in
    seconds since 1970.
    """
    stats = collected.stats
    return {
        "format": FORMAT,
        "title": collected.title,
        "notes": collected.notes,
        "began": _iso(collected.began),
        "ending": collected.ending,
        "took": _short(collected.took),
        "ends": collected.ends,
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
            attrs.asdict(each) | {"at": _short(each.at)} for each in collected.unsuccessful
        ],
        "reasons": collected.reasons,
        "has_all_jobs": collected.is_whole,
        "job_columns": list(_JOB_COLUMNS),
        "jobs": [[of(job) for of in _JOB_COLUMNS.values()] for job in collected.jobs],
        "moment_columns": list(_MOMENT_COLUMNS),
        "moments": [
            [of(at, each, collected) for of in _MOMENT_COLUMNS.values()]
            for at, each in collected.moments
        ],
    }


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def _stamp(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")


_JOB_COLUMNS: Mapping[str, Callable[[SeenJob], object]] = {
    "job_id": lambda job: job.job_id,
    "task_type": lambda job: job.task_type,
    "status": lambda job: job.status,
    "first_seen": lambda job: _short(job.first_seen),
    "running_from": lambda job: _short(job.running_from),
    "ended_seen": lambda job: _short(job.ended_seen),
    "delay_at_least": lambda job: None if job.delay is None else _short(job.delay[0]),
    "delay_at_most": lambda job: None if job.delay is None else _short(job.delay[1]),
    "created_at": lambda job: _stamp(job.created_at),
    "started_at": lambda job: _stamp(job.started_at),
    "ended_at": lambda job: _stamp(job.ended_at),
    "prompt": lambda job: job.prompt,
}
_MOMENT_COLUMNS: Mapping[str, Callable[[float, Stats, Collected], object]] = {
    "at": lambda at, *_: _short(at),
    "polls": lambda _, stats, __: stats.polls,
    "rate_limited": lambda _, stats, __: stats.rate_limited,
    "troubles": lambda _, stats, __: stats.troubles,
    "allowed": lambda _, stats, collected: _short(stats.rate / collected.time_scale),
    "why": lambda _, stats, __: stats.why,
    "unseen": lambda _, stats, __: stats.unseen,
    "jobs": lambda _, stats, __: stats.jobs,
}
