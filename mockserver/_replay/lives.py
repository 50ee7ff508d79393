"""What became of jobs, as far as it was seen, made into scripts.

Whoever polls sees a status some time after it began: after the last answer without it, and by the
first answer with it. Where the job tells of the moment itself, and that lies in between, this is
taken; otherwise the middle, which halves the error.
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
"""Which statuses come before which; a word that isn't here may come at any time."""
_AGAIN: Final = "retry"
"""The status after which a job begins from the front."""


@attrs.frozen(kw_only=True)
class RecordedJob:
    """A job as it was seen to live.

    Attributes:
        job_id: Its id.
        task_type: Its task type, as far as it is one that is known; else `"diffusion"`.
        script: Its lifecycle, from when it was first there. Of a job whose end was not seen it
            ends in the last status that was.
        submitted_at: When the answer to its submit came, in seconds since the recording's start;
            None for a job that was there before.
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
    """A job was seen in a status.

    Attributes:
        at: When, in seconds since the recording's start.
        status: The status, in the API's words.
        started_at: When the job says that its processing began, if it does.
        ended_at: When the job says that it ended, if it does.
        failure: Why it failed, for a job that has.
    """

    at: float
    status: str
    started_at: float | None = None
    ended_at: float | None = None
    failure: Failure | None = None


def script_of(sightings: Sequence[Sighting], since: float = 0.0) -> Script:
    """The script that fits what was seen.

    A status that stands before one that was seen earlier is taken for an answer that lagged behind,
    and whatever follows a terminal for a mistake: neither is part of the script.

    Args:
        sightings: What was seen, in the order of time; at least one.
        since: When the script begins, in seconds since the recording's start.
    """
    first = sightings[0]
    was_begun = first.started_at is not None and first.started_at <= since
    if first.status != "pending" and first.at > since and not was_begun:
        # Every job is pending at first, seen or not.
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
        told = started_at if status == "processing" else None
        if status in TERMINAL:
            if highest < _ORDER["processing"] and started_at is not None:
                # It was not seen to be processed, but it tells when that was.
                times.append(started_at)
                statuses.append("processing")
                earliest = started_at
            told = _within(earliest, sighting.ended_at, sighting.at)
        middle = (earliest + sighting.at) / 2
        times.append(middle if told is None else told)
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


def _within(after: float, told: float | None, by: float) -> float | None:
    """The time that a job tells, where it lies in between."""
    return told if told is not None and after < told < by else None


def known_task(name: object) -> str:
    """The name of a task type as the world knows it, whatever was written for it."""
    task = name.replace("_", "-") if isinstance(name, str) else ""
    return task if task in TASKS else "diffusion"


def failure_told(error: object) -> Failure:
    """Why a job failed, from its `error`, of which several shapes are seen."""
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
