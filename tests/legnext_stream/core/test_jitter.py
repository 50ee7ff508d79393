"""Chance that can be repeated."""

from __future__ import annotations

from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.jitter import jitter


@given(st.text(), st.integers())
def test_it_is_a_share_and_always_the_same(key: str, count: int) -> None:
    """In [0, 1), and a function of its arguments only."""
    assert 0 <= jitter(key, count) < 1
    assert jitter(key, count) == jitter(key, count)


def test_it_spreads_evenly() -> None:
    """Over jobs, and over the polls of one job, a tenth falls into each tenth."""
    for values in (
        [jitter(f"job-{number}", 1) for number in range(5000)],
        [jitter("job", number) for number in range(5000)],
    ):
        assert abs(fmean(values) - 0.5) < 0.03
        for tenth in range(10):
            share = sum(int(value * 10) == tenth for value in values) / len(values)
            assert 0.07 < share < 0.13
