"""What all limits promise, of whatever kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world import (
    Admitted,
    Concurrency,
    FixedWindow,
    LeakyBucket,
    Limit,
    Scheduled,
    SlidingWindow,
    TokenBucket,
    Unlimited,
)

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
    """A verdict is what `admit` says then, and asking for it any number of times is no request."""
    asked, other = make(), make()
    for t in times:
        verdicts = [asked.verdict(t) for _ in range(3)]
        admitted = other.admit(t)
        assert verdicts == [admitted] * 3
        assert asked.admit(t) == admitted


@pytest.mark.parametrize("make", LIMITS)
@given(TIMES, st.integers(0, 50))
def test_a_copy_goes_on_alike(make: Callable[[], Limit], times: list[float], split: int) -> None:
    """A copy says what the original does from then on, and neither knows of the other's."""
    limit = make()
    for t in times[:split]:
        limit.admit(t)
    copies = [limit.copy() for _ in range(2)]
    later = [(limit.admit(t), limit.hint(t)) for t in times[split:]]
    for copy in copies:
        assert [(copy.admit(t), copy.hint(t)) for t in times[split:]] == later


def test_nothing_is_under_way_in_a_copy() -> None:
    """The requests under way are not a limit's own: they end where they began."""
    limits: list[Limit] = [Concurrency(1), Scheduled([(0, Concurrency(1))])]
    for limit in limits:
        assert limit.verdict(0) == limit.admit(0) == Admitted()
        assert limit.copy().verdict(0) == Admitted()
        assert limit.verdict(0) != Admitted()
