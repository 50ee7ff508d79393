"""Bounded memory for a report."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._report.sampling import FairSample, Series


@given(st.lists(st.text(max_size=5)), st.integers(1, 20))
def test_a_sample_is_bounded_and_depends_on_the_keys_alone(keys: list[str], limit: int) -> None:
    """The limit holds, the order doesn't matter, and few items are all kept."""

    def kept(order: list[str]) -> set[str]:
        sample = FairSample[str](limit)
        for key in order:
            if sample.wants(key):
                sample.put(key, key)
            assert len(list(sample)) <= limit
        assert sample.is_whole or len(set(order)) > limit
        assert all(sample.get(key) == key for key in sample)
        return set(sample)

    assert kept(keys) == kept(keys[::-1])
    if len(set(keys)) <= limit:
        assert kept(keys) == set(keys)


def test_a_dropped_item_does_not_come_back() -> None:
    """A dropped key is never wanted again."""
    sample = FairSample[int](10)
    for number in range(1000):
        if sample.wants(str(number)):
            sample.put(str(number), number)
    assert not sample.is_whole
    kept = set(sample)
    assert 1 <= len(kept) <= 10
    assert [n for n in range(1000) if sample.wants(str(n))] == sorted(kept)
    assert sample.get("none") is None


@given(st.lists(st.floats(0, 100), max_size=300), st.integers(2, 20))
def test_a_series_is_bounded_and_in_order(steps: list[float], limit: int) -> None:
    """The limit holds, and times increase."""
    series = Series[float](1.0, limit)
    now = 0.0
    for step in steps:
        now += step
        if series.is_due(now):
            series.add(now, now)
        assert len(list(series)) <= limit
    times = [at for at, _ in series]
    assert times == sorted(set(times))
    assert times[:1] in ([], [steps[0] if steps else 0.0])


def test_a_series_grows_coarser() -> None:
    """Each thinning doubles the interval; a moment at the same time replaces the last one."""
    series = Series[str](1.0, 4)
    for at in range(5):
        series.add(at, str(at))
    assert [at for at, _ in series] == [0, 2, 4]
    assert series.interval == 2.0
    assert not series.is_due(5.0)
    series.add(4, "again")
    assert list(series)[-1] == (4, "again")
