"""Job objects and errors as the API writes them, byte for byte.

Keys are in the API's order, times have a resolution of a second, and a time that hasn't come is the
year 1. A job object is made from a template rather than by encoding a tree of objects, as a mock
server spends most of its time on status requests. Other variants (see `Quirks`) are made from the
documented one, and take longer.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

import msgspec

from mockserver._api.outputs import RESULTS_URL, output_of
from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._api.times import NEVER, time_text
from mockserver._api.variants import are_documented, varied
from mockserver._world.tasks import Makes

if TYPE_CHECKING:
    from datetime import datetime

    from mockserver._world.jobs import JobView

_NO_ERROR: Final = '{"code":0,"raw_message":"","message":"","detail":null}'
_NO_OUTPUT: Final = '{"image_url":"","image_urls":null,"seed":""}'
_NO_VIDEOS: Final = '{"video_urls":null,"seed":""}'


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# Clients poll the same jobs again and again.
_json_text = functools.lru_cache(maxsize=65536)(_json)


def _nothing_yet(job: JobView) -> str:
    return _NO_VIDEOS if job.task.makes in {Makes.VIDEO, Makes.VIDEOS} else _NO_OUTPUT


def job_body(
    job: JobView,
    epoch: datetime,
    quirks: Quirks = DEFAULT_QUIRKS,
    results_at: str = RESULTS_URL,
) -> bytes:
    """The job object of `job` in a world that began at `epoch`, with its results at a URL."""
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
    body = (
        f'{{"job_id":{_json_text(job.job_id)},"model":"midjourney","task_type":"{job.task.name}",'
        f'"status":{_json_text(job.status)},"config":{{"service_mode":"public",'
        f'"webhook_config":{{"endpoint":{_json_text(job.callback)},"secret":""}}}},"input":null,'
        f'"output":{output_of(job, epoch, quirks, results_at) if completed else _nothing_yet(job)},'
        f'"meta":{{"created_at":"{time_text(epoch, job.created_at)}",'
        f'"started_at":"{time_text(epoch, job.started_at)}",'
        f'"ended_at":"{time_text(epoch, job.ended_at)}",'
        f'"usage":{{"type":"point","frozen":{job.points},'
        f'"consume":{job.points if completed else 0}}}}},'
        f'"detail":null,"logs":[],"error":{error}}}'
    ).encode()
    if quirks is DEFAULT_QUIRKS or are_documented(quirks):
        return body
    return msgspec.json.encode(varied(msgspec.json.decode(body), job, epoch, quirks))


def error_body(
    code: int, message: str, raw_message: str = "", quirks: Quirks = DEFAULT_QUIRKS
) -> bytes:
    """The body of an error."""
    raw_message = raw_message or message
    flat = {"code": code, "message": message, "raw_message": raw_message, "detail": None}
    match quirks.error_body:
        case "flat":
            return msgspec.json.encode(flat)
        case "nested":
            return msgspec.json.encode({"error": flat})
        case _:  # "job"
            return msgspec.json.encode(_failed_job(code, message, raw_message))


def _failed_job(code: int, message: str, raw_message: str) -> dict[str, object]:
    """The job object of a job that doesn't exist."""
    return {
        "job_id": "",
        "model": "midjourney",
        "task_type": "",
        "status": "failed",
        "config": {"service_mode": "", "webhook_config": {"endpoint": "", "secret": ""}},
        "input": None,
        "output": {"image_url": "", "image_urls": None, "seed": ""},
        "meta": {
            "created_at": NEVER,
            "started_at": NEVER,
            "ended_at": NEVER,
            "usage": {"type": "", "frozen": 0, "consume": 0},
        },
        "detail": None,
        "logs": [],
        "error": {"code": code, "raw_message": raw_message, "message": message, "detail": None},
    }
