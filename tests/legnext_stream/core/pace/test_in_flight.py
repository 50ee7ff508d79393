"""How many requests at once: what latency suggests, and a service that counts them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.pace.in_flight import FIRST_LIMIT, FORGET_EVERY, InFlight
from tests.effort import examples


def answer(flight: InFlight, times: int, latency: float, in_flight: int, now: float = 0.0) -> None:
    """Answers to requests that started as the last of this many in flight."""
    for _ in range(times):
        flight.answered(now, latency, in_flight, in_flight)


@examples(200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["answered", "refused", "failed"]),
            st.floats(0, 100),
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(1, 40),
        ),
        max_size=100,
    ),
    st.integers(1, 40),
)
def test_bounds(script: list[tuple[str, float, float, int]], most: int) -> None:
    """Whatever is seen, at least one request may be in flight, and never more than the maximum."""
    flight, now = InFlight(most), 0.0
    for act, dt, latency, nth in script:
        now += dt
        if act == "answered":
            flight.answered(now, latency, min(nth, most), min(nth, most))
        elif act == "refused":
            flight.refused(now, min(nth, most))
        else:
            flight.failed()
        assert 1 <= flight.limit <= most
        assert 0 <= flight.latency < math.inf


def test_it_grows_while_it_is_used() -> None:
    """With constant latency and all places used the limit grows, up to the maximum."""
    flight = InFlight(50)
    assert flight.limit == FIRST_LIMIT
    assert flight.latency == 0.0
    for _ in range(4000):
        answer(flight, 1, 0.1, flight.limit)
    assert flight.limit == 50
    assert flight.latency == pytest.approx(0.1)


def test_it_does_not_grow_unused() -> None:
    """While less than half of it is used, it doesn't grow."""
    flight = InFlight(50)
    answer(flight, 1000, 0.1, FIRST_LIMIT // 2 - 1)
    assert flight.limit == FIRST_LIMIT


def test_it_shrinks_when_requests_queue_up() -> None:
    """When latency rises above the usual, fewer requests may be in flight."""
    flight = InFlight(50)
    answer(flight, 100, 0.1, 8)
    before = flight.limit
    answer(flight, 40, 2.0, 8)
    assert flight.limit < before


def test_what_is_usual_follows() -> None:
    """After a long load the usual latency falls faster than its slow mean."""
    flight = InFlight(50)
    answer(flight, 50, 2.0, 8)
    answer(flight, 150, 0.1, 8)
    assert flight._usual < 0.5


@pytest.mark.parametrize("latency", [-1.0, math.inf, math.nan])
def test_absurd_latencies(latency: float) -> None:
    """Impossible latencies have no effect."""
    flight = InFlight(50)
    answer(flight, 50, latency, 8)
    assert flight.latency == 0.0
    assert flight.limit == FIRST_LIMIT


def test_no_latency_at_all() -> None:
    """A latency of 0 is a constant latency, and is not divided by."""
    flight = InFlight(50)
    answer(flight, 50, 0.0, 20)
    assert flight.limit > FIRST_LIMIT


def test_failures_take_a_little() -> None:
    """Requests that get no answer lower the limit, never below one."""
    flight = InFlight(50)
    flight.failed()
    assert flight.limit == FIRST_LIMIT - 1
    for _ in range(200):
        flight.failed()
    assert flight.limit == 1


def counted(flight: InFlight, room: int, tries: int, now: float = 0.0) -> None:
    """A service that accepts this many at once, given one more each time."""
    for _ in range(tries):
        answer(flight, 1, 0.1, room, now)
        flight.refused(now, room + 1)


def test_a_number_at_once_is_proven() -> None:
    """If all are refused above a number and none up to it, the number is the limit."""
    flight = InFlight(50)
    counted(flight, 8, 3)
    assert flight.proven == 8
    assert flight.limit == 8


def test_a_rate_is_no_number_at_once() -> None:
    """A rate limit refuses a few of any number in flight, which proves no number."""
    flight = InFlight(50)
    for turn in range(200):
        nth = 1 + turn % 10
        if turn % 7:
            answer(flight, 1, 0.1, nth)
        else:
            assert not flight.refused(0.0, nth)
    assert flight.proven is None


def test_room_is_looked_for_and_found() -> None:
    """After a while one more is tried; what is accepted long enough is proven, in doubling steps."""
    flight = InFlight(50)
    counted(flight, 4, 3)
    answer(flight, 1, 0.1, 4, now=29.0)
    assert flight.limit == 4
    answer(flight, 1, 0.1, 4, now=31.0)
    assert flight.limit == 5
    answer(flight, 40, 0.1, 5, now=32.0)
    assert flight.proven == 5
    assert flight.limit == 7


def test_room_is_looked_for_ever_more_rarely() -> None:
    """A refused trial ends at once, and the next one waits twice as long."""
    flight = InFlight(50)
    counted(flight, 4, 3)
    answer(flight, 1, 0.1, 4, now=31.0)
    assert flight.limit == 5
    assert flight.refused(31.1, 5)
    assert flight.limit == 4
    answer(flight, 1, 0.1, 4, now=31.1 + 59.0)
    assert flight.limit == 4
    answer(flight, 1, 0.1, 4, now=31.1 + 61.0)
    assert flight.limit == 5
    # Outside a trial a refusal beyond the number only puts the next one off.
    flight.refused(92.2, 5)
    assert flight.refused(92.3, 5)


def test_a_number_of_an_earlier_run_is_kept_to_and_tried() -> None:
    """It holds from the beginning, within today's bound, and more is tried at once."""
    flight = InFlight(50)
    flight.remember(4)
    assert flight.limit == 4
    answer(flight, 1, 0.1, 3)
    assert flight.limit == 4
    answer(flight, 1, 0.1, 4)
    assert flight.limit == 5
    flight.remember(70)
    assert flight.proven == 50


def test_a_proof_is_given_up() -> None:
    """Refused repeatedly below the number: it was the rate after all."""
    flight = InFlight(50)
    counted(flight, 8, 3)
    answer(flight, 30, 0.1, 8)
    for _ in range(10):
        flight.refused(1.0, 8)
    assert flight.proven != 8


def test_refusals_far_between_prove_a_number() -> None:
    """However many requests below the number are admitted meanwhile."""
    flight = InFlight(50)
    for _ in range(3):
        answer(flight, 5 * FORGET_EVERY, 0.1, 3)
        flight.refused(0.0, 9)
    assert flight.proven == 8


def test_old_evidence_fades() -> None:
    """What was seen of a number halves as more is seen of it, and small rests are dropped."""
    flight = InFlight(50)
    flight.refused(0.0, 9)
    answer(flight, 4 * FORGET_EVERY, 0.1, 9)
    assert flight._refused_at == {}
    assert flight._admitted_at[9] <= FORGET_EVERY
