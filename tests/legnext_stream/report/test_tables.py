"""The tables of a report."""

from __future__ import annotations

import attrs
import pytest

from legnext_stream import JobStatus
from legnext_stream._report import Collector
from legnext_stream._report.tables import (
    Table,
    seconds_words,
    summary,
    unsuccessful_table,
)
from tests.legnext_stream.cli.support import some_stats
from tests.legnext_stream.report.support import a_batch, a_file, an_event


def _rows(table: Table) -> dict[str, str]:
    return {row[0]: row[1] for row in table.rows}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.0, "0.00 s"),
        (9.99, "9.99 s"),
        (12.34, "12.3 s"),
        (99.97, "1 min 40 s"),
        (845.2, "14 min 05 s"),
        (11_220.0, "3 h 07 min"),
    ],
)
def test_durations_in_words(seconds: float | None, words: str) -> None:
    """They have as many digits as matter."""
    assert seconds_words(seconds) == words


def test_the_summary_of_a_batch() -> None:
    """It has jobs by status, the duration, requests, costs and what was learned."""
    rows = _rows(summary(a_batch(10, failed={1: "no"})))
    assert rows["jobs"] == "10, of which 10 ended"
    assert rows["completed"] == "9"
    assert rows["failed"] == "1"
    assert rows["took"] == "1 min 40 s"
    assert rows["spent"] == "720 points"
    assert rows["status requests"] == "200; 20.00 for each job that ended"
    assert rows["limit learned"] == "no limit was met"
    assert rows["detection delay, median"] == "0.50 s to 2.00 s"
    assert rows["begun"] == "2026-03-01 12:00:00 UTC"


def test_the_summary_of_a_batch_of_prompts() -> None:
    """It also has submits, files, and the learned limit."""
    collector = Collector("title", 0.0)
    collector.note(an_event(files=(a_file(2_000_000),)))
    stats = some_stats(
        {JobStatus.COMPLETED: 1}, ceiling=8.0, submits=3, submitted=1, submits_limited=2
    )
    rows = _rows(summary(collector.collected(9.0, stats, "all jobs ended")))
    assert rows["submits"] == "3; 1 made a job, 2 answered 429"
    assert rows["files saved"] == "1, 2.0 MB"
    assert rows["limit learned"] == "8 a second"
    stats = attrs.evolve(stats, submits_limited=0)
    rows = _rows(summary(collector.collected(9.0, stats, "all jobs ended")))
    assert rows["submits"] == "3; 1 made a job"


def test_a_summary_before_anything_ended() -> None:
    """There is no division by zero."""
    rows = _rows(summary(Collector("title", 0.0).collected(1.0, some_stats(), "stopped")))
    assert rows["status requests"] == "1,234"
    assert "detection delay, median" not in rows


def test_failures_beyond_those_kept_are_counted() -> None:
    """The note has the total; prompts have a column if there are any."""
    collector = Collector("title", 0.0)
    for number in range(250):
        collector.note(an_event(f"job-{number}", JobStatus.FAILED, reason="no", prompt="a fox"))
    table = unsuccessful_table(collector.collected(1.0, some_stats(), "stopped"))
    assert table.note == "The first 200 of 250."
    assert table.head[-1] == "prompt"
    assert table.rows[0][-1] == "a fox"
