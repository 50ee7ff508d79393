"""What a transcript says about jobs and about the calendar."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mockserver import Fixed, MockLegnext, Script
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._replay import Exchange, Transcript, jobs_of, scripts_of
from mockserver._replay.reading import calendar_of, job_object
from tests.mockserver.replay.recording import record

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def answer(
    at: float,
    body: object,
    *,
    job_id: str = "a",
    method: str = "GET",
    status_code: int = 200,
    date: str = "",
    cut: bool = False,
    error: str = "",
) -> Exchange:
    """An exchange about a job, answered at once."""
    return Exchange(
        at=at,
        answered_at=at,
        ended_at=at,
        method=method,
        path="/api/v1/diffusion" if method == "POST" else f"/api/v1/job/{job_id}",
        status_code=status_code,
        headers=(("date", date),) if date else (),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        cut=cut,
        error=error,
    )


def transcript(*exchanges: Exchange) -> Transcript:
    """A transcript of these."""
    return Transcript(began_at=BEGAN, exchanges=exchanges)


def job(status: str, **more: object) -> dict[str, object]:
    """A job object."""
    return {"job_id": "a", "status": status, **more}


def test_the_jobs_of_a_mock(tmp_path: Path) -> None:
    """What is read from a recording is within a second of the truth."""
    mock = MockLegnext(3, 2, failure_share=0.5, run_times=Fixed(40.25), latency=0.25)
    recorded = record(mock, tmp_path / "night.jsonl")
    assert calendar_of(recorded) == DEFAULT_EPOCH
    jobs = jobs_of(recorded)
    assert set(jobs) == set(mock.truth)
    for job_id, found in jobs.items():
        true = {change.status: change.at for change in mock.truth[job_id]}
        at, times = found.added_at, {}
        for step in found.script.steps:
            times[step.status] = at
            at += step.seconds
        assert found.submitted_at == true["pending"]
        ends = {"completed", "failed"} & set(true)
        assert ends == {"completed", "failed"} & set(times)
        for status in {"processing", *ends}:
            assert times[status] == pytest.approx(true[status], abs=1.0)
    assert scripts_of(recorded) == {job_id: found.script for job_id, found in jobs.items()}


@pytest.mark.parametrize(
    "exchange",
    [
        answer(0, job("pending"), status_code=503),
        answer(0, job("pending"), cut=True),
        answer(0, job("pending"), error="ReadError"),
        answer(0, b"<html>"),
        answer(0, b"[]"),
        answer(0, {"code": 500, "message": "no job"}),
        answer(0, {"job_id": "", "status": "failed"}),
        answer(0, {"job_id": "a", "status": ""}),
        answer(0, {"job_id": "a", "status": None}),
        answer(0, job("pending"), job_id="another"),
        answer(0, b"\xff"),
    ],
)
def test_answers_that_tell_of_no_job(exchange: Exchange) -> None:
    """Errors, incomplete answers and other jobs' objects say nothing about a job."""
    assert job_object(exchange) is None
    assert jobs_of(transcript(exchange)) == {}


def test_a_job_is_told_of_by_its_submit() -> None:
    """The answer to a submit is the first sighting of a job, and has its submit time."""
    jobs = jobs_of(
        transcript(
            Exchange(at=0, ended_at=9, method="GET", path="/api/v1/job/b", error="ReadTimeout"),
            answer(5, job("pending", task_type="upload_paint"), method="POST"),
            answer(15, job("processing")),
            answer(25, job("failed", error={"code": 7, "message": "m"})),
        )
    )
    assert jobs["a"].submitted_at == jobs["a"].added_at == 5
    assert jobs["a"].task_type == "upload-paint"
    assert jobs["a"].script.steps == Script([("pending", 5), ("processing", 10), "failed"]).steps
    assert jobs["a"].script.failure.code == 7


@pytest.mark.parametrize(
    ("meta", "began"),
    [
        ({"started_at": "2026-01-01T12:00:12Z"}, 12.0),
        ({"started_at": "2026-01-01T12:00:12.123456789Z"}, 12.123456),
        ({"started_at": "2026-01-01T12:00:12"}, 12.0),
        ({"started_at": "0001-01-01T00:00:00Z"}, 15.0),
        ({"started_at": ""}, 15.0),
        ({"started_at": None}, 15.0),
        ({}, 15.0),
        (None, 15.0),
    ],
)
def test_times_in_jobs(meta: object, began: float) -> None:
    """Any form of a job's times is read, and used if it is plausible."""
    seen = [answer(10, job("pending")), answer(20, job("processing", meta=meta))]
    (script,) = scripts_of(transcript(*seen)).values()
    assert script.seconds == pytest.approx(began, abs=1e-5)


def http_date(seconds: float) -> str:
    """The `Date` so many seconds after the recorder's start."""
    return (BEGAN + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_the_calendar_is_the_servers() -> None:
    """The median of the server's dates counts, so one wrong answer changes nothing."""
    answers = [answer(t, b"", date=http_date(100 + t)) for t in (0.0, 1.25, 2.5, 3.75)]
    wrong = answer(5, b"", date=http_date(5000))
    assert calendar_of(transcript(*answers, wrong)) == BEGAN + timedelta(seconds=100)


@pytest.mark.parametrize(
    "date",
    ["", "nonsense", "Tue, 01 Jan 1901 00:00:00 GMT", f"Mon, 06 May 2030 07:08:09 +{'9' * 30}"],
)
def test_a_calendar_that_is_none(date: str) -> None:
    """Without a plausible date, the recorder's own calendar counts."""
    assert calendar_of(transcript(answer(0, b"", date=date))) == BEGAN


def test_a_date_without_a_zone_is_in_utc() -> None:
    """A date without a zone is in UTC."""
    dated = answer(0, b"", date=http_date(60).replace("GMT", "-0000"))
    assert calendar_of(transcript(dated)) == BEGAN + timedelta(seconds=60)
