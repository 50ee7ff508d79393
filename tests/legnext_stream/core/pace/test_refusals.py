"""What blocks of refusals reveal: a bucket's rate, a window's length."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.pace.refusals import ENOUGH, MARGIN_AFTER_BOUNDARY, Block, Refusals
from tests.effort import examples

turns = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 1.0]) | st.floats(0, 200),
        st.sampled_from([0.0, 0.1, 5.0]) | st.floats(0, 100),
        st.booleans(),
        st.sampled_from([0.0, 0.0, 1.0, 3.0, 60.0]),
    ),
    max_size=120,
)


@examples(300)
@given(turns)
def test_nothing_absurd(script: list[tuple[float, float, bool, float]]) -> None:
    """In whatever order and at whatever times answers come, estimates are finite and positive."""
    refusals, now = Refusals(longest_gap=300.0), 0.0
    for dt, latency, refused, told in script:
        now += dt
        if refused:
            if refusals.refused(now, now - latency, told):
                gap = refusals.gap(now, 0.1)
                assert 0 < gap <= 300.0
        else:
            block = refusals.admitted(now, now - latency)
            if block is not None and block.permitted is not None:
                assert 0 < block.permitted < math.inf
                assert block.refused > 0
        assert refusals.window is None or 1.0 <= refusals.window < math.inf
        for rate in (refusals.achieved(now), refusals.recent(now)):
            assert rate is None or 0 <= rate < math.inf


@given(st.floats(0.5, 50), st.integers(ENOUGH + 1, 200))
def test_a_bucket_is_measured_exactly(rate: float, count: int) -> None:
    """Between the ends of two blocks a bucket has admitted exactly what it permits."""
    refusals, now = Refusals(longest_gap=300.0), 0.0
    blocks: list[Block] = []
    for _ in range(3):
        for _ in range(count):
            now += 1 / rate
            if (block := refusals.admitted(now, now)) is not None:
                blocks.append(block)
        refusals.refused(now, now, 0.0)
    assert [block.refused for block in blocks] == [1, 1]
    assert [block.windowed for block in blocks] == [False, False]
    assert blocks[-1].permitted == pytest.approx(rate)


def test_short_cycles_are_joined() -> None:
    """A cycle of few requests gives no estimate; together with the next ones it does."""
    refusals, now = Refusals(longest_gap=300.0), 0.0
    said = []
    for _ in range(6):
        for _ in range(8):
            now += 0.1
            block = refusals.admitted(now, now)
            if block is not None:
                said.append(block.permitted)
        refusals.refused(now, now, 0.0)
    assert said[:2] == [None, None]
    assert said[2] == pytest.approx(10.0, rel=0.06)


def test_a_retry_after_is_no_part_of_the_measured_time() -> None:
    """A whole second's Retry-After for a token due at once is subtracted."""
    refusals, now = Refusals(longest_gap=300.0), 0.0
    permitted = None
    for _ in range(2):
        for turn in range(30):
            now += 1.0 if turn == 0 else 0.1
            block = refusals.admitted(now, now)
            if block is not None:
                permitted = block.permitted
        refusals.refused(now, now, 1.0)
        assert refusals.streak == 1
    assert permitted == pytest.approx(10.0, rel=0.05)


@pytest.mark.parametrize("told", [0.0, 1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("later", [0.0, 1.0, 2.0, 3.0, 5.0])
def test_a_cycle_that_took_no_time(told: float, later: float) -> None:
    """Answers and a refusal in one instant, and the next answer after the pause: no division by 0."""
    refusals = Refusals(longest_gap=300.0)
    for _ in range(ENOUGH + 1):
        refusals.admitted(7.0, 7.0)
    assert refusals.achieved(7.0) is None
    assert refusals.recent(7.0) is None
    refusals.refused(7.0, 7.0, told)
    block = refusals.admitted(7.0 + later, 7.0 + later)
    assert block is not None
    assert block.permitted is None or 0 < block.permitted < math.inf


def blocked(refusals: Refusals, begin: float, quota: int, window: float, step: float) -> float:
    """Use up a window's quota at once and try for its end at doubling intervals; return it."""
    now = begin
    for _ in range(quota):
        now += step
        refusals.admitted(now, now)
    while now < begin + window:
        now += step / 10
        refusals.refused(now, now, 0.0)
        now += refusals.gap(now, step)
    return now


def test_a_window_is_seen() -> None:
    """Refused far longer than a token takes: a window, the round length among those possible."""
    refusals = Refusals(longest_gap=300.0)
    end = blocked(refusals, 0.0, 60, 60.0, 0.1)
    block = refusals.admitted(end, end)
    assert block is not None
    assert block.windowed
    assert refusals.window == 60.0
    assert block.permitted == pytest.approx(1.0, rel=0.05)
    # Now the end of the next window is foreseen, and the trial request is sent right after it.
    later = blocked(refusals, end, 60, 60.0, 0.1)
    assert later == pytest.approx(end + 60.0, abs=2 * MARGIN_AFTER_BOUNDARY)


def test_an_odd_window_is_taken_as_it_was_measured() -> None:
    """If no round length fits, the longest possible one is taken."""
    refusals = Refusals(longest_gap=300.0)
    refusals.admitted(0.0, 0.0)
    for turn in range(1, 40):
        refusals.admitted(turn * 0.1, turn * 0.1)
    for at in (4.0, 6.0, 40.0):
        refusals.refused(at, at, 0.0)
    block = refusals.admitted(43.0, 43.0)
    assert block is not None
    assert refusals.window == 43.0


def test_a_window_seen_in_steady_traffic_needs_no_burst() -> None:
    """A long block after a long run: the window is at least as long as the block."""
    refusals = Refusals(longest_gap=300.0)
    for turn in range(1000):
        refusals.admitted(turn * 0.1, turn * 0.1)
    for at in (100.0, 102.0, 106.0):
        refusals.refused(at, at, 0.0)
    refusals.admitted(112.0, 112.0)
    assert refusals.window == 20.0


def test_a_window_not_seen_again_is_given_up() -> None:
    """After many short blocks and a long time it behaves like a bucket."""
    refusals = Refusals(longest_gap=300.0)
    now = blocked(refusals, 0.0, 60, 5.0, 0.01)
    refusals.admitted(now, now)
    assert refusals.window == 5.0
    for _ in range(12):
        for _ in range(200):
            now += 0.1
            refusals.admitted(now, now)
        refusals.refused(now, now, 0.0)
    assert refusals.window is None


def test_one_flight_counts_once() -> None:
    """Refusals of requests sent before we backed off are no news."""
    refusals = Refusals(longest_gap=300.0)
    assert refusals.refused(1.0, 0.0, 0.0)
    assert not refusals.refused(1.1, 0.5, 0.0)
    assert refusals.admitted(1.2, 0.6) is None
    assert refusals.streak == 1
    assert refusals.refused(3.0, 2.0, 0.0)
    assert refusals.streak == 2


def test_trial_requests_double() -> None:
    """The time between trial requests doubles from the usual interval, and is bounded."""
    refusals = Refusals(longest_gap=30.0)
    gaps = []
    for turn in range(12):
        refusals.refused(float(turn), float(turn), 0.0)
        gaps.append(refusals.gap(float(turn), 0.1))
    assert gaps[:3] == pytest.approx([0.1, 0.2, 0.4])
    assert gaps[-1] == 30.0


def test_rates_of_late() -> None:
    """The achieved rate is counted from the cycle's beginning, or from `start_over`."""
    refusals = Refusals(longest_gap=300.0)
    assert refusals.achieved(0.0) is None
    assert refusals.recent(0.0) is None
    for turn in range(41):
        refusals.admitted(turn / 2, turn / 2)
    for turn in range(40):
        refusals.admitted(20 + turn / 10, 20 + turn / 10)
    assert refusals.achieved(24.0) == pytest.approx(81 / 24)
    assert refusals.recent(24.0) == pytest.approx(10.0)
    refusals.start_over(24.0)
    assert refusals.achieved(24.5) is None
    for turn in range(40):
        refusals.admitted(24 + turn / 20, 24 + turn / 20)
    assert refusals.achieved(26.0) == pytest.approx(20.0)
    # The next block's estimate counts from there, too.
    refusals.refused(26.0, 26.0, 0.0)
    block = refusals.admitted(26.05, 26.05)
    assert block is not None
    assert block.permitted == pytest.approx(20.0, rel=0.05)
