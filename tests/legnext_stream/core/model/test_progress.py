"""How far a job is, as its answer says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import Job, JobStatus, LegnextClient
from legnext_stream._core.model.decoding import decode_job
from mockserver import MockLegnext, Quirks, Script
from mockserver._api.quirks import Logs
from tests.legnext_stream.support import KEY


def said(**fields: Any) -> float | None:  # noqa: ANN401 - whatever the wire brings
    """What a running job's answer says."""
    return decode_job({"job_id": "a", "status": "processing", **fields}).progress


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("40%", 40.0),
        ("Progress: 12.5 %", 12.5),
        ("from 20% to 60%", 60.0),
        ("progress=7", 7.0),
        ({"message": "40%", "since": "2026-01-01T00:00:00Z"}, 40.0),
        ({"progress": 55}, 55.0),
        ({"progress": "80%"}, 80.0),
        ("rendering ...75%", 75.0),
        ("100%", 100.0),
        ("0%", 0.0),
        ("1234%", None),
        ("400%", None),
        ("1.2.3%", None),
        ("upscaled 4 images", None),
        ("progress bar 2026", None),
        ("", None),
    ],
)  # fmt: skip
def test_lines_of_the_log(line: object, percent: float | None) -> None:
    """A percentage counts, in text and in objects; other numbers don't."""
    assert said(logs=[line]) == percent


def test_the_latest_line_counts() -> None:
    """Also if it says less, as after a retry; lines that say nothing are skipped."""
    assert said(logs=["0%", "60%", "retried", "20%", "queued again"]) == 20.0


@pytest.mark.parametrize(
    "fields",
    [
        {"progress": 30},
        {"progress": "30%"},
        {"progress": 30.0, "logs": ["90%"]},
        {"meta": {"progress": "30"}},
        {"output": {"progress": 30}},
        {"detail": {"progress": 30}},
        {"progress": 300, "meta": {"progress": 30}},
        {"progress": True, "logs": ["30%"]},
        {"progress": None, "logs": ["30%"]},
        {"progress": "soon", "logs": ["30%"]},
        {"progress": -1, "logs": ["30%"]},
        {"progress": float("nan"), "logs": ["30%"]},
    ],
)
def test_fields_of_the_answer(fields: dict[str, object]) -> None:
    """A field by that name counts before the log, if it is a percentage."""
    assert said(**fields) == 30.0


@given(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_whatever_comes(line: str, value: object) -> None:
    """Anything in the place of progress gives a percentage or None."""
    for progress in (said(logs=[line]), said(progress=value), said(meta=value, output=value)):
        assert progress is None or 0 <= progress <= 100


def test_long_logs_are_not_read_whole() -> None:
    """Only the last lines, and the ends of long ones, are looked through."""
    assert said(logs=["40%", *["..."] * 60]) is None
    assert said(logs=["40%" + "." * 10_000]) is None
    assert said(logs=["." * 10_000 + "40%"]) == 40.0


def test_a_job_that_completed() -> None:
    """It is at 100 %, whatever is said; one that failed stays where it was."""
    assert Job(job_id="a", status=JobStatus.COMPLETED).progress == 100.0
    assert Job(job_id="a", status=JobStatus.FAILED, logs=("40%",)).progress == 40.0
    assert Job(job_id="a").progress is None


@pytest.mark.parametrize("logs", ["strings", "objects"])
async def test_events_have_it(logs: Logs) -> None:
    """An event says how far its job is, as the mock's logs do."""
    mock = MockLegnext(quirks=Quirks(logs=logs))
    job_id = mock.add_job(Script([("processing", 100), "failed"]))
    async with LegnextClient(KEY, transport=mock.transport()) as client:
        events = [event async for event in client.watch([job_id])]
    first, last = events[0], events[-1]
    assert first.progress is not None
    assert last.progress is not None
    assert 0 <= first.progress < last.progress <= 100
    assert [event.progress for event in events] == [event.job.progress for event in events]
