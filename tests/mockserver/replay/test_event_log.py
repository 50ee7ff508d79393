"""Event logs of `legnext-stream`, made into scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from legnext_stream import LegnextClient
from legnext_stream._cli.events_json import WallClock, event_line
from mockserver import MockLegnext, Script, run_virtual
from mockserver._replay import EventLogError, read_event_log, replaying

T = "2026-01-01T00:00:{:02}Z"


def event(status: str, since: int | None, until: int, **more: object) -> bytes:
    """A line of an event log."""
    between = [None if since is None else T.format(since), T.format(until)]
    fields = {"job_id": "a", "status": status, "changed_between": between, **more}
    return json.dumps(fields).encode() + b"\n"


def log(path: Path, *lines: bytes) -> Path:
    """An event log of these lines."""
    file = path / "events.jsonl"
    file.write_bytes(b"".join(lines))
    return file


def test_the_log_of_a_real_watch(tmp_path: Path) -> None:
    """What `legnext-stream` wrote last night is replayed: each job ends as it did, when it did."""
    mock = MockLegnext(7, 3, failure_share=0.4)
    ids = mock.add_jobs(12)
    lines = []

    async def watch(target: MockLegnext) -> dict[str, str]:
        ends = {}
        async with LegnextClient(api_key="test", transport=target.transport()) as client:
            async for one in client.watch(ids):
                lines.append(event_line(one, WallClock(1.7e9)))
                ends[one.job_id] = str(one.status)
        return ends

    first = run_virtual(watch, mock)
    jobs = read_event_log(log(tmp_path, *lines))
    assert set(jobs) == set(ids)
    again = replaying(jobs)
    assert run_virtual(watch, again) == first
    begin = min(change.at for changes in mock.truth.values() for change in changes)
    for job_id in ids:
        true, found = mock.truth[job_id][-1], again.truth[job_id][-1]
        assert found.status == true.status
        assert found.at == pytest.approx(true.at - begin, abs=5.0)


def test_lines(tmp_path: Path) -> None:
    """A life is put together from the events of a job, in whatever order of lines they stand."""
    file = log(
        tmp_path,
        event("processing", 10, 20, task_type="upscale"),
        event("pending", None, 5, task_type="upscale"),
        event("unknown", 20, 24, raw_status="upscaling"),
        event("failed", 30, 32, raw_status="failed", error={"code": 7, "message": "m"}),
        b'{"job_id": "torn',
    )
    (job,) = read_event_log(file).values()
    assert job.script.steps == (
        Script([("pending", 10), ("processing", 7), ("upscaling", 9), "failed"]).steps
    )
    assert (job.task_type, job.submitted_at, job.script.failure.code) == ("upscale", None, 7)


def test_a_watcher_that_gave_up(tmp_path: Path) -> None:
    """Verdicts of the watcher's own say nothing of a job: it stays as it was, or isn't there."""
    file = log(
        tmp_path,
        event("processing", None, 5),
        event("timed_out", 5, 50),
        event("not_found", None, 5, job_id="b"),
        event("unknown", None, 5, job_id="c", raw_status=None),
    )
    jobs = read_event_log(file)
    assert {job_id: job.script.steps for job_id, job in jobs.items()} == {
        "a": Script(["processing"]).steps,
        "c": Script(["unknown"]).steps,
    }


def test_an_empty_log(tmp_path: Path) -> None:
    """A log in which nothing happened has no jobs."""
    assert read_event_log(log(tmp_path)) == {}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"what\n", "JSON is malformed"),
        (b"{}\n", "missing required field"),
        (event("pending", None, 5).replace(b"Z", b""), "must have a time zone"),
        (event("pending", None, 5, job_id=5), "Expected `str`"),
    ],
)
def test_what_is_no_event(tmp_path: Path, line: bytes, problem: str) -> None:
    """A line that is no event is an error that names it."""
    with pytest.raises(EventLogError, match=f"line 2: .*{problem}"):
        read_event_log(log(tmp_path, event("pending", None, 5), line))


def test_replayed_jobs_can_be_polled(tmp_path: Path) -> None:
    """The jobs of a log stand behind the API like any others."""
    file = log(tmp_path, event("pending", None, 5), event("completed", 28, 30))
    mock = replaying(read_event_log(file))

    async def ask() -> list[str]:
        await trio.sleep(40)
        return [mock.world.job("a", mock.now).status]

    assert run_virtual(ask) == ["completed"]
