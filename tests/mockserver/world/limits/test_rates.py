"""Limits on requests."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.world import Admitted, Hint, Refused, TokenBucket, Unlimited

GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=200)


@given(st.floats(0.1, 50), st.integers(1, 20), GAPS)
def test_no_window_has_more_than_rate_and_burst(rate: float, burst: int, gaps: list[float]) -> None:
    """In no window of w seconds are more than burst + rate * w requests admitted."""
    bucket = TokenBucket(rate, burst)
    admitted = [t for t in itertools.accumulate(gaps) if bucket.admit(t) == Admitted()]
    for first, begin in enumerate(admitted):
        for count, end in enumerate(admitted[first:], start=1):
            assert count <= burst + rate * (end - begin) + 1e-6


@given(st.floats(0.01, 1000), st.integers(1, 5), GAPS)
def test_retry_after_is_true(rate: float, burst: int, gaps: list[float]) -> None:
    """Who is refused and comes back, alone, when told to is admitted; just before, refused."""
    for t in itertools.accumulate(gaps):
        bucket = TokenBucket(rate, burst)
        for _ in range(burst):
            assert bucket.admit(t) == Admitted()
        verdict = bucket.admit(t)
        assert isinstance(verdict, Refused)
        assert isinstance(bucket.admit(t + verdict.retry_after * 0.99), Refused)
        assert bucket.admit(t + verdict.retry_after) == Admitted()


def test_an_old_time_fills_nothing() -> None:
    """A request that is asked about late, with an earlier time, finds the bucket as it is."""
    bucket = TokenBucket(1, 1)
    assert bucket.admit(10) == Admitted()
    assert bucket.admit(5) == Refused(1)


def test_fresh_is_full() -> None:
    """A fresh bucket is full, whatever was taken from the one it is made from."""
    bucket = TokenBucket(2, burst=3)
    for _ in range(5):
        bucket.admit(0)
    assert bucket.fresh() == TokenBucket(2, burst=3)
    assert bucket.fresh().admit(0) == Admitted()


def test_unlimited_admits_everything() -> None:
    """Without a limit, any number of requests pass."""
    limit = Unlimited()
    assert all(limit.admit(0) == Admitted() for _ in range(1000))
    limit.finish(0)
    assert limit.hint(0) is None
    assert limit.fresh() is limit


def test_a_bucket_tells_of_itself_as_of_a_window() -> None:
    """The policy is what the bucket gives while it fills; the rest is what it holds."""
    bucket = TokenBucket(10, burst=20)
    assert bucket.hint(0) == Hint(quota=20, window=2, remaining=20, reset=0)
    for _ in range(20):
        bucket.admit(0)
    assert bucket.hint(0.5) == Hint(quota=20, window=2, remaining=5, reset=1.5)


def test_a_small_bucket_tells_of_a_whole_second() -> None:
    """The fields have whole seconds, and so the window is never shorter than one."""
    assert TokenBucket(10, burst=1).hint(0) == Hint(quota=10, window=1, remaining=1, reset=0)


@given(st.floats(0.1, 50), st.integers(1, 20), GAPS)
def test_what_a_bucket_says_remains_does_pass(rate: float, burst: int, gaps: list[float]) -> None:
    """As many requests pass as `remaining` says, and not one more."""
    bucket = TokenBucket(rate, burst)
    t = 0.0
    for t in itertools.accumulate(gaps):
        bucket.admit(t)
    remaining = bucket.hint(t).remaining
    assert [bucket.admit(t) == Admitted() for _ in range(remaining + 1)] == (
        [True] * remaining + [False]
    )


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
def test_impossible_rates_are_refused(rate: float) -> None:
    """A rate has to be a number of requests above zero."""
    with pytest.raises(ValueError, match="a rate is"):
        TokenBucket(rate)


def test_an_empty_bucket_is_refused() -> None:
    """A bucket that can hold no token would never admit anything."""
    with pytest.raises(ValueError, match="must be >= 1"):
        TokenBucket(1, burst=0)
