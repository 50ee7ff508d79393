"""Spans of jobs: only on request, and no more at a time than allowed."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from legnext_stream import LegnextClient
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import KEY, URL
from tests.legnext_stream.telemetry.support import Recorded, recording

GOOD = Script([("pending", 1), ("processing", 30), "completed"])
BAD = Script([("pending", 1), ("processing", 10), "failed"])


def client_of(mock: MockLegnext, recorded: Recorded) -> LegnextClient:
    """A client of this mock that records."""
    return LegnextClient(KEY, URL, mock.transport(), telemetry=recorded.telemetry)


def of_jobs(recorded: Recorded) -> dict[object, ReadableSpan]:
    """The spans of jobs that have ended, by the job's id."""
    return {
        (span.attributes or {})["legnext_stream.job.id"]: span
        for span in recorded.spans
        if span.name == "legnext_stream.job"
    }


async def test_from_the_first_that_is_seen_to_the_end() -> None:
    """With the changes as its events, and in a trace of its own."""
    mock = MockLegnext()
    good, bad = mock.add_job(GOOD), mock.add_job(BAD)
    with recording(job_spans=10) as recorded:
        async with client_of(mock, recorded) as client:
            events = [event async for event in client.watch([good, bad, "no-such-job"])]
        spans = of_jobs(recorded)
    assert set(spans) == {good, bad}
    for job_id, span in spans.items():
        told = [event.status.value for event in events if event.job_id == job_id]
        said = [dict(event.attributes or {}) for event in span.events]
        assert [each["legnext_stream.job.status"] for each in said] == told
        assert said[-1]["legnext_stream.job.previous"] == told[-2]
        assert span.parent is None
        attributes = dict(span.attributes or {})
        assert attributes["legnext_stream.job.status"] == told[-1]
        assert attributes["legnext_stream.job.task_type"] == "diffusion"
    assert spans[good].status.status_code is StatusCode.UNSET
    assert spans[bad].status.status_code is StatusCode.ERROR
    assert "legnext_stream.job.error.code" in (spans[bad].attributes or {})
    traces = {span.context.trace_id for span in spans.values() if span.context is not None}
    assert len(traces) == 2


async def test_no_more_than_so_many_at_a_time() -> None:
    """Of the others there are none; and when some have ended, there is room again."""
    mock = MockLegnext()
    with recording(job_spans=2) as recorded:
        async with client_of(mock, recorded) as client:
            for _ in range(2):
                ids = [mock.add_job(GOOD) for _ in range(5)]
                async for _ in client.watch(ids):
                    pass
        assert len(of_jobs(recorded)) == 4


async def test_a_watch_that_is_left_ends_its_spans() -> None:
    """Without a status, because the job's end was not seen."""
    mock = MockLegnext()
    with recording(job_spans=10) as recorded:
        async with client_of(mock, recorded) as client:
            job_id = mock.add_job(GOOD)
            async for _ in client.watch([job_id]):
                break
        [span] = of_jobs(recorded).values()
    assert "legnext_stream.job.task_type" not in (span.attributes or {})
    assert span.status.status_code is StatusCode.UNSET


async def test_no_spans_of_jobs_unless_asked_for() -> None:
    """They take up memory."""
    mock = MockLegnext()
    with recording() as recorded:
        async with client_of(mock, recorded) as client:
            await client.wait(mock.add_job(GOOD))
        assert not of_jobs(recorded)
        assert recorded.spans
