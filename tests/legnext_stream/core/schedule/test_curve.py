"""The tabulated distribution: its answers against the integrals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.curve import OLDEST, Curve, clamped
from legnext_stream._core.schedule.shapes import LAST, WIDTHS
from tests.legnext_stream.core.schedule.learning import SLOWER, ages, fed, looks, prices, wild


@SLOWER
@given(looks, ages, prices)
def test_wait_is_the_inverse_of_expected_undetected(
    observations: list[tuple[bool, float, float, float]], age: float, price: float
) -> None:
    """When the wait is over, the expected undetected time equals the price."""
    curve = fed(observations).curve
    wait = curve.wait(age, price)
    assert curve.expected_undetected(age, age + wait) == pytest.approx(price, rel=1e-6)


@SLOWER
@given(looks, ages, prices, st.floats(1.0, 10))
def test_a_dearer_request_is_never_sooner(
    observations: list[tuple[bool, float, float, float]], age: float, price: float, factor: float
) -> None:
    """The wait grows with the price, and the undetected time with the wait."""
    curve = fed(observations).curve
    assert curve.wait(age, price * factor) >= curve.wait(age, price) * (1 - 1e-9)
    sooner = curve.expected_undetected(age, age + price)
    assert curve.expected_undetected(age, age + price * factor) >= sooner - 1e-9


@SLOWER
@given(looks, ages, st.floats(0, 300))
def test_expected_undetected_is_its_integral(
    observations: list[tuple[bool, float, float, float]], since: float, length: float
) -> None:
    """It equals the mean of 1 - S(s)/S(since) over the interval times its length."""
    curve = fed(observations).curve
    steps = 4000
    total = math.fsum(
        -math.expm1(curve.hazard(since) - curve.hazard(since + length * (step + 0.5) / steps))
        for step in range(steps)
    )
    expected = total * length / steps
    undetected = curve.expected_undetected(since, since + length)
    assert undetected == pytest.approx(expected, rel=2e-3, abs=1e-6)


def test_a_constant_hazard_gives_the_classical_interval() -> None:
    """With a small price the wait is the square root of 2 price / hazard."""
    curve = Curve.of([0.01 * width for width in WIDTHS[:LAST]])
    assert curve.wait(100, 0.001) == pytest.approx(math.sqrt(2 * 0.001 / 0.01), rel=0.01)
    assert curve.mean_residual(0) == pytest.approx(100)
    assert curve.mean_residual(20_000) == pytest.approx(100)
    assert curve.expected_undetected(20_000, 20_100) == pytest.approx(100 * math.exp(-1))
    assert curve.quantile(0.5) == pytest.approx(100 * math.log(2))


@SLOWER
@given(looks, st.floats(0, 1), st.floats(0, 1))
def test_quantile_inverts_survival(
    observations: list[tuple[bool, float, float, float]], one: float, other: float
) -> None:
    """S(quantile(p)) is 1 - p, quantiles rise with p, and S falls with age."""
    curve = fed(observations).curve
    low, high = sorted((one, other))
    assert curve.quantile(low) <= curve.quantile(high)
    age = curve.quantile(low)
    if age < OLDEST:
        assert curve.survival(age) == pytest.approx(1 - low, abs=1e-9)
    assert curve.survival(OLDEST * low) >= curve.survival(OLDEST * high)


@SLOWER
@given(looks, ages)
def test_mean_residual_is_the_integral_of_survival(
    observations: list[tuple[bool, float, float, float]], age: float
) -> None:
    """Undetected time and remaining run time add up to the elapsed time."""
    curve = fed(observations).curve
    rest = curve.mean_residual(age)
    far = age + 1e6
    lived = far - age - curve.expected_undetected(age, far)
    if rest < 1e4:
        assert lived == pytest.approx(rest, rel=1e-3)
    assert 0 < rest <= OLDEST


@given(wild)
def test_ages_are_clamped(age: float) -> None:
    """Any number becomes an age within bounds; NaN becomes 0."""
    assert 0.0 <= clamped(age) <= OLDEST
    assert clamped(math.nan) == 0.0
