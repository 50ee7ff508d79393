"""From an answer's bytes to a `Job` or a `JobError`, in every form that the API has been seen to use.

Nothing here raises, whatever the wire brings. A body that is no JSON object becomes None, and a field
of an unexpected form counts as missing (`Job.raw` still has it).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType

import msgspec

from legnext_stream._core.model.jobs import (
    VERDICTS,
    Job,
    JobError,
    JobStatus,
    Output,
    Usage,
)
from legnext_stream._core.model.tasks import TaskType, find_task_type

Body = Mapping[str, object]

_EMPTY: Body = MappingProxyType({})
# Nearly all jobs have this until they end, so it is one object for all of them.
_NO_OUTPUT = Output()
# Verdicts are a watch's own. If the API sent such a word, it would be an unknown one.
_STATUSES = {
    status.value: status
    for status in JobStatus
    if status not in VERDICTS and status is not JobStatus.UNKNOWN
}
# Go's zero time, which the API sends for "not yet", is the most frequent time.
_ZERO_TIME = "0001-01-01T00:00:00Z"
_LONGEST_TIME = 64
_TEXT_FIELDS = ("prompts", "promptEn", "finalPrompt", "description")
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
_decode = msgspec.json.Decoder().decode
# Jobs are not nested this deep. A body that can just be decoded here may be too deep for a caller to
# print or encode, if its own stack is deeper.
_DEEPEST = 100
# No status is this long. Unknown ones are kept with the job, and reported.
_LONGEST_WORD = 100


def decode_body(content: bytes) -> Body | None:
    """Decode a body; None if it isn't a JSON object."""
    try:
        body = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    # Counting is cheap, and makes the search unnecessary for nearly all bodies.
    may_be_deep = content.count(b"{") + content.count(b"[") > _DEEPEST
    return None if may_be_deep and _is_deep(body) else body


def _is_deep(body: dict[str, object]) -> bool:
    """Whether values are nested too deep."""
    level: list[dict[str, object] | list[object]] = [body]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def decode_status(word: object) -> JobStatus | None:
    """The status for a word of the API: `UNKNOWN` for a new word, None for what is no word."""
    if not isinstance(word, str) or not word or len(word) > _LONGEST_WORD:
        return None
    return _STATUSES.get(word) or _STATUSES.get(word.strip().lower(), JobStatus.UNKNOWN)


def decode_task_type(word: object) -> TaskType | str:
    """The task type for a word of the API, in any spelling; the word itself if it is new."""
    if not isinstance(word, str):
        return ""
    return find_task_type(word) or word


def decode_time(text: object) -> datetime | None:
    """An RFC 3339 time in UTC; None for what is none, and for the API's ways to say "not yet".

    Digits below the microsecond are dropped. A time without a zone is taken as UTC.
    """
    if not isinstance(text, str) or len(text) > _LONGEST_TIME or text == _ZERO_TIME:
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # The zero time may also be written in other ways.
    return time if time.year > 1 else None


def decode_stamp(body: Body, name: str) -> float | None:
    """A time in a job's `meta`, in seconds since 1970; None for "not yet" and for what is none."""
    text = _mapping(body.get("meta")).get(name)
    return _stamp(text) if isinstance(text, str) and len(text) <= _LONGEST_TIME else None


# A running job has the same time at each poll, and jobs that run together began within minutes.
@lru_cache(maxsize=1024)
def _stamp(text: str) -> float | None:
    time = decode_time(text)
    return None if time is None else time.timestamp()


def decode_job(body: Body, job_id: str | None = None) -> Job:
    """Build a `Job` from a decoded body. What is missing or malformed gets its default.

    `job_id` is the id that was asked for, which the API may spell differently; None to use the
    API's.
    """
    meta = _mapping(body.get("meta"))
    word = body.get("status")
    status = decode_status(word)
    return Job(
        job_id=_text(body.get("job_id")) if job_id is None else job_id,
        status=JobStatus.UNKNOWN if status is None else status,
        raw_status=_text(word),
        task_type=decode_task_type(body.get("task_type")),
        model=_text(body.get("model")),
        output=_output(_mapping(body.get("output"))),
        error=_job_error(body.get("error")),
        usage=_usage(meta.get("usage")),
        created_at=decode_time(meta.get("created_at")),
        started_at=decode_time(meta.get("started_at")),
        ended_at=decode_time(meta.get("ended_at")),
        logs=_logs(body.get("logs")),
        raw=body,
    )


def decode_refusal(body: Body | None) -> JobError | None:
    """The error in a body, in any of the API's three forms; None if it is none of them.

    The forms are flat (`{"code": …, "message": …}`), nested (`{"error": {…}}`), and a whole job
    without an id, with the code in its `error`.
    """
    if body is None:
        return None
    nested = _job_error(body.get("error"))
    if nested is not None:
        return nested
    flat = _job_error(body)
    # A balance, and other successes, have a `code` 200: that is no refusal.
    return flat if flat is not None and not 200 <= flat.code < 300 else None


def decode_amount(value: object) -> float | None:
    """An amount; None for what is no finite number."""
    # In Python a bool is an int; in the API it is never a number.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        amount = float(value)
    except OverflowError:
        return None
    return amount if math.isfinite(amount) else None


def _job_error(value: object) -> JobError | None:
    """A job's error in any form; None for the forms that mean "no error"."""
    if isinstance(value, str):
        return JobError(message=value) if value.strip() else None
    if not isinstance(value, Mapping):
        return None
    code = _whole(value.get("code"))
    message, raw_message = _text(value.get("message")), _text(value.get("raw_message"))
    if not (code or message or raw_message):
        return None
    detail = value.get("detail")
    return JobError(code=code, message=message, raw_message=raw_message, detail=detail)


def _output(value: Body) -> Output:
    actions = {
        name: tuple(number for number in numbers if isinstance(number, int))
        for name, numbers in _mapping(value.get("available_actions")).items()
        if isinstance(numbers, list)
    }
    texts = {name: lines for name in _TEXT_FIELDS if (lines := _texts(value.get(name)))}
    said = value.get("seed")
    seed = str(said) if isinstance(said, int) else _text(said) or None
    image_url = _text(value.get("image_url")) or None
    image_urls, video_urls = _texts(value.get("image_urls")), _texts(value.get("video_urls"))
    if not (image_url or image_urls or video_urls or seed or actions or texts):
        return _NO_OUTPUT
    return Output(
        image_url=image_url,
        image_urls=image_urls,
        video_urls=video_urls,
        seed=seed,
        available_actions=MappingProxyType(actions) if actions else _NO_OUTPUT.available_actions,
        texts=MappingProxyType(texts) if texts else _NO_OUTPUT.texts,
    )


def _usage(value: object) -> Usage | None:
    if not isinstance(value, Mapping):
        return None
    return Usage(
        unit=_text(value.get("type")),
        frozen=_number(value.get("frozen")),
        consume=_number(value.get("consume")),
    )


def _logs(value: object) -> tuple[str, ...]:
    # An object becomes one line of JSON, so that a line is always text.
    lines = value if isinstance(value, list) else _texts(value)
    return tuple(line if isinstance(line, str) else _encode(line) for line in lines)


def _texts(value: object) -> tuple[str, ...]:
    """The non-empty texts in a list; a single text counts as a list of one."""
    if isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, list):
        return ()
    return tuple(text for text in value if isinstance(text, str) and text)


def _mapping(value: object) -> Body:
    # Nearly all are dicts; a check against the abstract class takes far longer.
    return value if type(value) is dict or isinstance(value, Mapping) else _EMPTY


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float:
    # In Python a bool is an int; in the API it is never a number.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if isinstance(value, int) or math.isfinite(value) else 0


def _whole(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    number = _number(value)
    return int(number) if abs(number) < 1e9 else 0
