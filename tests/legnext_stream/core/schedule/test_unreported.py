"""The price rule for jobs whose end a callback reports, unless it is lost."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from legnext_stream._core.schedule.runtimes import RunTimes

PRICE = 0.1
DOUBTS = [1.0, 0.5, 0.1, 0.03, 0.01, 0.002]


def learned(median: float = 45.0, sigma: float = 0.25) -> RunTimes:
    """Run times learned from a hundred jobs."""
    draws, runs = random.Random(1), RunTimes(30.0, 90.0)
    for _ in range(100):
        runs.ended(0.0, draws.lognormvariate(math.log(median), sigma))
    return runs


CURVE = learned().curve


@given(st.floats(0, 300), st.floats(0.01, 100), st.floats(0.001, 0.999))
def test_it_is_the_inverse_of_what_is_undetected(age: float, price: float, doubt: float) -> None:
    """At the end of the wait, the expected undetected time equals the price."""
    wait = CURVE.wait_unreported(age, price, doubt)
    assume(wait > 0.01)
    assert CURVE.expected_undetected(age, age + wait, doubt) == pytest.approx(price, rel=1e-4)


@given(st.floats(0, 300), st.floats(0.01, 10))
def test_if_all_callbacks_are_lost_it_is_the_rule(age: float, price: float) -> None:
    """Callbacks that never come change nothing."""
    assert CURVE.wait_unreported(age, price, 1.0) == pytest.approx(CURVE.wait(age, price), rel=1e-6)


@pytest.mark.parametrize("age", [0.0, 30.0, 45.0, 80.0])
def test_the_less_doubt_the_later(age: float) -> None:
    """Waits grow, and undetected time counts less."""
    waits = [CURVE.wait_unreported(age, PRICE, doubt) for doubt in DOUBTS]
    assert waits == sorted(waits)
    worths = [CURVE.expected_undetected(age, age + 5.0, doubt) for doubt in DOUBTS]
    assert worths == sorted(worths, reverse=True)


def test_a_job_that_runs_long_is_polled_nevertheless() -> None:
    """Nearly all have ended by then, so silence means that a callback was lost."""
    assert 40.0 < CURVE.wait_unreported(0.0, PRICE, 0.01) < 60.0
    assert CURVE.expected_undetected(0.0, 100.0, 0.01) > 10.0


def test_absurd_ages_and_prices() -> None:
    """Whatever the API sends, there is a finite answer."""
    for age in (-1.0, math.nan, 1e300):
        for price in (0.0, 1e300):
            assert 0.0 <= CURVE.wait_unreported(age, price, 0.01) < math.inf
    assert CURVE.expected_undetected(5.0, 5.0, 0.5) == 0.0


def test_run_times_pass_the_doubt_on() -> None:
    """To the first wait, also while little is known, and to all others."""
    runs = learned()
    assert runs.wait(30.0, PRICE, 0.1) == runs.curve.wait_unreported(30.0, PRICE, 0.1)
    assert runs.wait(30.0, PRICE) == runs.curve.wait(30.0, PRICE)
    assert runs.wait_from_start(PRICE, 0.1) == runs.wait(0.0, PRICE, 0.1)
    assert runs.first_wait(PRICE, 3, 0.1) == pytest.approx(runs.wait(0.0, PRICE, 0.1), rel=1e-3)
