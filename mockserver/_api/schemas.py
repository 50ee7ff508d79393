"""JSON Schemas of the API's answers, in the variants that `Quirks` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mockserver._world.params import Schema, nullable
from mockserver._world.tasks import TASKS

if TYPE_CHECKING:
    from mockserver._api.quirks import Quirks

_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
_PERCENT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 100}
_URL: Final[Schema] = {"type": "string", "pattern": "^https?://"}
_NULL: Final[Schema] = {"type": "null"}
_SECONDS: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
_TIME_TO_SECOND: Final[Schema] = {"type": "string", "pattern": f"{_SECONDS}Z$"}
_TIME_TO_NANOSECOND: Final[Schema] = {"type": "string", "pattern": rf"{_SECONDS}\.[0-9]{{9}}Z$"}
_NO_TIME: Final[dict[str, Schema]] = {
    "zero": {"const": "0001-01-01T00:00:00Z"},
    "empty": {"const": ""},
    "null": _NULL,
}


def _object(properties: Schema, *, is_open: bool = False) -> Schema:
    """An object with all of these properties, and only these unless it is open."""
    schema: Schema = {"type": "object", "properties": properties, "required": [*properties]}
    return schema if is_open else schema | {"additionalProperties": False}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _any_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def job_schema(quirks: Quirks) -> Schema:
    """A job object."""
    is_open = quirks.extra_fields
    time = _TIME_TO_NANOSECOND if quirks.time_resolution == "nanoseconds" else _TIME_TO_SECOND
    later = _any_of(time, _NO_TIME[quirks.missing_time])
    webhook = _object({"endpoint": _TEXT, "secret": _TEXT})
    usage = _object({"type": {"enum": ["point", "credit"]}, "frozen": _WHOLE, "consume": _WHOLE})
    meta = {"created_at": time, "started_at": later, "ended_at": later, "usage": usage}
    return _object(
        {
            "job_id": {"type": "string", "minLength": 1},
            "model": _TEXT,
            "task_type": {
                "enum": [name.replace("-", quirks.task_type_separator) for name in TASKS]
            },
            "status": {
                "type": "string",
                "minLength": 1,
                "description": "A job ends as completed or failed; with any other status it goes "
                "on.",
                "examples": ["pending", "staged", "processing", "retry", "completed", "failed"],
            },
            "config": _object({"service_mode": _TEXT, "webhook_config": webhook}),
            "input": nullable({"type": "object"}) if quirks.echo_input else _NULL,
            "output": _output(quirks),
            "meta": _object(meta, is_open=is_open),
            "detail": _NULL,
            "logs": _logs(quirks),
            "error": _job_error(quirks),
        },
        is_open=is_open,
    )


def _output(quirks: Quirks) -> Schema:
    """The output of a task that makes images or text, or of one that makes videos."""
    later = _any_of(_URL, {"const": ""})
    actions = {"type": "object", "additionalProperties": _list_of(_WHOLE)}
    images: Schema = {
        "type": "object",
        "properties": {
            "image_url": later,
            "image_urls": nullable(_list_of(later)),
            "seed": _TEXT,
            "available_actions": actions,
            "prompts": _list_of(_TEXT),
            "promptEn": _TEXT,
            "finalPrompt": _TEXT,
            "description": _TEXT,
        },
        "required": ["image_url", "image_urls", "seed"],
    }
    videos: Schema = {
        "type": "object",
        "properties": {
            "video_urls": nullable(_list_of(_URL)),
            "seed": _TEXT,
            "available_actions": actions,
        },
        "required": ["video_urls", "seed"],
    }
    if not quirks.extra_fields:
        images["additionalProperties"] = videos["additionalProperties"] = False
    forms = [images, videos]
    return _any_of(*forms, _NULL) if quirks.missing_output == "null" else _any_of(*forms)


def _logs(quirks: Quirks) -> Schema:
    line = _object({"level": _TEXT, "message": _TEXT, "since": _TEXT})
    none: Schema = {"type": "array", "maxItems": 0}
    return {"empty": none, "strings": _list_of(_TEXT), "objects": _list_of(line)}[quirks.logs]


def _flat_error() -> Schema:
    return _object({"code": _WHOLE, "message": _TEXT, "raw_message": _TEXT, "detail": _NULL})


def _job_error(quirks: Quirks) -> Schema:
    error = _flat_error()
    return {"object": error, "null": nullable(error), "string": _TEXT}[quirks.job_error]


def error_schema(quirks: Quirks) -> Schema:
    """The body of an error."""
    flat = _flat_error()
    failed = {"job_id": {"const": ""}, "status": {"const": "failed"}, "error": flat}
    forms = {
        "flat": flat,
        "nested": _object({"error": flat}),
        "job": _object(failed, is_open=True),
    }
    return forms[quirks.error_body]


def balance_schema() -> Schema:
    """The account's balance."""
    data = {
        "account_id": _WHOLE,
        "balance_usd": {"type": "number", "minimum": 0},
        "available_credits": _WHOLE,
        "available_points": _WHOLE,
        "alert_threshold": _WHOLE,
        "low_balance_alert": {"type": "boolean"},
        "updated_at": _TIME_TO_NANOSECOND,
    }
    return _object({"code": {"const": 200}, "data": _object(data), "message": _TEXT})


def active_tasks_schema(quirks: Quirks) -> Schema:
    """The unfinished jobs."""
    task = {
        "job_id": _TEXT,
        "task_type": {"enum": [name.replace("-", quirks.task_type_separator) for name in TASKS]},
        "status": _TEXT,
        "created_at": _TIME_TO_SECOND,
        "progress": _PERCENT,
        "estimated_time": nullable(_WHOLE),
    }
    return _object(
        {
            "account_id": _WHOLE,
            "total_active": _WHOLE,
            "concurrent_limit": nullable(_WHOLE),
            "tasks": _list_of(_object(task)),
            "updated_at": _TIME_TO_NANOSECOND,
        }
    )
