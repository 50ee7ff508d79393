"""The progress of a watch, gathered and in words."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from legnext_stream import JobError, JobStatus
from legnext_stream._cli.progress import Progress, progress_line, summary
from legnext_stream._core.model.events import SavedFile
from legnext_stream._core.model.prompts import Prompt
from legnext_stream.errors import DownloadError
from tests.legnext_stream.cli.support import a_failure, a_view, an_event, some_stats

_JOBS = {
    JobStatus.PENDING: 41,
    JobStatus.COMPLETED: 150,
    JobStatus.FAILED: 8,
    JobStatus.TIMED_OUT: 1,
}


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
def test_a_job_that_does_not_complete_is_a_failure(status: JobStatus, *, completed: bool) -> None:
    """Only jobs that end otherwise count as failures."""
    progress = _progress()
    progress.note(an_event(status))
    assert progress.all_completed is completed
    assert bool(progress.view(100.0, some_stats()).failures) is not completed


def test_the_last_failures_are_kept() -> None:
    """A bounded number is kept, with the newest last."""
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
    """Older requests don't count."""
    progress = _progress()
    assert progress.view(100.0, some_stats(polls=0)).request_rate == 0.0
    assert progress.view(102.0, some_stats(polls=20)).request_rate == 10.0
    for second in range(3, 20):
        progress.view(100.0 + second, some_stats(polls=20 + 2 * (second - 2)))
    view = progress.view(120.0, some_stats(polls=56))
    assert view.request_rate == 2.0
    assert view.elapsed == 20.0


def test_the_total_is_what_is_expected_or_what_has_come() -> None:
    """The total of a list is known; that of a stream is what has arrived."""
    jobs = {JobStatus.COMPLETED: 3, JobStatus.FAILED: 1, JobStatus.PENDING: 2}
    assert a_view(jobs, expected=10, unseen=1).total == 10
    assert a_view(jobs, expected=None, unseen=1).total == 7
    assert a_view(jobs, expected=0, unseen=1).total == 7
    assert a_view(jobs).ended == 4


def test_what_was_saved_is_counted() -> None:
    """Files are counted, and a job whose results were not saved is a failure."""
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


def test_a_prompt_without_a_job_is_named_by_its_position() -> None:
    """The position in the batch stands in for the missing id."""
    progress = _progress()
    event = an_event(JobStatus.NOT_SUBMITTED, job_id="", error=JobError(message="no credits"))
    progress.note(attrs.evolve(event, prompt=Prompt("a fox"), position=7))
    assert progress.view(100.0, some_stats()).failures[-1].job_id == "prompt 7"


def test_a_line_of_progress_says_all_on_one_line() -> None:
    """The line has the jobs by status, the request rate, and the number of 429s."""
    assert progress_line(a_view(_JOBS)) == (
        "[1:01] 159 of 200 ended · 150 completed · 8 failed · 1 timed out · 41 pending"
        " · 9.8 requests/s · 3 × 429"
    )
    quiet = progress_line(a_view(_JOBS, expected=None, rate_limited=0))
    assert "159 of 200+ ended" in quiet
    assert "429" not in quiet
    view = a_view(_JOBS, remaining=60.0, remaining_between=(50.0, 75.0))
    assert progress_line(view).endswith(" · 0:50 to 1:15 left")
    assert progress_line(a_view(_JOBS, remaining=60.0)).endswith(" · 1:00 to 1:00 left")


def test_a_summary_says_how_it_ended() -> None:
    """The summary has the ends by status, the requests, and the failures."""
    text = summary(a_view(_JOBS, failures=[a_failure(1), a_failure(2, "two\nlines\x1b[2J")]))
    assert text.splitlines() == [
        "159 of 200 jobs ended in 1:01.",
        "  jobs      150 completed, 8 failed, 1 timed out",
        "  requests  1,234, 20.2 a second; 3 answered 429, 2 failed otherwise",
        "Not completed, the last 2:",
        "  job-1  failed: Banned prompt (code 400)",
        "  job-2  failed: two lines [2J",
    ]


def test_the_summary_of_a_batch_of_prompts() -> None:
    """The summary also has submits and files."""
    view = a_view(_JOBS, submits=205, submitted=200, submits_limited=5)
    text = summary(attrs.evolve(view, files=590, unsaved=2))
    assert "  submits   205, of which 200 made a job; 5 answered 429" in text
    assert "  files     590 saved; the results of 2 could not be saved" in text
    text = summary(attrs.evolve(a_view(_JOBS, submits=2, submitted=2), files=8))
    assert "  submits   2, of which 2 made a job\n  files     8 saved" in text


def test_the_summary_of_a_watch_of_a_fast_server() -> None:
    """The summary says so if the server's time runs faster."""
    text = summary(a_view(_JOBS, server_speed=5.04))
    assert "  clock     the server's clock runs 5.04 times as fast as this machine's" in text


def test_a_short_summary() -> None:
    """One failed job in no time."""
    view = a_view({JobStatus.FAILED: 1}, expected=1, elapsed=0.0, failures=[a_failure()])
    lines = summary(view).splitlines()
    assert lines[0] == "1 of 1 job ended in 0:00."
    assert "0.0 a second" in lines[2]
    assert lines[3] == "Not completed:"


def test_the_summary_of_a_watch_that_was_stopped() -> None:
    """The summary says that the watch was stopped."""
    lines = summary(a_view({JobStatus.PENDING: 3}, expected=None), is_stopped=True).splitlines()
    assert lines[0] == "Stopped after 1:01: 0 of 3+ jobs had ended."
    assert len(lines) == 2
