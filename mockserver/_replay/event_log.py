"""Event logs: the lines that `legnext-stream watch --json` writes, made into scripts.

Of each line these members are read:

    {"observed_at": "2026-01-01T00:00:12.5Z", "job_id": "…", "task_type": "diffusion",
     "status": "completed", "raw_status": "completed",
     "changed_between": ["2026-01-01T00:00:09.5Z", "2026-01-01T00:00:12.5Z"], "error": null}
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from mockserver._replay.lives import (
    RecordedJob,
    Sighting,
    failure_told,
    known_task,
    script_of,
)

if TYPE_CHECKING:
    import os

# Verdicts of the watcher's own: they say that it stopped looking, and nothing about the job.
_NOT_SEEN: Final = frozenset({"timed_out", "not_found"})


class EventLogError(ValueError):
    """A file is no event log; says which line, and why."""


class _Event(msgspec.Struct):
    job_id: str
    status: str
    changed_between: tuple[datetime | None, datetime]
    task_type: str | None = None
    raw_status: str | None = None
    error: dict[str, object] | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)


def _read(line: bytes) -> _Event:
    """Read a line.

    Raises:
        ValueError: It isn't one.
    """
    event = _EVENT.decode(line)
    if any(time is not None and time.tzinfo is None for time in event.changed_between):
        raise ValueError("changed_between must have a time zone")
    return event


def read_event_log(path: str | os.PathLike[str]) -> dict[str, RecordedJob]:
    """What became of the jobs of an event log, by their ids.

    Time begins with the earliest in the log, and all jobs are there from then on. A torn last line
    is left out.

    Args:
        path: The file.

    Raises:
        EventLogError: A line other than a torn last one can't be read.
        OSError: The file can't be read.
    """
    events: dict[str, list[_Event]] = {}
    *lines, _torn = Path(path).read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            event = _read(line)
        except ValueError as error:
            raise EventLogError(f"{path}: line {number}: {error}") from error
        if event.status not in _NOT_SEEN:
            events.setdefault(event.job_id, []).append(event)
    times = [
        time.timestamp()
        for of_job in events.values()
        for event in of_job
        for time in event.changed_between
        if time is not None
    ]
    origin = min(times, default=0.0)
    return {job_id: _job(job_id, of_job, origin) for job_id, of_job in events.items()}


def _job(job_id: str, events: list[_Event], origin: float) -> RecordedJob:
    sightings = []
    for event in events:
        since, until = event.changed_between
        at = until.timestamp() - origin
        sightings.append(
            Sighting(
                at=at,
                # A status that the watcher doesn't know has its word in `raw_status`.
                status=(event.raw_status or event.status)
                if event.status == "unknown"
                else event.status,
                # A watcher first asks about a job when it expects news of it.
                after=at if since is None else since.timestamp() - origin,
                failure=failure_told(event.error) if event.status == "failed" else None,
            )
        )
    sightings.sort(key=lambda sighting: sighting.at)
    return RecordedJob(
        job_id=job_id, task_type=known_task(events[0].task_type), script=script_of(sightings)
    )
