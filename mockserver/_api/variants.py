"""Job objects in the variants that `Quirks` describes, made from the documented one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mockserver._api.outputs import images_of
from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._api.times import NEVER, nanosecond_text, time_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mockserver._world.jobs import JobView

JobObject: TypeAlias = dict[str, Any]
"""A job object, decoded from JSON."""

_MISSING_TIMES: Final[Mapping[str, str | None]] = {"zero": NEVER, "empty": "", "null": None}
_PROGRESS_STEP: Final = 20  # percent between two lines of the logs

_VARIED: Final = (
    "job_error",
    "missing_time",
    "time_resolution",
    "missing_output",
    "empty_image_urls",
    "logs",
    "task_type_separator",
    "echo_input",
    "extra_fields",
)
"""The quirks that change a job object, apart from the URLs of its results."""


@functools.lru_cache(maxsize=256)
def are_documented(quirks: Quirks) -> bool:
    """Whether job objects are as documented."""
    return all(getattr(quirks, name) == getattr(DEFAULT_QUIRKS, name) for name in _VARIED)


def varied(documented: JobObject, job: JobView, epoch: datetime, quirks: Quirks) -> JobObject:
    """The documented object of a job, in the variant that `quirks` describes."""
    meta = documented["meta"]
    return documented | {
        "task_type": job.task.name.replace("-", quirks.task_type_separator),
        "input": job.params if quirks.echo_input else None,
        "output": _output(documented["output"], job, quirks),
        "meta": {
            "created_at": _time(job.created_at, epoch, quirks),
            "started_at": _time(job.started_at, epoch, quirks),
            "ended_at": _time(job.ended_at, epoch, quirks),
            "usage": meta["usage"],
            **({"queue": "default"} if quirks.extra_fields else {}),
        },
        "logs": _logs(job, epoch, quirks),
        "error": _error(documented["error"], quirks),
        **({"worker": {"region": "eu", "shard": 3}} if quirks.extra_fields else {}),
    }


def _output(output: JobObject, job: JobView, quirks: Quirks) -> JobObject | None:
    if job.status == "completed":
        return output | {"nsfw": False} if quirks.extra_fields else output
    if quirks.missing_output == "null":
        return None
    if quirks.empty_image_urls and (images := images_of(job.task)):
        return output | {"image_urls": [""] * images}
    return output


def _time(t: float | None, epoch: datetime, quirks: Quirks) -> str | None:
    if t is None:
        return _MISSING_TIMES[quirks.missing_time]
    write = nanosecond_text if quirks.time_resolution == "nanoseconds" else time_text
    return write(epoch, t)


def _logs(job: JobView, epoch: datetime, quirks: Quirks) -> list[str] | list[JobObject]:
    """The progress so far, a line for every 20 percent."""
    if quirks.logs == "empty" or job.started_at is None:
        return []
    lines = [f"{percent}%" for percent in range(0, int(job.progress) + 1, _PROGRESS_STEP)]
    if quirks.logs == "strings":
        return lines
    started_at = _time(job.started_at, epoch, quirks)
    return [{"level": "info", "message": line, "since": started_at} for line in lines]


def _error(error: JobObject, quirks: Quirks) -> JobObject | str | None:
    if quirks.job_error == "string":
        message: str = error["message"]
        return message
    if quirks.job_error == "null" and error["code"] == 0:
        return None
    return error
