"""What a transcript says about jobs, and about the server's calendar."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from mockserver._api.routes import job_id_in
from mockserver._replay.lives import (
    RecordedJob,
    Sighting,
    failure_of,
    known_task,
    script_of,
)

if TYPE_CHECKING:
    from mockserver._replay.transcript import Exchange, Transcript
    from mockserver._world.scripts import Script

# A calendar that is decades off would soon leave the range of dates.
_FARTHEST: Final = 30 * 365 * 86400.0


def calendar_of(transcript: Transcript) -> datetime:
    """The server's calendar time at the recording's start, as a whole second.

    It is the median of what the `Date` fields of the answers imply. Without any, it is the calendar
    time of the recorder.
    """
    began = _began(transcript)
    if began is None:
        return transcript.began_at
    # Each `Date` is cut to the second, so it is up to a second early. The calendar of a mock begins
    # with a whole second; rounding up gives that second back.
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=math.ceil(began))


def _began(transcript: Transcript) -> float | None:
    """The server's time at the start, as `Date` cuts it, in seconds since 1970; None if unknown."""
    began = [
        date - exchange.answered_at
        for exchange in transcript.exchanges
        if exchange.answered_at is not None
        and (date := _header_time(exchange.header("date"))) is not None
        and abs(date - transcript.began_at.timestamp()) < _FARTHEST
    ]
    return statistics.median(began) if began else None


def _header_time(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()


def job_object(exchange: Exchange) -> Mapping[str, object] | None:
    """The job object of an answer; None if it is incomplete, no job object, or of another job."""
    if exchange.status_code != 200 or exchange.cut or exchange.error:
        return None
    try:
        job: object = msgspec.json.decode(exchange.body)
    except ValueError:
        return None
    if not isinstance(job, dict):
        return None
    job_id, status = job.get("job_id"), job.get("status")
    if not (isinstance(job_id, str) and job_id and isinstance(status, str) and status):
        return None
    return job if job_id_in(unquote(exchange.path)) in {None, job_id} else None


def _job_time(job: Mapping[str, object], name: str, began: float) -> float | None:
    """A time in a job's `meta`, in seconds since the recording's start; None for none."""
    meta = job.get("meta")
    text = meta.get(name) if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or UTC).timestamp() - began


def jobs_of(transcript: Transcript) -> dict[str, RecordedJob]:
    """The jobs of a transcript by their ids, in the order in which they first appear."""
    # Times in jobs are cut to the second as `Date` is, so their differences are right.
    began = _began(transcript)
    if began is None:
        began = transcript.began_at.timestamp()
    sightings: dict[str, list[Sighting]] = {}
    submitted_at: dict[str, float] = {}
    tasks: dict[str, str] = {}
    for exchange in sorted(transcript.exchanges, key=lambda one: one.answered_at or 0.0):
        job = job_object(exchange)
        if job is None or exchange.answered_at is None:
            continue
        job_id, status = str(job["job_id"]), str(job["status"])
        if job_id not in tasks:
            tasks[job_id] = known_task(job.get("task_type"))
            if exchange.method == "POST":
                submitted_at[job_id] = exchange.answered_at
        sightings.setdefault(job_id, []).append(
            Sighting(
                at=exchange.answered_at,
                status=status,
                started_at=_job_time(job, "started_at", began),
                ended_at=_job_time(job, "ended_at", began),
                failure=failure_of(job.get("error")) if status == "failed" else None,
            )
        )
    return {
        job_id: RecordedJob(
            job_id=job_id,
            task_type=tasks[job_id],
            script=script_of(seen, submitted_at.get(job_id, 0.0)),
            submitted_at=submitted_at.get(job_id),
        )
        for job_id, seen in sightings.items()
    }


def scripts_of(transcript: Transcript) -> dict[str, Script]:
    """The scripts of the jobs of a transcript, by their ids."""
    return {job_id: job.script for job_id, job in jobs_of(transcript).items()}
