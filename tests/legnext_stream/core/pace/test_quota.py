"""Obeying stated limits: spread what remains, stop when nothing does, forget what is old."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.pace.hints import Hints
from legnext_stream._core.pace.quota import CATCH_UP, LONGEST_SPREAD, STALE_AFTER, Quota


def stated(**said: float) -> Quota:
    """A quota with the hints of the answer to request 0, at time 0."""
    quota = Quota(max_hint=300.0)
    quota.learn(0.0, Hints(**said), 0)  # type: ignore[arg-type] # the counts among them are whole
    return quota


def test_nothing_stated() -> None:
    """Without hints there is no rate, no bound and no hold."""
    quota = stated()
    assert not quota.fresh(0.0)
    assert quota.rate(0.0) is None
    assert quota.bound(0.0, 1) is None
    assert quota.hold(0.0, 1) == -math.inf


def test_a_policy_is_a_rate() -> None:
    """Quota by window is the steady rate, and the bound while nothing else is stated."""
    quota = stated(quota=100, window=50.0)
    assert quota.fresh(1.0)
    assert quota.rate(1.0) == 2.0
    assert quota.bound(1.0, 1) == 2.0


@pytest.mark.parametrize(
    "said", [{"quota": 0, "window": 60.0}, {"quota": 9, "window": 2 * LONGEST_SPREAD}]
)
def test_policies_that_are_no_pace(said: dict[str, float]) -> None:
    """A quota of nothing, or one for a day, is not spread."""
    assert stated(**said).rate(1.0) is None


def test_what_remains_is_spread() -> None:
    """What remains, less our own requests since, lasts until the reset."""
    quota = stated(remaining=40, reset_after=20.0)
    assert quota.bound(0.0, 0) == pytest.approx(2.0)
    assert quota.bound(10.0, 30) == pytest.approx(1.0)
    assert quota.bound(10.0, 40) is None
    assert quota.hold(10.0, 39) == -math.inf
    assert quota.hold(10.0, 40) == 20.0
    # After the reset nothing is known any more.
    assert quota.hold(20.0, 40) == -math.inf
    assert quota.bound(20.0, 40) is None


def test_a_surplus_is_caught_up_with_gently() -> None:
    """With a policy a surplus is used only up to a factor, and the last second is left alone."""
    quota = stated(quota=60, window=60.0, remaining=60, reset_after=11.0)
    assert quota.bound(0.0, 0) == pytest.approx(CATCH_UP)
    assert quota.bound(0.0, 55) == pytest.approx(0.5)
    assert quota.bound(9.5, 55) == 1.0


def test_a_far_reset_is_not_spread_over() -> None:
    """A day's quota is not spread: only the policy bounds the rate."""
    far = {"remaining": 40, "reset_after": 2 * LONGEST_SPREAD}
    assert stated(**far).bound(0.0, 0) is None
    assert stated(quota=60, window=60.0, **far).bound(0.0, 0) == 1.0


def test_a_hold_is_capped() -> None:
    """A quota that is used up until tomorrow holds only as long as any hint may."""
    assert stated(remaining=0, reset_after=86_400.0).hold(0.0, 0) == 300.0


def test_hints_get_stale() -> None:
    """What isn't repeated is forgotten after a minute, or two windows."""
    quota = stated(quota=100, window=10.0)
    assert quota.rate(STALE_AFTER - 1) == 10.0
    assert quota.rate(STALE_AFTER) is None
    assert quota.bound(STALE_AFTER, 1) is None
    assert stated(quota=100, window=100.0).rate(199.0) == 1.0


def test_the_newest_request_counts() -> None:
    """The answer to an earlier request, if it comes later, is ignored."""
    quota = Quota(max_hint=300.0)
    quota.learn(0.0, Hints(remaining=5, reset_after=60.0), 7)
    quota.learn(0.1, Hints(remaining=9, reset_after=60.0), 6)
    assert quota.hold(0.1, 11) == -math.inf
    assert quota.hold(0.1, 12) == 60.0


@given(
    st.none() | st.integers(0, 10**9),
    st.none() | st.floats(0, 1e6),
    st.none() | st.integers(0, 10**9),
    st.none() | st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.integers(0, 10**6),
)
def test_nothing_absurd(
    quota: int | None,
    window: float | None,
    remaining: int | None,
    reset: float | None,
    now: float,
    number: int,
) -> None:
    """Whatever is stated, rates are positive and holds are bounded."""
    made = Quota(max_hint=300.0)
    made.learn(0.0, Hints(None, quota, window, remaining, reset), 0)
    for rate in (made.rate(now), made.bound(now, number)):
        assert rate is None or 0 < rate < math.inf
    assert made.hold(now, number) <= 300.0
