"""What a transcript tells of jobs, and of the server's calendar."""

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
    failure_told,
    known_task,
    script_of,
)

if TYPE_CHECKING:
    from mockserver._replay.transcript import Exchange, Transcript
    from mockserver._world.scripts import Script

# A calendar that is decades off is none: its dates would soon be none either.
_FARTHEST: Final = 30 * 365 * 86400.0


def calendar_of(transcript: Transcript) -> datetime:
    """What the server's calendar said when the recording began, as a whole second.

    By the `Date` of its answers, each of which is a time cut to the second; of all that they say
    the median. Where there is none, the recorder's own calendar has to do.
    """
    began = _began(transcript)
    if began is None:
        return transcript.began_at
    # Cut to the second, each is late by nothing or less than one: so a mock, whose calendar begins
    # with a whole second, gets that one back.
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=math.ceil(began))


def _began(transcript: Transcript) -> float | None:
    """The server's calendar at the start, cut as `Date` is, in seconds since 1970; None unknown."""
    began = [
        told - exchange.answered_at
        for exchange in transcript.exchanges
        if exchange.answered_at is not None
        and (told := _header_time(exchange.header("date"))) is not None
        and abs(told - transcript.began_at.timestamp()) < _FARTHEST
    ]
    return statistics.median(began) if began else None


def _header_time(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        told = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return told.replace(tzinfo=told.tzinfo or UTC).timestamp()


def job_object(exchange: Exchange) -> Mapping[str, object] | None:
    """The job object of an answer; None where it isn't whole, or is none, or is another job's."""
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
    """A time that a job tells, in seconds since the recording's start; None for none."""
    meta = job.get("meta")
    text = meta.get(name) if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told.replace(tzinfo=told.tzinfo or UTC).timestamp() - began


def jobs_of(transcript: Transcript) -> dict[str, RecordedJob]:
    """What became of the jobs of a transcript, by their ids, in the order in which they came up."""
    # All times are cut to the second, those in jobs as well as `Date`: compared they are right.
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
                failure=failure_told(job.get("error")) if status == "failed" else None,
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
    """The lifecycles of the jobs of a transcript, by their ids."""
    return {job_id: job.script for job_id, job in jobs_of(transcript).items()}
