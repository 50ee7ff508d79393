"""Gaps, rates and concurrency, compared with exhaustive search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import RequestRecord
from mockserver._serving.journal.figures import busiest_window, gaps, most_at_once

# Quarters of a second are exact in binary, and soon meet each other.
QUARTERS = st.integers(0, 40).map(lambda n: n / 4)


@st.composite
def journals(draw: st.DrawFn) -> list[RequestRecord]:
    """Requests in the order of arrival, for three jobs and for none."""
    arrivals = sorted(draw(st.lists(QUARTERS, max_size=20)))
    return [
        RequestRecord(
            at, at + draw(QUARTERS), "GET", "/", draw(st.sampled_from("abc") | st.none()), 200
        )
        for at in arrivals
    ]


@given(journals(), st.integers(1, 12).map(lambda n: n / 4))
def test_busiest_window_against_all_windows(records: list[RequestRecord], window: float) -> None:
    """No other window has more requests, and this one is short enough."""
    found = busiest_window(records, window)
    counts = [
        sum(begin.at <= record.at < begin.at + window for record in records) for begin in records
    ]
    assert len(found) == max(counts, default=0)
    if found:
        assert found[-1].at - found[0].at < window
        first = records.index(found[0])
        assert all(count < len(found) for count in counts[:first])


@given(st.integers(1, 50), st.sampled_from([0.1, 0.3, 0.7, 1.1]))
def test_an_even_spacing_is_its_rate(per_window: int, every: float) -> None:
    """Evenly spaced requests have exactly their rate, despite rounding."""
    records = [RequestRecord(n * every, n * every, "GET", "/", "a", 200) for n in range(100)]
    assert len(busiest_window(records, per_window * every)) == per_window


@pytest.mark.parametrize("window", [0.0, -1.0, float("nan")])
def test_a_window_has_a_length(window: float) -> None:
    """A window without length is refused."""
    with pytest.raises(ValueError, match="window must be above 0"):
        busiest_window([], window)


@given(journals())
def test_most_at_once_against_all_instants(records: list[RequestRecord]) -> None:
    """At no arrival more requests were in progress, and the result overlaps."""
    found = most_at_once(records)
    counts = []
    for record in records:
        if record.answered_at > record.at:
            counts.append(sum(r.at <= record.at < r.answered_at for r in records))
        else:
            counts.append(1 + sum(r.at < record.at < r.answered_at for r in records))
    assert len(found) == max(counts, default=0)
    latest = max((record.at for record in found), default=0)
    assert all(record.answered_at > latest or record.at == latest for record in found)
    assert found == sorted(found, key=records.index)


def test_what_takes_no_time_is_under_way_alone() -> None:
    """Requests that are answered in the instant of arrival count one by one."""
    records = [RequestRecord(1.0, 1.0, "GET", "/", "a", 200) for _ in range(5)]
    assert len(most_at_once(records)) == 1
    slow = RequestRecord(0.0, 2.0, "GET", "/", "b", 200)
    assert most_at_once([slow, *records]) == [slow, records[0]]
    # Those that came in the same instant need not have overlapped it.
    beside = [RequestRecord(1.0, 2.0, "GET", "/", "b", 200) for _ in range(3)]
    assert most_at_once([*beside, *records]) == beside


@given(journals())
def test_gaps_against_all_pairs(records: list[RequestRecord]) -> None:
    """The smallest gap of a job is the smallest difference between its requests."""
    for job_id in "abc":
        times = [record.at for record in records if record.job_id == job_id]
        found = [gap for gap in gaps(records, per_job=True) if gap.after.job_id == job_id]
        assert len(found) == max(len(times) - 1, 0)
        pairs = [later - times[i] for i in range(len(times)) for later in times[i + 1 :]]
        assert min((gap.seconds for gap in found), default=None) == min(pairs, default=None)
        assert all(gap.before.job_id == job_id for gap in found)
    assert len(gaps(records, per_job=False)) == max(len(records) - 1, 0)
