"""Limits on requests."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world import Admitted, Hint, LeakyBucket, Refused, TokenBucket, Unlimited

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


@pytest.mark.parametrize("make", [TokenBucket, LeakyBucket])
@given(st.floats(0.1, 50), st.integers(1, 20), GAPS)
def test_what_a_bucket_says_remains_does_pass(
    make: type[TokenBucket | LeakyBucket], rate: float, size: int, gaps: list[float]
) -> None:
    """As many requests pass as `remaining` says, and not one more."""
    bucket = make(rate, size)
    t = 0.0
    for t in itertools.accumulate(gaps):
        bucket.admit(t)
    remaining = bucket.hint(t).remaining
    assert [isinstance(bucket.admit(t), Admitted) for _ in range(remaining + 1)] == (
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


@given(st.floats(0.1, 50), st.integers(0, 20), GAPS)
def test_a_leaky_bucket_lets_out_one_by_one(rate: float, capacity: int, gaps: list[float]) -> None:
    """Those that pass are at least 1 / rate apart, and none waits longer than the bucket holds."""
    bucket = LeakyBucket(rate, capacity)
    passed = []
    for t in itertools.accumulate(gaps):
        verdict = bucket.admit(t)
        if isinstance(verdict, Admitted):
            assert verdict.delay <= capacity / rate + 1e-6
            passed.append(t + verdict.delay)
    for before, after in itertools.pairwise(passed):
        assert after - before >= 1 / rate - 1e-6


@given(st.floats(0.01, 1000), st.integers(0, 5), GAPS)
def test_a_full_leaky_bucket_says_when_there_is_room(
    rate: float, capacity: int, gaps: list[float]
) -> None:
    """Who is refused and comes back, alone, when told to finds room; just before, none."""
    for t in itertools.accumulate(gaps):
        bucket = LeakyBucket(rate, capacity)
        for waiting in range(capacity + 1):
            admitted = bucket.admit(t)
            assert isinstance(admitted, Admitted)
            assert admitted.delay == pytest.approx(waiting / rate, abs=1e-6)
        verdict = bucket.admit(t)
        assert isinstance(verdict, Refused)
        assert isinstance(bucket.verdict(t + verdict.retry_after * 0.99), Refused)
        assert isinstance(bucket.admit(t + verdict.retry_after), Admitted)


@given(st.floats(0.1, 50), st.integers(0, 20), GAPS)
def test_a_leaky_bucket_admits_what_a_token_bucket_does(
    rate: float, capacity: int, gaps: list[float]
) -> None:
    """Queue and meter differ in the waiting only: not in whom they admit."""
    leaky, tokens = LeakyBucket(rate, capacity), TokenBucket(rate, capacity + 1)
    # Apart by what a float's last bits can't blur.
    for t in itertools.accumulate(round(gap, 3) + 0.0007 for gap in gaps):
        one, other = leaky.verdict(t), tokens.verdict(t)
        if isinstance(one, Refused) and isinstance(other, Refused):
            assert one.retry_after == pytest.approx(other.retry_after, abs=1e-6)
        told = leaky.hint(t), tokens.hint(t)
        assert (told[0].quota, told[0].window) == (told[1].quota, told[1].window)
        assert isinstance(leaky.admit(t), Admitted) == isinstance(tokens.admit(t), Admitted)


def test_a_leaky_bucket_tells_of_itself() -> None:
    """The policy is that of what comes at once; the rest is the room in it."""
    bucket = LeakyBucket(2, capacity=3)
    assert bucket.hint(0) == Hint(quota=4, window=2, remaining=4, reset=0)
    for _ in range(4):
        bucket.admit(0)
    assert bucket.hint(0) == Hint(quota=4, window=2, remaining=0, reset=2)
    assert bucket.hint(0.5) == Hint(quota=4, window=2, remaining=1, reset=1.5)
    bucket.finish(1)
    assert bucket.fresh() == bucket
    assert bucket.fresh().hint(0).remaining == 4


def test_impossible_leaky_buckets_are_refused() -> None:
    """A rate has to be above zero, and no bucket holds less than nothing."""
    with pytest.raises(ValueError, match="a rate is"):
        LeakyBucket(0)
    with pytest.raises(ValueError, match="must be >= 0"):
        LeakyBucket(1, -1)
