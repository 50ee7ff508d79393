"""What goes over the wire: job objects and errors as the API writes them, byte for byte.

Keys stand in the API's order, times have a resolution of a second, and a time that hasn't come is
the year 1. Jobs are written by filling in a template rather than by encoding a tree of objects:
reading a job's status is what a mock server does nearly all of the time.
"""

from __future__ import annotations

import functools
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

import msgspec

from mockserver.world.tasks import Makes

if TYPE_CHECKING:
    from mockserver.world import JobView

DEFAULT_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What the calendar says when a world begins, unless told otherwise.

A fixed date, so that the bytes of a simulated run are the same every time.
"""

# An address that by RFC 2606 can't exist: whoever follows it in a test reaches nobody.
_IMAGES = "https://images.legnext.example"

_NEVER = "0001-01-01T00:00:00Z"
_NO_ERROR = '{"code":0,"raw_message":"","message":"","detail":null}'
_NO_OUTPUT = '{"image_url":"","image_urls":null,"seed":""}'
_NO_VIDEOS = '{"video_urls":null,"seed":""}'
_FOUR = (0, 1, 2, 3)
_GRID_ACTIONS = {"upscale": _FOUR, "variation": _FOUR, "remix": _FOUR, "reroll": ()}
_IMAGE_ACTIONS = {"pan": (0,), "outpaint": (0,), "inpaint": (0,), "remix": (0,)}
_VIDEO_ACTIONS = {"extend-video": _FOUR, "video-upscale": _FOUR}


@functools.lru_cache(maxsize=4096)
def _time_text(epoch: datetime, second: int) -> str:
    return (epoch + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_text(epoch: datetime, t: float | None) -> str:
    """The time `t` seconds after `epoch` as a job object has it; None for one that hasn't come."""
    return _NEVER if t is None else _time_text(epoch, math.floor(t))


@functools.lru_cache(maxsize=64)
def _date_header(epoch: datetime, second: int) -> bytes:
    return format_datetime(epoch + timedelta(seconds=second), usegmt=True).encode()


def date_header(epoch: datetime, t: float) -> bytes:
    """The value of the `Date` header `t` seconds after `epoch`."""
    return _date_header(epoch, math.floor(t))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _output(job: JobView) -> str:
    """What a completed job made."""
    seed = str(int(job.draws.uniform("output seed") * 2**32))
    base = f"{_IMAGES}/{job.job_id}"
    made: dict[str, object]
    match job.task.makes:
        case Makes.GRID:
            made = {
                "image_url": f"{base}/grid.png",
                "image_urls": [f"{base}/{number}.png" for number in _FOUR],
                "seed": seed,
                "available_actions": _GRID_ACTIONS,
            }
        case Makes.IMAGE:
            made = {
                "image_url": f"{base}/0.png",
                "image_urls": [f"{base}/0.png"],
                "seed": seed,
                "available_actions": _IMAGE_ACTIONS,
            }
        case Makes.VIDEOS:
            made = {
                "video_urls": [f"{base}/{number}.mp4" for number in _FOUR],
                "seed": seed,
                "available_actions": _VIDEO_ACTIONS,
            }
        case Makes.VIDEO:
            made = {"video_urls": [f"{base}/0.mp4"], "seed": seed}
        case _:  # Text.
            made = {
                "image_url": "",
                "image_urls": None,
                "seed": "",
                "prompts": [f"A prompt, in wording {number + 1}" for number in _FOUR],
                "promptEn": "A prompt",
                "finalPrompt": "A prompt, in wording 1",
                "description": "What can be seen",
            }
    return _json(made)


def _nothing_yet(job: JobView) -> str:
    return _NO_VIDEOS if job.task.makes in {Makes.VIDEO, Makes.VIDEOS} else _NO_OUTPUT


def job_body(job: JobView, epoch: datetime) -> bytes:
    """The job object of `job`, in a world that began at `epoch`."""
    completed = job.status == "completed"
    if job.failure is None:
        error = _NO_ERROR
    else:
        error = _json(
            {
                "code": job.failure.code,
                "raw_message": job.failure.raw_message,
                "message": job.failure.message,
                "detail": None,
            }
        )
    return (
        f'{{"job_id":{_json(job.job_id)},"model":"midjourney","task_type":"{job.task.name}",'
        f'"status":{_json(job.status)},"config":{{"service_mode":"public",'
        f'"webhook_config":{{"endpoint":{_json(job.callback)},"secret":""}}}},"input":null,'
        f'"output":{_output(job) if completed else _nothing_yet(job)},'
        f'"meta":{{"created_at":"{time_text(epoch, job.created_at)}",'
        f'"started_at":"{time_text(epoch, job.started_at)}",'
        f'"ended_at":"{time_text(epoch, job.ended_at)}",'
        f'"usage":{{"type":"point","frozen":{job.task.points},'
        f'"consume":{job.task.points if completed else 0}}}}},'
        f'"detail":null,"logs":[],"error":{error}}}'
    ).encode()


def error_body(code: int, message: str, raw_message: str = "") -> bytes:
    """The body of an answer that is an error."""
    return msgspec.json.encode(
        {"code": code, "message": message, "raw_message": raw_message or message, "detail": None}
    )


def balance_body(epoch: datetime, t: float) -> bytes:
    """The account's balance `t` seconds after `epoch`."""
    second = math.floor(t)
    # The API gives this time, other than a job's, to the nanosecond.
    nanoseconds = int((t - second) * 1e9)
    updated_at = f"{_time_text(epoch, second)[:-1]}.{nanoseconds:09d}Z"
    return msgspec.json.encode(
        {
            "code": 200,
            "data": {
                "account_id": 1,
                "balance_usd": 72.048,
                "available_credits": 71000,
                "available_points": 1048,
                "alert_threshold": 10,
                "low_balance_alert": False,
                "updated_at": updated_at,
            },
            "message": "success",
        }
    )
