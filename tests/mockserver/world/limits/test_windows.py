"""Limits that count the requests of a window of time."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world import Admitted, FixedWindow, Hint, Refused, SlidingWindow

GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=200)
QUOTAS = st.integers(1, 10)
SECONDS = st.floats(0.5, 20)

Windowed = type[SlidingWindow] | type[FixedWindow]
BOTH = pytest.mark.parametrize("kind", [SlidingWindow, FixedWindow])


@given(QUOTAS, SECONDS, GAPS)
def test_a_sliding_window_admits_its_quota_in_any_window(
    quota: int, seconds: float, gaps: list[float]
) -> None:
    """Of any quota + 1 admitted in a row, the last came a window after the first, or later."""
    window = SlidingWindow(quota, seconds)
    admitted = [t for t in itertools.accumulate(gaps) if window.admit(t) == Admitted()]
    for first, last in zip(admitted, admitted[quota:], strict=False):
        assert last - first >= seconds - 1e-6


@given(QUOTAS, SECONDS, GAPS)
def test_a_sliding_window_refuses_only_when_full(
    quota: int, seconds: float, gaps: list[float]
) -> None:
    """Whoever is refused has a full quota of admitted ones in the window behind."""
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
    """Counted by the number of the window: never more than the quota, and all of it if asked."""
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
def test_retry_after_is_true(kind: Windowed, quota: int, seconds: float, gaps: list[float]) -> None:
    """Who is refused and comes back, alone, when told to is admitted; just before, refused."""
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
    """As many requests pass as `remaining` says, and not one more; at the reset there are more."""
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
    """The flaw of this kind of limit, which clients are to be tested against."""
    window = FixedWindow(10, 60)
    assert all(window.admit(59.9) == Admitted() for _ in range(10))
    verdict = window.admit(59.9)
    assert isinstance(verdict, Refused)
    assert verdict.retry_after == pytest.approx(0.1)
    assert all(window.admit(60) == Admitted() for _ in range(10))


def test_an_empty_sliding_window_has_nothing_to_wait_for() -> None:
    """Without a request that counts, the whole quota is there now."""
    assert SlidingWindow(60, 60).hint(5) == Hint(quota=60, window=60, remaining=60, reset=0)


@BOTH
def test_an_old_time_gains_nothing(kind: Windowed) -> None:
    """A request that is asked about late, with an earlier time, counts with the newest."""
    window = kind(1, 10)
    assert window.admit(15) == Admitted()
    assert isinstance(window.admit(5), Refused)
    window = kind(2, 10)
    assert window.admit(15) == Admitted()
    assert window.admit(5) == Admitted()
    assert isinstance(window.admit(19), Refused)


@BOTH
def test_fresh_has_counted_nothing(kind: Windowed) -> None:
    """A fresh limit admits its whole quota, whatever the one it is made from has seen."""
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
    """A window has to last for some seconds, and not for ever."""
    with pytest.raises(ValueError, match="a window lasts"):
        kind(1, seconds)


@BOTH
def test_a_quota_of_none_is_refused(kind: Windowed) -> None:
    """A window without a quota would never admit anything."""
    with pytest.raises(ValueError, match="must be >= 1"):
        kind(0, 1)
