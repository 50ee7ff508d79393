"""Gathering how a watch is going."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from legnext_stream import JobError, JobStatus
from legnext_stream._cli.progress import Progress
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.saved import SavedFile
from legnext_stream.errors import DownloadError
from tests.legnext_stream.cli.support import a_view, an_event, some_stats


def _progress(expected: int | None = None) -> Progress:
    return Progress("title", 100.0, lambda: expected)


@pytest.mark.parametrize(
    ("status", "completed"),
    [
        (JobStatus.PROCESSING, True),
        (JobStatus.COMPLETED, True),
        (JobStatus.FAILED, False),
        (JobStatus.TIMED_OUT, False),
        (JobStatus.NOT_FOUND, False),
    ],
)
def test_a_job_that_ends_otherwise_is_remembered(status: JobStatus, *, completed: bool) -> None:
    """Only ends other than completion count against a watch."""
    progress = _progress()
    progress.note(an_event(status))
    assert progress.all_completed is completed
    assert bool(progress.view(100.0, some_stats()).failures) is not completed


def test_the_last_failures_are_kept() -> None:
    """Memory doesn't grow with the failures; the newest is the last."""
    progress = _progress()
    for number in range(25):
        error = JobError(code=number, message="why") if number else None
        event = an_event(JobStatus.FAILED, error=error)
        progress.note(attrs.evolve(event, observed_at=100.0 + number))
    failures = progress.view(130.0, some_stats()).failures
    assert len(failures) == 10
    assert failures[-1].reason == "why (code 24)"
    assert failures[-1].at == 24.0


def test_requests_a_second_are_those_of_the_last_seconds() -> None:
    """What was long ago doesn't count: the number follows the present."""
    progress = _progress()
    assert progress.view(100.0, some_stats(polls=0)).request_rate == 0.0
    assert progress.view(102.0, some_stats(polls=20)).request_rate == 10.0
    for second in range(3, 20):
        progress.view(100.0 + second, some_stats(polls=20 + 2 * (second - 2)))
    view = progress.view(120.0, some_stats(polls=56))
    assert view.request_rate == 2.0
    assert view.elapsed == 20.0


def test_the_total_is_what_is_expected_or_what_has_come() -> None:
    """A list's length is known from the start; of a stream, what has come so far."""
    jobs = {JobStatus.COMPLETED: 3, JobStatus.FAILED: 1, JobStatus.PENDING: 2}
    assert a_view(jobs, expected=10, unseen=1).total == 10
    assert a_view(jobs, expected=None, unseen=1).total == 7
    assert a_view(jobs, expected=0, unseen=1).total == 7
    assert a_view(jobs).ended == 4


def test_what_was_saved_is_counted() -> None:
    """Files by number; a completed job whose results are not on disk is to be looked after."""
    progress = _progress()
    file = SavedFile(url="https://a/b", path=Path("b"), size=1, media_type="a/b", was_there=False)
    progress.note(attrs.evolve(an_event(), files=(file, file)))
    view = progress.view(100.0, some_stats())
    assert (view.files, view.unsaved) == (2, 0)
    assert progress.all_completed
    error = DownloadError("404 for it", job_id="job-1", url="https://a/b")
    progress.note(attrs.evolve(an_event(), download_error=error))
    view = progress.view(100.0, some_stats())
    assert view.unsaved == 1
    assert view.failures[-1].reason.startswith("not saved: ")
    assert not progress.all_completed


def test_a_prompt_without_a_job_is_named_by_its_place() -> None:
    """It has no id."""
    progress = _progress()
    event = an_event(JobStatus.NOT_SUBMITTED, job_id="", error=JobError(message="no credits"))
    progress.note(attrs.evolve(event, prompt=Prompt("a fox"), position=7))
    assert progress.view(100.0, some_stats()).failures[-1].job_id == "prompt 7"
