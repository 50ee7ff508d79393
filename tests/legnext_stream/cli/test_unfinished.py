"""What a run that ends early leaves behind."""

from __future__ import annotations

from pathlib import Path

import attrs

from legnext_stream import JobError, JobStatus, Prompt
from legnext_stream._cli.unfinished import Unfinished
from legnext_stream.errors import DownloadError
from mockserver import MockLegnext
from tests.legnext_stream.cli.support import an_event
from tests.legnext_stream.generate.support import generating


def _unfinished(planned: int | None = None, journal: Path | None = None) -> Unfinished:
    return Unfinished(planned=planned, journal=journal, resume=lambda ids: f"go on with {len(ids)}")


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_jobs_that_still_run() -> None:
    """Each has its last status and its prompt; one that was never seen has none."""
    unfinished = _unfinished()
    assert list(unfinished.lines()) == []
    for job_id in ("job-1", "job-2", "job-3"):
        unfinished.take(job_id)
    was_known = unfinished.is_anything_known
    assert not was_known
    running = an_event(JobStatus.PROCESSING, job_id="job-1")
    unfinished.note(attrs.evolve(running, prompt=Prompt("a fox\x07")))
    assert unfinished.is_anything_known
    unfinished.note(an_event(job_id="job-2"))
    unfinished.take("job-2")
    assert list(unfinished.lines()) == [
        "2 jobs still run:",
        "  job-1  processing  a fox",
        "  job-3  not seen yet",
        "To go on: go on with 2",
    ]
    assert unfinished.resume_line() is None


def test_many_jobs_are_counted() -> None:
    """Some are shown, but the line to go on has all."""
    unfinished = _unfinished()
    for number in range(25):
        unfinished.note(an_event(JobStatus.PENDING, job_id=f"job-{number}"))
    first, *shown, more, line = unfinished.lines()
    assert first == "25 jobs still run:"
    assert len(shown) == 10
    assert more == "  and 15 more"
    assert line == "To go on: go on with 25"


def test_prompts_without_a_job() -> None:
    """Without a journal they are only counted: which of them were sent isn't known."""
    unfinished = _unfinished(planned=4)
    unfinished.note(an_event(JobStatus.NOT_SUBMITTED, job_id="", error=JobError(message="no")))
    assert list(unfinished.lines()) == ["3 prompts have no known job."]
    unfinished.note(an_event(JobStatus.PENDING))
    unfinished.note(an_event(JobStatus.PENDING, job_id="job-2"))
    assert list(unfinished.lines())[-2:] == ["1 prompt has no known job.", "To go on: go on with 2"]


def test_jobs_whose_results_were_not_saved() -> None:
    """They are remembered, because another line fetches them."""
    unfinished = _unfinished()
    error = DownloadError("404 for it", job_id="job-1", url="https://a/b")
    unfinished.note(attrs.evolve(an_event(job_id="job-1"), download_error=error))
    assert unfinished.unsaved == ["job-1"]


def test_jobs_that_were_given_up() -> None:
    """They are remembered, because they may still run."""
    unfinished = _unfinished()
    unfinished.note(an_event(JobStatus.TIMED_OUT, job_id="job-1"))
    assert unfinished.timed_out == ["job-1"]
    assert list(unfinished.lines()) == []


async def test_the_journal_knows_more(tmp_path: Path) -> None:
    """It has the jobs of earlier runs, and the prompts that were taken in and not submitted."""
    path = tmp_path / "batch.db"
    unfinished = _unfinished(planned=5, journal=path)
    assert list(unfinished.lines()) == ["5 prompts have no known job.", "To go on: go on with 0"]
    mock = MockLegnext(seed=1)
    async with generating(mock, ["one", "two", "three"], journal=path, at_once=1) as events:
        await anext(events)
    assert list(unfinished.lines())[1:] == [
        f"  {next(iter(mock.truth))}  not seen yet",
        "4 prompts have no known job.",
        "To go on: go on with 1",
    ]
    assert unfinished.resume_line() == "go on with 0"
    # Reading it leaves nothing behind.
    assert _files(tmp_path) <= {"batch.db", "batch.db.lock"}
    assert list(_unfinished(journal=path).lines())[2] == "2 prompts have no known job."
    path.write_bytes(b"no journal")
    assert list(_unfinished(journal=path).lines()) == []
