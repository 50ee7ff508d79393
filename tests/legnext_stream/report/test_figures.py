"""The numbers that a report shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import JobStatus
from legnext_stream._report import Collector
from legnext_stream._report.figures import (
    delays,
    gantt,
    merged,
    quantile,
    requests,
    run_times,
    status_counts,
    thinned,
)
from tests.legnext_stream.cli.support import some_stats
from tests.legnext_stream.report.support import a_batch, an_event


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_among_the_values(values: list[float], share: float) -> None:
    """It lies between the extremes, and doesn't fall as the share grows."""
    values.sort()
    found = quantile(values, share)
    assert values[0] <= found <= values[-1]
    assert quantile(values, 0.0) == values[0]
    assert quantile(values, 1.0) == values[-1]
    assert found <= quantile(values, min(share + 0.1, 1.0)) * (1 + 1e-12)


def test_the_gantt_chart_is_by_the_api_clock() -> None:
    """Each bar has the submission, start and end of its job."""
    chart = gantt(a_batch(3))
    assert chart.by_api_clock
    assert [(bar.queued_at, bar.runs_from, bar.until) for bar in chart.bars] == [
        (0.0, 0.0, 9.0),
        (0.0, 10.0, 19.0),
        (0.0, 20.0, 29.0),
    ]


def test_without_the_api_times_it_is_by_what_was_seen() -> None:
    """Each bar has the times when the job was first seen, seen running, and seen ended."""
    chart = gantt(a_batch(2, stamped=False))
    assert not chart.by_api_clock
    assert [(bar.queued_at, bar.runs_from, bar.until) for bar in chart.bars] == [
        (1.0, 0.5, 10.0),
        (11.0, 10.5, 20.0),
    ]


def test_jobs_that_have_not_ended_reach_to_the_edge() -> None:
    """Their bars end at the edge of the chart, by either clock."""
    for stamped in (True, False):
        collector = Collector("title", 0.0)
        stamps = (0.0, 5.0, None) if stamped else (None, None, None)
        collector.note(an_event("a", JobStatus.PROCESSING, at=7.0, stamps=stamps))
        waiting = (1.0, None, None) if stamped else (None, None, None)
        collector.note(an_event("b", JobStatus.PENDING, at=7.0, stamps=waiting))
        first, second = gantt(collector.collected(50.0, some_stats(), "stopped")).bars
        edge = 5.0 if stamped else 50.0
        assert first.until == second.until == edge
        assert second.runs_from is None


def test_no_jobs_make_no_bars() -> None:
    """An empty batch makes an empty chart."""
    assert gantt(a_batch(0)).bars == ()


def test_some_of_many_jobs_are_shown() -> None:
    """Sixty jobs are shown, evenly spaced, and the total is kept."""
    chart = gantt(a_batch(600))
    assert len(chart.bars) == 60
    assert chart.of == 600
    assert chart.bars[1].until - chart.bars[0].until == 100.0


def test_run_times_by_task_type() -> None:
    """Frequent types come first; known ones have the published range."""
    collector = Collector("title", 0.0)
    for number, task_type in enumerate(["upload_paint", "diffusion", "diffusion", "new-thing", ""]):
        stamps = (0.0, 0.0, 10.0 * (number + 1))
        collector.note(an_event(f"job-{number}", task_type=task_type, stamps=stamps))
    types = run_times(collector.collected(99.0, some_stats(), "all jobs ended"))
    assert [each.task_type for each in types] == [
        "diffusion",
        "new-thing",
        "unknown",
        "upload-paint",
    ]
    assert types[0].quantiles["median"] == 25.0
    assert types[0].published == (30.0, 90.0)
    assert types[1].published is None


def test_delays_lie_between_two_bounds() -> None:
    """Only jobs with both bounds count."""
    found = delays(a_batch(4))
    assert found is not None
    assert found.row(0.5) == (0.5, 2.0)
    collector = Collector("title", 0.0)
    collector.note(an_event(between=(None, 1.0)))
    assert delays(collector.collected(1.0, some_stats(), "all jobs ended")) is None


def test_the_requests_over_time() -> None:
    """Rates and refusals are between moments; the merged rows have the same sums."""
    batch = a_batch(100)
    rows = requests(batch)
    assert rows[0].rate == pytest.approx(2.0)
    table = merged(rows)
    assert len(table) <= 24
    assert sum(row.refused for row in table) == sum(row.refused for row in rows) == 25
    total = sum(row.rate * (row.until - row.since) for row in table)
    assert total == pytest.approx(batch.stats.polls)
    assert merged([]) == []


def test_no_time_no_rate() -> None:
    """A batch without duration has no rates."""
    assert requests(Collector("title", 5.0).collected(5.0, some_stats(), "all jobs ended")) == []


def test_the_jobs_by_status() -> None:
    """At each moment, every job is in one layer."""
    found = status_counts(a_batch(10))
    sums = {sum(layer[at] for layer in found.layers.values()) for at in range(len(found.times))}
    assert sums == {10}


@given(st.integers(0, 200))
def test_rows_are_thinned_evenly(number: int) -> None:
    """At most 24 rows remain, with the first and the last."""
    rows = [(float(at),) for at in range(number)]
    kept = thinned(rows)
    assert len(kept) == min(number, 24)
    assert kept[:1] == rows[:1]
    assert kept[-1:] == rows[-1:]
