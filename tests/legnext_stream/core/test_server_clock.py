"""The server's clock: learned from truncated dates, and from what was seen to happen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.server_clock import Interval, ServerClock
from tests.effort import examples

offsets = st.floats(-1e6, 1e6) | st.just(1.8e9)
# Answers: seconds since the one before, latency, and when within it the date was written (0 to 1).
answers = st.lists(st.tuples(st.floats(0, 60), st.floats(0, 0.9), st.floats(0, 1)), min_size=1)
# Rounding of times around 1.8e9 seconds.
DUST = 1e-6


def dated(clock: ServerClock, offset: float, sent_at: float, latency: float, when: float) -> None:
    """An answer with a date from some moment between sending and receiving, truncated to the second."""
    written = sent_at + when * latency
    clock.dated(math.floor(written + offset), sent_at, sent_at + latency)


def off(clock: ServerClock, offset: float) -> float:
    """How far the estimated offset is from the true one."""
    at = clock.local(offset)
    assert at is not None
    return abs(at)


def seen(clock: ServerClock, offset: float, after: float, at: float, before: float) -> None:
    """Something happened, got a timestamp, and was seen to have happened between two times."""
    clock.happened(math.floor(at + offset), after, before)


@given(offsets, answers)
def test_right_within_the_stated_error(
    offset: float, told: list[tuple[float, float, float]]
) -> None:
    """Whatever the true offset and the latencies, it lies within `error`."""
    clock, now = ServerClock(), 0.0
    for gap, latency, when in told:
        now += gap
        dated(clock, offset, now, latency, when)
        now += latency
        assert off(clock, offset) <= clock.error + DUST
        assert clock.error <= (1.0 + 0.9) / 2 + DUST


@given(offsets)
def test_many_answers_leave_a_narrow_interval(offset: float) -> None:
    """Dates are in whole seconds; dozens of them show the offset to a tenth of a second."""
    clock = ServerClock()
    for turn in range(60):
        dated(clock, offset, turn * 1.017, 0.05, 0.5)
    assert clock.error <= 0.1
    assert off(clock, offset) <= 0.1


@given(offsets, st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1)), min_size=1, max_size=20))
def test_what_was_seen_is_enough(offset: float, moments: list[tuple[float, float]]) -> None:
    """Without a single date, timestamps of what was seen between two polls bound the offset."""
    clock, now = ServerClock(), 0.0
    for width, when in moments:
        seen(clock, offset, now, now + when * width, now + width)
        now += width
        assert off(clock, offset) <= clock.error + DUST


def test_nothing_known() -> None:
    """Before any date there is no offset, and the error is infinite."""
    clock = ServerClock()
    assert clock.local(1.8e9) is None
    assert clock.error == math.inf


@pytest.mark.parametrize("offset", [3600.0, -3600.0, 0.0, 86_400.0 * 365])
def test_a_clock_that_is_wrong(offset: float) -> None:
    """An hour or a year ahead or behind is an offset like any other."""
    clock = ServerClock()
    dated(clock, offset, 10.0, 0.1, 0.5)
    at = clock.local(offset + 5.0)
    assert at == pytest.approx(5.0, abs=0.6)


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 2.5, -2.5])
def test_a_clock_that_jumps(jump: float) -> None:
    """The first answer after a change of the clock discards what was known before."""
    clock = ServerClock()
    for turn in range(50):
        dated(clock, 100.0, float(turn), 0.1, 0.5)
    for turn in range(50, 53):
        dated(clock, 100.0 + jump, float(turn), 0.1, 0.5)
        assert off(clock, 100.0 + jump) <= clock.error + DUST


@examples(200)
@given(st.floats(-0.45, 0.45), st.lists(st.floats(0, 0.9), min_size=20, max_size=20))
def test_a_small_step_is_no_jump(step: float, fractions: list[float]) -> None:
    """After a step within the tolerance, the offset is never off by more than that."""
    clock = ServerClock()
    for turn in range(40):
        dated(clock, 100.0, turn * 1.017, 0.02, 0.5)
    for turn, fraction in enumerate(fractions):
        dated(clock, 100.0 + step, 60.0 + turn + fraction, 0.02, 0.5)
        assert off(clock, 100.0 + step) <= clock.error + abs(step) + 0.02


def test_an_old_interval_widens() -> None:
    """Clocks drift apart: what was known hours ago is less certain now."""
    interval = Interval()
    interval.narrow(0.0, 10.0, 10.1)
    interval.narrow(10_000.0, 0.0, 20.0)
    assert interval.error == pytest.approx(0.05 + 1.0)
    assert interval.middle == pytest.approx(10.05, abs=0.1)


def test_what_was_seen_wins_over_dates() -> None:
    """If a proxy writes the dates, the times in `meta` are converted by what was seen."""
    clock = ServerClock()
    for turn in range(20):
        dated(clock, 0.0, float(turn), 0.1, 0.5)
    assert off(clock, 0.0) < 0.6
    seen(clock, 3600.0, 20.0, 20.5, 21.0)
    assert off(clock, 3600.0) <= 1.0
    # Dates go on coming, and go on being wrong.
    dated(clock, 0.0, 22.0, 0.1, 0.5)
    assert off(clock, 3600.0) <= 1.0


def test_dates_are_finer_while_both_agree() -> None:
    """A wide interval from what was seen, if it agrees, leaves the dates in use."""
    clock = ServerClock()
    for turn in range(60):
        dated(clock, 7.3, turn * 1.017, 0.05, 0.5)
    fine = clock.error
    seen(clock, 7.3, 62.0, 75.0, 92.0)
    assert clock.error == fine


def test_only_what_was_seen() -> None:
    """If a service sends no dates, what was seen is used alone."""
    clock = ServerClock()
    seen(clock, -50.0, 10.0, 11.0, 12.0)
    assert off(clock, -50.0) <= clock.error + DUST
    assert clock.error == pytest.approx(1.5)


@given(
    offsets, st.lists(st.tuples(st.floats(0, 60), st.floats(0, 30), st.floats(0, 1)), min_size=1)
)
def test_a_clock_like_ours_is_never_taken_for_a_fast_one(
    offset: float, told: list[tuple[float, float, float]]
) -> None:
    """Whatever the offset and however slow the answers, a second of the server's is one of ours."""
    clock, now = ServerClock(), 0.0
    for gap, latency, when in told:
        now += gap
        dated(clock, offset, now, latency, when)
        now += latency
        assert clock.second == 1.0


@given(st.floats(2.0, 100.0), offsets, st.floats(0.01, 2.0))
def test_the_rate_of_a_fast_clock(rate: float, offset: float, gap: float) -> None:
    """A server whose time runs faster is noticed within seconds, and its times are still converted."""
    clock, now = ServerClock(), 0.0
    while now < 60.0:
        clock.dated(math.floor(offset + now * rate), now, now + 0.05)
        now += gap
    assert clock.second == pytest.approx(1.0 / rate, rel=0.05)
    stamp = math.floor(offset + (now - 5.0) * rate)
    at = clock.local(stamp)
    assert at is not None
    assert at == pytest.approx(now - 5.0, abs=1.5)


def test_a_clock_that_was_set_is_not_fast() -> None:
    """One jump of the server's clock, by an hour, is no rate."""
    clock = ServerClock()
    for turn in range(100):
        now = turn * 0.5
        clock.dated(math.floor(1e9 + now + (3600 if now > 20 else 0)), now, now + 0.1)
        assert clock.second == 1.0


def test_a_fast_clock_may_become_a_usual_one() -> None:
    """Behind the same address there may be another server later."""
    clock = ServerClock()
    for turn in range(200):
        now = turn * 0.5
        ahead = 5.0 * now if now < 50 else 200.0 + now
        clock.dated(math.floor(1e9 + ahead), now, now + 0.1)
        if now == 40:
            assert clock.second == pytest.approx(0.2, rel=0.05)
    assert clock.second == 1.0
