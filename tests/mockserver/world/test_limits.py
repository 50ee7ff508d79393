"""Limits on requests: what all of them promise, and each kind."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.limits import (
    Admitted,
    Concurrency,
    FixedWindow,
    Hint,
    LeakyBucket,
    Limit,
    Refused,
    Scheduled,
    SlidingWindow,
    TokenBucket,
    Unlimited,
)

# All kinds

LIMITS: list[Callable[[], Limit]] = [
    Unlimited,
    lambda: TokenBucket(2, 3),
    lambda: LeakyBucket(2, 3),
    lambda: SlidingWindow(3, 2),
    lambda: FixedWindow(3, 2),
    lambda: Scheduled([(0, LeakyBucket(2, 3)), (2, FixedWindow(3, 2)), (5, TokenBucket(1))]),
]
TIMES = st.lists(st.floats(0, 1), max_size=50).map(lambda gaps: list(itertools.accumulate(gaps)))


@pytest.mark.parametrize("make", LIMITS)
@given(TIMES)
def test_asking_for_the_verdict_counts_nothing(
    make: Callable[[], Limit], times: list[float]
) -> None:
    """`verdict` says what `admit` would, and counts nothing."""
    asked, other = make(), make()
    for t in times:
        verdicts = [asked.verdict(t) for _ in range(3)]
        admitted = other.admit(t)
        assert verdicts == [admitted] * 3
        assert asked.admit(t) == admitted


@pytest.mark.parametrize("make", LIMITS)
@given(TIMES, st.integers(0, 50))
def test_a_copy_goes_on_alike(make: Callable[[], Limit], times: list[float], split: int) -> None:
    """A copy decides as the original does from then on, independently."""
    limit = make()
    for t in times[:split]:
        limit.admit(t)
    copies = [limit.copy() for _ in range(2)]
    later = [(limit.admit(t), limit.hint(t)) for t in times[split:]]
    for copy in copies:
        assert [(copy.admit(t), copy.hint(t)) for t in times[split:]] == later


def test_nothing_is_under_way_in_a_copy() -> None:
    """In a copy no request is under way."""
    limits: list[Limit] = [Concurrency(1), Scheduled([(0, Concurrency(1))])]
    for limit in limits:
        assert limit.verdict(0) == limit.admit(0) == Admitted()
        assert limit.copy().verdict(0) == Admitted()
        assert limit.verdict(0) != Admitted()


# Rates

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
    """A refused client that returns when it was told to is admitted; just before, refused."""
    for t in itertools.accumulate(gaps):
        bucket = TokenBucket(rate, burst)
        for _ in range(burst):
            assert bucket.admit(t) == Admitted()
        verdict = bucket.admit(t)
        assert isinstance(verdict, Refused)
        assert isinstance(bucket.admit(t + verdict.retry_after * 0.99), Refused)
        assert bucket.admit(t + verdict.retry_after) == Admitted()


def test_an_old_time_fills_nothing() -> None:
    """A request with an earlier time finds the bucket as it is."""
    bucket = TokenBucket(1, 1)
    assert bucket.admit(10) == Admitted()
    assert bucket.admit(5) == Refused(1)


def test_fresh_is_full() -> None:
    """A fresh bucket is full, whatever the state of the original."""
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
    assert limit.fresh() == limit


def test_the_hint_of_a_token_bucket() -> None:
    """The quota is what the bucket gains while it fills, the remainder what it holds."""
    bucket = TokenBucket(10, burst=20)
    assert bucket.hint(0) == Hint(quota=20, window=2, remaining=20, reset=0)
    for _ in range(20):
        bucket.admit(0)
    assert bucket.hint(0.5) == Hint(quota=20, window=2, remaining=5, reset=1.5)


def test_the_hint_of_a_small_bucket() -> None:
    """The window is at least a second, because the fields have whole seconds."""
    assert TokenBucket(10, burst=1).hint(0) == Hint(quota=10, window=1, remaining=1, reset=0)


@pytest.mark.parametrize("make", [TokenBucket, LeakyBucket])
@given(st.floats(0.1, 50), st.integers(1, 20), GAPS)
def test_what_a_bucket_says_remains_does_pass(
    make: type[TokenBucket | LeakyBucket], rate: float, size: int, gaps: list[float]
) -> None:
    """Exactly as many requests pass as `remaining` says."""
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
    """A rate that isn't a finite number above zero is an error."""
    with pytest.raises(ValueError, match="rate must be a number above 0"):
        TokenBucket(rate)


def test_an_empty_bucket_is_refused() -> None:
    """A bucket that can't hold a token is an error."""
    with pytest.raises(ValueError, match="must be >= 1"):
        TokenBucket(1, burst=0)


@given(st.floats(0.1, 50), st.integers(0, 20), GAPS)
def test_a_leaky_bucket_lets_out_one_by_one(rate: float, capacity: int, gaps: list[float]) -> None:
    """Requests pass at least 1 / rate apart, and none waits longer than capacity / rate."""
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
    """A refused client that returns when it was told to finds room; just before, none."""
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
    """Both kinds of bucket admit the same requests; they differ in the delay."""
    leaky, tokens = LeakyBucket(rate, capacity), TokenBucket(rate, capacity + 1)
    # Apart by what a float's last bits can't blur.
    for t in itertools.accumulate(round(gap, 3) + 0.0007 for gap in gaps):
        one, other = leaky.verdict(t), tokens.verdict(t)
        if isinstance(one, Refused) and isinstance(other, Refused):
            assert one.retry_after == pytest.approx(other.retry_after, abs=1e-6)
        told = leaky.hint(t), tokens.hint(t)
        assert (told[0].quota, told[0].window) == (told[1].quota, told[1].window)
        assert isinstance(leaky.admit(t), Admitted) == isinstance(tokens.admit(t), Admitted)


def test_the_hint_of_a_leaky_bucket() -> None:
    """The quota is what the bucket takes at once, the remainder the room in it."""
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
    """A rate of zero and a negative capacity are errors."""
    with pytest.raises(ValueError, match="rate must be a number above 0"):
        LeakyBucket(0)
    with pytest.raises(ValueError, match="must be >= 0"):
        LeakyBucket(1, -1)


# Windows

QUOTAS = st.integers(1, 10)
SECONDS = st.floats(0.5, 20)

Windowed = type[SlidingWindow] | type[FixedWindow]
BOTH = pytest.mark.parametrize("kind", [SlidingWindow, FixedWindow])


@given(QUOTAS, SECONDS, GAPS)
def test_a_sliding_window_admits_its_quota_in_any_window(
    quota: int, seconds: float, gaps: list[float]
) -> None:
    """Of any quota + 1 admitted in a row, the last is at least a window after the first."""
    window = SlidingWindow(quota, seconds)
    admitted = [t for t in itertools.accumulate(gaps) if window.admit(t) == Admitted()]
    for first, last in zip(admitted, admitted[quota:], strict=False):
        assert last - first >= seconds - 1e-6


@given(QUOTAS, SECONDS, GAPS)
def test_a_sliding_window_refuses_only_when_full(
    quota: int, seconds: float, gaps: list[float]
) -> None:
    """A request is refused only if the window before it has a full quota of admitted ones."""
    window = SlidingWindow(quota, seconds)
    admitted: list[float] = []
    for t in itertools.accumulate(gaps):
        if window.admit(t) == Admitted():
            admitted.append(t)
        else:
            assert sum(t - seconds < at for at in admitted) >= quota


@given(QUOTAS, SECONDS, GAPS)
def test_a_fixed_window_admits_its_quota_in_each_window(
    quota: int, seconds: float, gaps: list[float]
) -> None:
    """Each window admits its quota, if there are that many requests, and no more."""
    window = FixedWindow(quota, seconds)
    asked: dict[int, int] = {}
    admitted: dict[int, int] = {}
    for t in itertools.accumulate(gaps):
        number = math.floor((t + 1e-9) / seconds)
        asked[number] = asked.get(number, 0) + 1
        admitted[number] = admitted.get(number, 0) + (window.admit(t) == Admitted())
    assert admitted == {number: min(count, quota) for number, count in asked.items()}


@BOTH
@given(quota=QUOTAS, seconds=SECONDS, gaps=GAPS)
def test_retry_after_of_a_window_is_true(
    kind: Windowed, quota: int, seconds: float, gaps: list[float]
) -> None:
    """A refused client that returns when it was told to is admitted; just before, refused."""
    for t in itertools.accumulate(gaps):
        window = kind(quota, seconds)
        for _ in range(quota):
            assert window.admit(t) == Admitted()
        verdict = window.admit(t)
        assert isinstance(verdict, Refused)
        if verdict.retry_after > 1e-3:  # else "just before" is now
            assert isinstance(window.admit(t + verdict.retry_after * 0.99), Refused)
        assert window.admit(t + verdict.retry_after) == Admitted()


@BOTH
@given(quota=QUOTAS, seconds=SECONDS, gaps=GAPS)
def test_what_is_said_to_remain_does_pass(
    kind: Windowed, quota: int, seconds: float, gaps: list[float]
) -> None:
    """Exactly as many requests pass as `remaining` says; at the reset there are more."""
    window = kind(quota, seconds)
    t = 0.0
    for t in itertools.accumulate(gaps):
        window.admit(t)
    told = window.hint(t)
    assert (told.quota, told.window) == (quota, seconds)
    assert 0 <= told.reset <= seconds + 1e-6
    assert window.hint(t + told.reset).remaining > told.remaining or told.remaining == quota
    window = kind(quota, seconds)
    for again in itertools.accumulate(gaps):
        window.admit(again)
    assert [window.admit(t) == Admitted() for _ in range(told.remaining + 1)] == (
        [True] * told.remaining + [False]
    )


def test_two_quotas_pass_where_fixed_windows_meet() -> None:
    """Twice the quota passes around the end of a fixed window."""
    window = FixedWindow(10, 60)
    assert all(window.admit(59.9) == Admitted() for _ in range(10))
    verdict = window.admit(59.9)
    assert isinstance(verdict, Refused)
    assert verdict.retry_after == pytest.approx(0.1)
    assert all(window.admit(60) == Admitted() for _ in range(10))


def test_an_empty_sliding_window_has_nothing_to_wait_for() -> None:
    """An empty window has its whole quota now."""
    assert SlidingWindow(60, 60).hint(5) == Hint(quota=60, window=60, remaining=60, reset=0)


@BOTH
def test_an_old_time_gains_nothing(kind: Windowed) -> None:
    """A request with an earlier time counts with the newest."""
    window = kind(1, 10)
    assert window.admit(15) == Admitted()
    assert isinstance(window.admit(5), Refused)
    window = kind(2, 10)
    assert window.admit(15) == Admitted()
    assert window.admit(5) == Admitted()
    assert isinstance(window.admit(19), Refused)


@BOTH
def test_fresh_has_counted_nothing(kind: Windowed) -> None:
    """A fresh window admits its whole quota, whatever the state of the original."""
    window = kind(2, 10)
    for _ in range(3):
        window.admit(0)
        window.finish(0)  # changes nothing: requests count from their arrival
    assert isinstance(window.admit(0), Refused)
    assert window.fresh() == kind(2, 10)
    assert window.fresh().admit(0) == Admitted()


@BOTH
@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_impossible_windows_are_refused(kind: Windowed, seconds: float) -> None:
    """A window without a finite length above zero is an error."""
    with pytest.raises(ValueError, match="seconds must be a number above 0"):
        kind(1, seconds)


@BOTH
def test_a_quota_of_none_is_refused(kind: Windowed) -> None:
    """A quota of zero is an error."""
    with pytest.raises(ValueError, match="must be >= 1"):
        kind(0, 1)


# Requests under way, and schedules


@given(st.integers(1, 5), GAPS, st.floats(0.1, 10))
def test_never_more_under_way_than_the_most(most: int, gaps: list[float], takes: float) -> None:
    """A request is admitted if and only if fewer than `most` are under way."""
    limit = Concurrency(most)
    ends: list[float] = []
    for t in itertools.accumulate(gaps):
        while ends and ends[0] <= t:
            limit.finish(heapq.heappop(ends))
        has_room = len(ends) < most
        assert (limit.admit(t) == Admitted()) == has_room
        if has_room:
            heapq.heappush(ends, t + takes)


def test_concurrency_says_always_the_same() -> None:
    """Refused requests are always told the same wait, and there is no hint."""
    limit = Concurrency(1, retry_after=2)
    assert limit.admit(0) == Admitted()
    assert limit.admit(0) == limit.admit(100) == Refused(2)
    assert limit.hint(0) is None
    assert limit.fresh() == Concurrency(1, retry_after=2)
    assert limit.fresh().admit(0) == Admitted()


def test_only_what_is_under_way_can_finish() -> None:
    """Finishing a request that isn't under way is an error."""
    limit = Concurrency(2)
    with pytest.raises(ValueError, match="no request is under way"):
        limit.finish(0)


@pytest.mark.parametrize(
    ("most", "retry_after", "complaint"), [(0, 1.0, "must be >= 1"), (1, -1.0, "must be >= 0")]
)
def test_impossible_concurrency_is_refused(most: int, retry_after: float, complaint: str) -> None:
    """Less than one place and a negative wait are errors."""
    with pytest.raises(ValueError, match=complaint):
        Concurrency(most, retry_after)


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=300))
def test_each_phase_keeps_to_its_own_law(gaps: list[float]) -> None:
    """In each phase a schedule admits what the limit of the phase alone would admit."""
    parts: list[tuple[float, Limit]] = [
        (0, TokenBucket(5, 3)),
        (4, SlidingWindow(2, 3)),
        (9, FixedWindow(3, 2)),
    ]
    schedule = Scheduled(parts)
    alone = [limit.fresh() for _, limit in parts]
    for t in itertools.accumulate(gaps):
        of_this_time = alone[(t >= 4) + (t >= 9)]
        assert schedule.hint(t) == of_this_time.hint(t)
        assert schedule.admit(t) == of_this_time.admit(t)


def test_a_request_finishes_where_it_was_admitted() -> None:
    """A request that an earlier limit admitted frees no place of the later one."""
    schedule = Scheduled([(0, Concurrency(2)), (10, Concurrency(1))])
    assert [schedule.admit(9), schedule.admit(9)] == [Admitted(), Admitted()]
    assert schedule.admit(10) == Admitted()
    schedule.finish(11)
    schedule.finish(11)
    assert schedule.admit(11) == Refused(1)
    schedule.finish(12)
    assert schedule.admit(12) == Admitted()
    schedule.finish(13)
    with pytest.raises(ValueError, match="no request is under way"):
        schedule.finish(13)


def test_an_old_time_brings_no_old_limit_back() -> None:
    """A request with an earlier time meets the newest limit."""
    schedule = Scheduled([(0, Unlimited()), (10, TokenBucket(1, 1))])
    assert schedule.admit(-1) == Admitted()
    assert schedule.admit(10) == Admitted()
    assert isinstance(schedule.admit(9), Refused)


def test_fresh_begins_again() -> None:
    """A fresh schedule begins with its first limit, and all its limits in their first states."""
    schedule = Scheduled([(0, TokenBucket(1, 1)), (10, TokenBucket(2, 1))])
    for t in (0, 0, 10, 10):
        schedule.admit(t)
    fresh = schedule.fresh()
    assert fresh == schedule
    assert [fresh.admit(t) for t in (0, 0, 10, 10)] == [
        Admitted(),
        Refused(1),
        Admitted(),
        Refused(0.5),
    ]


@pytest.mark.parametrize("begins", [[], [1], [0, 0], [0, 5, 3]])
def test_impossible_schedules_are_refused(begins: list[float]) -> None:
    """A schedule that doesn't begin at 0, or isn't in order, is an error."""
    with pytest.raises(ValueError, match="of a schedule begin"):
        Scheduled([(begin, Unlimited()) for begin in begins])
