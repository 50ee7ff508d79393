"""A watch in words."""

from __future__ import annotations

import attrs
import pytest

from legnext_stream import JobStatus
from legnext_stream._cli.wording import clock_words, progress_line, summary
from tests.legnext_stream.cli.support import a_failure, a_view

_JOBS = {
    JobStatus.PENDING: 41,
    JobStatus.COMPLETED: 150,
    JobStatus.FAILED: 8,
    JobStatus.TIMED_OUT: 1,
}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0:00"), (41.9, "0:41"), (723.0, "12:03"), (3723.0, "1:02:03"), (360000.0, "100:00:00")],
)
def test_time_is_written_as_on_a_clock(seconds: float, words: str) -> None:
    """Hours only where there are some."""
    assert clock_words(seconds) == words


def test_a_line_of_progress_says_all_on_one_line() -> None:
    """Where the jobs stand, how fast is asked, and whether that was too fast."""
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
    """The ends by kind, what it took, and what did not complete."""
    text = summary(a_view(_JOBS, failures=[a_failure(1), a_failure(2, "two\nlines\x1b[2J")]))
    assert text.splitlines() == [
        "159 of 200 jobs ended in 1:01.",
        "  jobs      150 completed, 8 failed, 1 timed out",
        "  requests  1,234, 20.2 a second; 3 answered 429, 2 had other trouble",
        "Not completed, the last 2:",
        "  job-1  failed: Banned prompt (code 400)",
        "  job-2  failed: two lines [2J",
    ]


def test_the_summary_of_a_batch_of_prompts() -> None:
    """What was submitted, and what was saved of it."""
    view = a_view(_JOBS, submits=205, submitted=200, submits_limited=5)
    text = summary(attrs.evolve(view, files=590, unsaved=2))
    assert "  submits   205, of which 200 made a job; 5 answered 429" in text
    assert "  files     590 saved; the results of 2 could not be saved" in text
    text = summary(attrs.evolve(a_view(_JOBS, submits=2, submitted=2), files=8))
    assert "  submits   2, of which 2 made a job\n  files     8 saved" in text


def test_a_short_summary() -> None:
    """One job, one failure, no time at all."""
    view = a_view({JobStatus.FAILED: 1}, expected=1, elapsed=0.0, failures=[a_failure()])
    lines = summary(view).splitlines()
    assert lines[0] == "1 of 1 job ended in 0:00."
    assert "0.0 a second" in lines[2]
    assert lines[3] == "Not completed:"


def test_the_summary_of_a_watch_that_was_stopped() -> None:
    """It says so, and claims no ends that there weren't."""
    lines = summary(a_view({JobStatus.PENDING: 3}, expected=None), is_stopped=True).splitlines()
    assert lines[0] == "Stopped after 1:01: 0 of 3+ jobs had ended."
    assert len(lines) == 2
