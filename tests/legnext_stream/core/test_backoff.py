"""How long to wait after failures, with which jitter, and how many early retries there may be."""

from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.backoff import (
    DEPTH,
    POLLS,
    REQUESTS,
    SHARE,
    Backoff,
    RetryBudget,
    jitter,
)
from legnext_stream._core.pace.pacer import Pacer


@given(st.text(), st.integers())
def test_jitter_is_a_share_and_always_the_same(key: str, count: int) -> None:
    """In [0, 1), and a function of its arguments only."""
    assert 0 <= jitter(key, count) < 1
    assert jitter(key, count) == jitter(key, count)


def test_jitter_spreads_evenly() -> None:
    """Over jobs, and over the polls of one job, a tenth falls into each tenth."""
    for values in (
        [jitter(f"job-{number}", 1) for number in range(5000)],
        [jitter("job", number) for number in range(5000)],
    ):
        assert abs(fmean(values) - 0.5) < 0.03
        for tenth in range(10):
            share = sum(int(value * 10) == tenth for value in values) / len(values)
            assert 0.07 < share < 0.13


@pytest.mark.parametrize("backoff", [POLLS, REQUESTS])
@given(failures=st.integers(1, 10_000), key=st.text(max_size=5))
def test_waits_double_up_to_a_bound(backoff: Backoff, failures: int, key: str) -> None:
    """Between a half and the whole of a bound, which doubles with each failure."""
    bound = min(backoff.first * 2 ** min(failures - 1, 10), backoff.longest)
    assert bound / 2 <= backoff.wait(failures, key) <= bound


@given(st.lists(st.booleans(), max_size=400))
def test_retries_are_a_small_share(wishes: list[bool]) -> None:
    """Retries never exceed a tenth of the requests by more than a constant."""
    pacer = Pacer(max_rate=1e6, initial_rate=1e6, max_in_flight=10**6)
    requests = retries = 0
    for retry in wishes:
        if retry:
            retries += pacer.allow_retry()
        else:
            requests += 1
            pacer.start(float(requests))
        assert retries <= DEPTH + SHARE * requests


def test_a_calm_saves_up_a_few() -> None:
    """After however many requests no more than the depth can be spent at once, and then a tenth."""
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == DEPTH
    for _ in range(105):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == 10
