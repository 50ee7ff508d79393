"""Limits on requests under way, and limits that change."""

from __future__ import annotations

import heapq
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world import (
    Admitted,
    Concurrency,
    FixedWindow,
    Limit,
    Refused,
    Scheduled,
    SlidingWindow,
    TokenBucket,
    Unlimited,
)

GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=200)


@given(st.integers(1, 5), GAPS, st.floats(0.1, 10))
def test_never_more_under_way_than_the_most(most: int, gaps: list[float], takes: float) -> None:
    """Requests are admitted if and only if fewer than the most are under way."""
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
    """It can't know when a place will be free, and has no rate to tell of."""
    limit = Concurrency(1, retry_after=2)
    assert limit.admit(0) == Admitted()
    assert limit.admit(0) == limit.admit(100) == Refused(2)
    assert limit.hint(0) is None
    assert limit.fresh() == Concurrency(1, retry_after=2)
    assert limit.fresh().admit(0) == Admitted()


def test_only_what_is_under_way_can_finish() -> None:
    """Whoever counts wrong is to hear of it, and not to get more places."""
    limit = Concurrency(2)
    with pytest.raises(ValueError, match="no request is under way"):
        limit.finish(0)


@pytest.mark.parametrize(
    ("most", "retry_after", "complaint"), [(0, 1.0, "must be >= 1"), (1, -1.0, "must be >= 0")]
)
def test_impossible_concurrency_is_refused(most: int, retry_after: float, complaint: str) -> None:
    """At least one place, and no waiting backwards."""
    with pytest.raises(ValueError, match=complaint):
        Concurrency(most, retry_after)


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=300))
def test_each_phase_keeps_to_its_own_law(gaps: list[float]) -> None:
    """What is admitted of a schedule's phase is what its limit alone would admit of it."""
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
    """Places that an earlier limit gave are not given back to the later one."""
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
    """A request that is asked about late, with an earlier time, meets the newest limit."""
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
    """A schedule begins at the world's start, and goes forward."""
    with pytest.raises(ValueError, match="of a schedule begin"):
        Scheduled([(begin, Unlimited()) for begin in begins])
