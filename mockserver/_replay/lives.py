"""From the statuses that a client saw to the script of a job.

A client that polls sees a status some time after it began: between the last answer without it and
the first answer with it. If the job reports the time of the change, and it is between the two, the
script has that time; otherwise the middle, which halves the largest possible error.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from mockserver._world.scripts import FAILURES, TERMINAL, Failure, Script, Step
from mockserver._world.tasks import TASKS

_ORDER: Final[Mapping[str, int]] = {
    "pending": 0,
    "staged": 1,
    "processing": 2,
    **dict.fromkeys(TERMINAL, 3),
}
"""The order of statuses; any other status may come at any time."""
_AGAIN: Final = "retry"
"""The status after which a job starts again."""


@attrs.frozen(kw_only=True)
class RecordedJob:
    """A job of a recording.

    Attributes:
        job_id: Its id.
        task_type: Its task type; `"diffusion"` if that isn't known.
        script: Its lifecycle. If the recording doesn't have its end, the script ends in the last
            status that it has.
        submitted_at: When the answer to its submit came, in seconds since the recording's start;
            None for a job that existed before.
    """

    job_id: str
    task_type: str
    script: Script
    submitted_at: float | None = None

    @property
    def added_at(self) -> float:
        """When the script begins, in seconds since the recording's start."""
        return self.submitted_at or 0.0

    def status_at(self, t: float) -> str:
        """The script's status `t` seconds after the recording's start."""
        *steps, last = self.script.steps
        end = self.added_at
        for step in steps:
            end += step.seconds
            if t < end:
                return step.status
        return last.status


@attrs.frozen(kw_only=True)
class Sighting:
    """One answer that reported a job's status, and the times of the job if it says them.

    All times are in seconds since the recording's start.
    """

    at: float
    status: str
    started_at: float | None = None
    ended_at: float | None = None
    failure: Failure | None = None


def script_of(sightings: Sequence[Sighting], since: float = 0.0) -> Script:
    """Make the script, from `since` on, that fits what was seen, in the order of time.

    A status that belongs before an earlier one comes from a stale answer, and one after a terminal
    status is an error of the server; neither is part of the script.
    """
    first = sightings[0]
    was_begun = first.started_at is not None and first.started_at <= since
    if first.status != "pending" and first.at > since and not was_begun:
        # Every job is pending at first, whether or not a client saw it.
        return script_of([Sighting(at=since, status="pending"), *sightings], since)
    times, statuses = [since], [first.status]
    seen_until, highest = first.at, _ORDER.get(first.status, 0)
    failure = first.failure
    for sighting in sightings[1:]:
        status = sighting.status
        if statuses[-1] in TERMINAL:
            break
        if status == statuses[-1]:
            seen_until = sighting.at
            continue
        rank = _ORDER.get(status, highest)
        if rank < highest:
            continue
        earliest = seen_until
        started_at = _within(earliest, sighting.started_at, sighting.at)
        reported = started_at if status == "processing" else None
        if status in TERMINAL:
            if highest < _ORDER["processing"] and started_at is not None:
                # No answer had this status, but this one says when it began.
                times.append(started_at)
                statuses.append("processing")
                earliest = started_at
            reported = _within(earliest, sighting.ended_at, sighting.at)
        middle = (earliest + sighting.at) / 2
        times.append(middle if reported is None else reported)
        statuses.append(status)
        seen_until, failure = sighting.at, sighting.failure
        highest = 0 if status == _AGAIN else rank
    return Script(
        [
            Step(status, after - at)
            for (at, after), status in zip(
                itertools.pairwise([*times, math.inf]), statuses, strict=True
            )
        ],
        failure=failure or FAILURES[0],
    )


def _within(after: float, reported: float | None, by: float) -> float | None:
    """A reported time if it is between two others, else None."""
    return reported if reported is not None and after < reported < by else None


def known_task(name: object) -> str:
    """The name of a task type, from any spelling of it; `"diffusion"` if it isn't known."""
    task = name.replace("_", "-") if isinstance(name, str) else ""
    return task if task in TASKS else "diffusion"


def failure_of(error: object) -> Failure:
    """Why a job failed, from any variant of its `error`."""
    match error:
        case {"code": int() as code, **rest}:
            shown, raw = (
                text if isinstance(text := rest.get(name), str) else ""
                for name in ("message", "raw_message")
            )
            return Failure(code, shown or raw, raw or shown)
        case str() if error:
            return Failure(500, error, error)
        case _:
            return FAILURES[0]
