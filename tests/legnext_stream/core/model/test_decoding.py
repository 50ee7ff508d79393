"""Decoding: every form that the API has been seen to use, and any other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from legnext_stream._core.model.decoding import (
    decode_amount,
    decode_body,
    decode_job,
    decode_refusal,
    decode_stamp,
    decode_status,
    decode_task_type,
    decode_time,
)
from legnext_stream._core.model.jobs import (
    VERDICTS,
    Job,
    JobError,
    JobStatus,
    Output,
    Usage,
)
from legnext_stream._core.model.tasks import TaskType

PENDING: dict[str, Any] = {
    "job_id": "789320d3-4b20-46d3-a804-6165a079176a",
    "model": "midjourney",
    "task_type": "diffusion",
    "status": "pending",
    "config": {"service_mode": "public", "webhook_config": {"endpoint": "", "secret": ""}},
    "input": None,
    "output": {"image_url": "", "image_urls": None, "seed": ""},
    "meta": {
        "created_at": "2025-12-17T11:08:36Z",
        "started_at": "0001-01-01T00:00:00Z",
        "ended_at": "0001-01-01T00:00:00Z",
        "usage": {"type": "point", "frozen": 80, "consume": 0},
    },
    "detail": None,
    "logs": [],
    "error": {"code": 0, "raw_message": "", "message": "", "detail": None},
}
COMPLETED: dict[str, Any] = {
    **PENDING,
    "status": "completed",
    "output": {
        "image_url": "https://images.example/grid.png",
        "image_urls": [f"https://images.example/{number}.png" for number in range(4)],
        "seed": "2804310581",
        "available_actions": {"upscale": [0, 1, 2, 3], "reroll": []},
    },
    "meta": {
        "created_at": "2025-12-17T11:08:36Z",
        "started_at": "2025-12-17T11:08:37Z",
        "ended_at": "2025-12-17T11:09:10Z",
        "usage": {"type": "point", "frozen": 80, "consume": 80},
    },
}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["pending", "completed", "FAILED", "0001-01-01T00:00:00Z", "2025-12-17T11:08:36Z", "7"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
_PARTS = ("output", "meta", "usage", "error")
_NAMES = (
    *("job_id", "status", "model", "task_type", "output", "meta", "error", "logs", "code"),
    *("image_url", "image_urls", "video_urls", "seed", "available_actions", "prompts", "usage"),
    *("created_at", "started_at", "ended_at", "type", "frozen", "consume", "message", "detail"),
    *("raw_message", "promptEn", "description", "unheard-of"),
)
job_like = st.recursive(
    st.dictionaries(st.sampled_from(_NAMES), anything, max_size=8),
    lambda inner: st.dictionaries(st.sampled_from(_PARTS), inner, max_size=4),
    max_leaves=4,
)


def changed(body: dict[str, Any], part: str, **fields: object) -> Job:
    """The job for a body of which one part has other fields."""
    return decode_job({**body, part: {**body[part], **fields}})


def test_a_pending_job_as_documented() -> None:
    """The documented pending object decodes to a job that has not started."""
    job = decode_job(PENDING)
    assert job == Job(
        job_id="789320d3-4b20-46d3-a804-6165a079176a",
        status=JobStatus.PENDING,
        raw_status="pending",
        task_type=TaskType.DIFFUSION,
        model="midjourney",
        usage=Usage(unit="point", frozen=80, consume=0),
        created_at=datetime(2025, 12, 17, 11, 8, 36, tzinfo=UTC),
    )
    assert job.raw == PENDING


def test_a_completed_job_as_documented() -> None:
    """The documented completed object gives its images, seed, actions, times and price."""
    job = decode_job(COMPLETED)
    assert job.status is JobStatus.COMPLETED
    assert job.output.image_url == "https://images.example/grid.png"
    assert len(job.output.image_urls) == 4
    assert job.output.seed == "2804310581"
    assert job.output.available_actions == {"upscale": (0, 1, 2, 3), "reroll": ()}
    assert job.usage == Usage(unit="point", frozen=80, consume=80)
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.ended_at - job.started_at == timedelta(seconds=33)
    assert job.error is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ({}, None),
        ([], None),
        (7, None),
        ({"code": 0, "raw_message": "", "message": "", "detail": None}, None),
        ("moderated", JobError(message="moderated")),
        ({"code": 500, "message": "no"}, JobError(code=500, message="no")),
        ({"code": "500"}, JobError(code=500)),
        ({"raw_message": "deep down"}, JobError(raw_message="deep down")),
        ({"code": 1, "detail": ["x"]}, JobError(code=1, detail=["x"])),
        ({"code": True, "message": "m"}, JobError(code=0, message="m")),
        ({"code": 1e300, "message": "m"}, JobError(code=0, message="m")),
        ({"code": "9999999999", "message": "m"}, JobError(code=0, message="m")),
    ],
)
def test_every_shape_of_error(error: object, expected: JobError | None) -> None:
    """An error can be a string, null, or an object; code 0 without words is no error."""
    assert decode_job({**PENDING, "error": error}).error == expected


@pytest.mark.parametrize("text", ["", None, "0001-01-01T00:00:00Z", "soon", 12, "9" * 80, []])
def test_every_way_to_say_not_yet(text: object) -> None:
    """An empty, null, zero or malformed time becomes None."""
    assert changed(PENDING, "meta", started_at=text).started_at is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-05T08:22:37.784663288Z", datetime(2025, 11, 5, 8, 22, 37, 784663, UTC)),
        ("2025-11-05T08:22:37.7Z", datetime(2025, 11, 5, 8, 22, 37, 700000, UTC)),
        ("2025-11-05T08:22:37", datetime(2025, 11, 5, 8, 22, 37, tzinfo=UTC)),
        ("2025-11-05T10:22:37+02:00", datetime(2025, 11, 5, 8, 22, 37, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_times_of_every_precision(text: str, expected: datetime | None) -> None:
    """Nanoseconds, fractions, other zones and none: all mean one moment in UTC."""
    assert decode_time(text) == expected


@given(
    time=st.datetimes(min_value=datetime(2, 1, 2), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001 - Hypothesis wants them naive
    nanoseconds=st.integers(0, 999),
    offset=st.integers(-23 * 60, 23 * 60),
)
def test_times_round_trip(time: datetime, nanoseconds: int, offset: int) -> None:
    """A time written in any zone, to the nanosecond, is read back to the microsecond."""
    aware = time.replace(tzinfo=UTC)
    zone = timezone(timedelta(minutes=offset))
    local = aware.astimezone(zone)
    sign = "-" if offset < 0 else "+"
    hours, minutes = divmod(abs(offset), 60)
    text = f"{local.replace(tzinfo=None).isoformat(timespec='microseconds')}{nanoseconds:03d}"
    assert decode_time(f"{text}{sign}{hours:02d}:{minutes:02d}") == aware


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *((status.value, status) for status in JobStatus if status not in VERDICTS),
        ("COMPLETED", JobStatus.COMPLETED),
        (" Pending ", JobStatus.PENDING),
        ("paused", JobStatus.UNKNOWN),
        *((verdict.value, JobStatus.UNKNOWN) for verdict in sorted(VERDICTS)),
        ("", None),
        (None, None),
        (3, None),
        ({}, None),
    ],
)
def test_statuses(word: object, expected: JobStatus | None) -> None:
    """A known word in any case is its status, a new one is unknown, and no word is none.

    The watcher's own verdicts are not the API's to give.
    """
    if word == "not_found":
        expected = JobStatus.UNKNOWN
    assert decode_status(word) is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *((task.value, task) for task in TaskType),
        *((task.value.replace("-", "_").upper(), task) for task in TaskType),
        ("hologram", "hologram"),
        (None, ""),
        (4, ""),
    ],
)
def test_task_types(word: object, expected: TaskType | str) -> None:
    """Any spelling of a known type is known; a new one keeps its word."""
    assert decode_task_type(word) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (COMPLETED, 1765969717.0),
        (PENDING, None),
        ({"meta": {"started_at": "2025-12-17T12:08:37+01:00"}}, 1765969717.0),
        ({"meta": {"started_at": "0001-01-01T00:00:00.000Z"}}, None),
        ({"meta": {"started_at": "9" * 10_000}}, None),
        ({"meta": {"started_at": ["2025-12-17T11:08:37Z"]}}, None),
        ({"meta": "none"}, None),
        ({}, None),
    ],
)
def test_a_stamp_in_seconds(body: dict[str, Any], expected: float | None) -> None:
    """A time in a job's `meta` in seconds since 1970, the same however often it is read."""
    assert decode_stamp(body, "started_at") == expected
    assert decode_stamp(body, "started_at") == expected


def test_a_job_under_the_id_that_was_asked_for() -> None:
    """The API may spell an id differently; the job has the one that was asked for."""
    asked = PENDING["job_id"].upper()
    assert decode_job(PENDING, asked) == attrs.evolve(decode_job(PENDING), job_id=asked)


def test_jobs_without_output_share_it() -> None:
    """There are many of them, and it can't be changed."""
    assert decode_job(PENDING).output is decode_job({**PENDING, "job_id": "b"}).output
    assert decode_job({**PENDING, "output": {"seed": 0}}).output == Output(seed="0")


def test_the_output_in_every_shape() -> None:
    """Null, empty images, a single text for a list, a number for the seed."""
    assert decode_job({**PENDING, "output": None}).output == Output()
    job = changed(
        COMPLETED,
        "output",
        image_urls=["a", "", None, "b"],
        video_urls="v",
        seed=7,
        available_actions={"upscale": [0, "1", 2], "pan": "no list"},
        prompts=["p", ""],
        promptEn="en",
        description="",
    )
    assert job.output.image_urls == ("a", "b")
    assert job.output.video_urls == ("v",)
    assert job.output.seed == "7"
    assert job.output.available_actions == {"upscale": (0, 2)}
    assert job.output.texts == {"prompts": ("p",), "promptEn": ("en",)}


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        (None, ()),
        ("", ()),
        ("one", ("one",)),
        (["a", "b"], ("a", "b")),
        ([{"progress": "40 %"}, 3], ('{"progress": "40 %"}', "3")),
        (17, ()),
    ],
)
def test_logs_of_texts_and_of_objects(logs: object, expected: tuple[str, ...]) -> None:
    """A line of the log is always text, whatever the API sent."""
    assert decode_job({**PENDING, "logs": logs}).logs == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(80, 80), (0.5, 0.5), (True, 0), ("80", 0), (None, 0)]
)
def test_numbers_of_the_usage(value: object, expected: float) -> None:
    """What is no number counts as 0."""
    usage = {"type": "point", "frozen": value}
    assert changed(PENDING, "meta", usage=usage).usage == Usage(unit="point", frozen=expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (80, 80.0),
        (0.5, 0.5),
        *((value, None) for value in (True, "80", None, 10**400, float("inf"), float("nan"))),
    ],
)
def test_amounts(value: object, expected: float | None) -> None:
    """An amount is a finite number; all else is none, not 0."""
    assert decode_amount(value) == expected


def test_infinite_numbers_count_as_nothing() -> None:
    """They never get into a job."""
    usage = changed(PENDING, "meta", usage={"frozen": float("inf")}).usage
    assert usage == Usage(frozen=0)


def test_unknown_fields_are_kept_in_raw() -> None:
    """What has no attribute is still there, and can't be changed."""
    job = decode_job({**PENDING, "from_the_future": {"x": 1}})
    assert job.raw["from_the_future"] == {"x": 1}
    with pytest.raises(TypeError):
        job.raw["x"] = 1  # type: ignore[index] # that it can't be done is the point


def test_an_empty_object_is_a_job_of_which_nothing_is_known() -> None:
    """What is missing has its default."""
    assert decode_job({}) == Job(job_id="")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, None),
        ({}, None),
        ({"code": 404, "message": "no", "raw_message": "", "detail": None}, (404, "no")),
        ({"error": {"code": 402, "message": "credits"}}, (402, "credits")),
        ({"error": "plain words"}, (0, "plain words")),
        (
            {"job_id": "", "status": "failed", "error": {"code": 403, "message": "key"}},
            (403, "key"),
        ),
        ({"code": 200, "data": {}, "message": "success"}, None),
    ],
)
def test_the_forms_of_a_refusal(
    body: dict[str, object] | None, expected: tuple[int, str] | None
) -> None:
    """Flat, nested, a whole job, a plain text; a success is no refusal."""
    refused = decode_refusal(body)
    assert (None if refused is None else (refused.code, refused.message)) == expected


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    """No bytes make decoding raise: they are an object, or None."""
    body = decode_body(content)
    if body is not None:
        decode_job(body)
        decode_refusal(body)


@given(job_like)
def test_any_json_anywhere(value: dict[str, object]) -> None:
    """No JSON value in any place makes decoding raise, and all of it is kept."""
    content = json.dumps(value).encode()
    body = decode_body(content)
    if body is None:
        # JSON has no NaN and no infinity, and a lone surrogate is no text.
        assert b"NaN" in content or b"Infinity" in content or b"\\ud" in content
        return
    job = decode_job(body)
    assert job.raw == body
    assert decode_job(job.raw) == job
    decode_refusal(body)


@given(job_like)
def test_a_job_is_frozen_hashable_and_compares(value: dict[str, object]) -> None:
    """Whatever was decoded is a value: hashable, equal to its like, and not to be changed."""
    job = decode_job(value)
    assert hash(job) == hash(decode_job(value))
    assert job == decode_job(value)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        job.status = JobStatus.COMPLETED  # type: ignore[misc] # that it can't be done is the point


@example(b"[" * 200_000)
@example(b'{"a":' * 200_000)
@example(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}")
@example(b'{"a":' + b"9" * 20_000 + b"}")
@example(b'{"error":{"code":' + b"9" * 6_000 + b"}}")
@example(b'{"meta":{"usage":{"frozen":1e999999}}}')
@example(b"")
@example(b"null")
@example(b"<html>Gateway</html>")
@example(b'{"status":"\\ud800"}')
@example(b'\xef\xbb\xbf{"a":1}')
@given(st.just(b"{}"))
def test_bodies_that_want_to_break_something(content: bytes) -> None:
    """Deep nesting, long numbers, HTML, broken text: a body or None, never an error."""
    body = decode_body(content)
    if body is not None:
        decode_job(body)
        decode_refusal(body)


def test_deep_logs_are_kept_as_text() -> None:
    """A line of the log that is nested as deep as the decoder lets pass is still one text."""
    depth = 98
    body = decode_body(b'{"logs":[' + b"[" * depth + b"]" * depth + b"]}")
    assert body is not None
    assert decode_job(body).logs[0].count("[") == depth


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_what_is_nested_deeper_than_any_job_is_no_job(pair: tuple[bytes, bytes]) -> None:
    """It could be decoded here, but not printed or encoded elsewhere."""
    opens, closes = pair

    def nested(depth: int) -> bytes:
        return b'{"detail":' + opens * depth + b"1" + closes * depth + b"}"

    assert decode_body(nested(99)) is not None
    assert decode_body(nested(100)) is None
    # Many brackets beside each other are no depth.
    assert decode_body(b'{"logs":[' + b"[],{}," * 1000 + b"[]]}") is not None


def test_a_word_longer_than_any_status_is_none() -> None:
    """It would be kept with the job, and reported."""
    assert decode_status("x" * 100) is JobStatus.UNKNOWN
    assert decode_status("x" * 101) is None


def test_huge_numbers_in_every_place() -> None:
    """A number of 4,000 digits does no harm, whether or not a number belongs there."""
    huge = 10**4000
    job = decode_job(
        {
            "job_id": huge,
            "output": {"seed": 2**64, "available_actions": {"pan": [huge]}},
            "meta": {"usage": {"frozen": huge, "consume": -huge}},
            "error": {"code": huge, "message": "m"},
            "logs": [2**80],
        }
    )
    assert job.output.seed == str(2**64)
    assert job.error == JobError(message="m")


def test_an_error_in_words() -> None:
    """An error reads as its messages and code, each once, or says that there was none."""
    assert str(JobError(code=403, message="no", raw_message="raw")) == "no: raw (code 403)"
    assert str(JobError(code=403, message="no", raw_message="No")) == "no (code 403)"
    assert str(JobError(code=400, message="the API answered 400")) == "the API answered 400"
    assert str(JobError(code=40, message="the API answered 400")).endswith(" (code 40)")
    assert str(JobError(raw_message="raw")) == "raw"
    assert str(JobError()) == "no reason given"
