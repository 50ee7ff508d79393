"""From counts to a curve: the likeliest shape, modified by the counts."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.fitting import estimate, fit
from legnext_stream._core.schedule.shapes import EDGES, LAST, SIGMAS, bin_of, shape_at
from tests.legnext_stream.core.schedule.learning import SLOWER


def counts(draws: list[float]) -> tuple[list[float], list[float]]:
    """Ends and mean numbers at risk of jobs that were all watched from start to end."""
    ends, at_risk = [0.0] * LAST, [0.0] * LAST
    for age in draws:
        last = bin_of(age)
        ends[last] += 1.0
        at_risk[last] += 0.5
        for i in range(last):
            at_risk[i] += 1.0
    return ends, at_risk


@pytest.mark.parametrize("begin", [(60, 4), (1, 0), (LAST - 1, len(SIGMAS) - 1)])
def test_the_likeliest_shape_is_found_from_anywhere(begin: tuple[int, int]) -> None:
    """Hill climbing from the middle and from the corners ends at the true shape."""
    rng = random.Random(11)
    ends, at_risk = counts([rng.lognormvariate(math.log(45), 0.25) for _ in range(500)])
    place, level = fit(ends, at_risk, *begin)
    assert EDGES[place] == pytest.approx(45, rel=0.05)
    assert SIGMAS[level] == pytest.approx(0.25, rel=0.4)


@SLOWER
@given(st.lists(st.floats(1, 3000), min_size=1, max_size=30), st.integers(1, LAST - 1))
def test_no_neighbour_is_likelier(draws: list[float], place: int) -> None:
    """Where the climb ends, no single step is likelier."""
    ends, at_risk = counts(draws)

    def score(place: int, level: int) -> float:
        tried = shape_at(place, level)
        return math.fsum(
            end * log - risk * gain
            for end, log, risk, gain in zip(
                ends, tried.logarithms, at_risk, tried.gains, strict=True
            )
        )

    place, level = fit(ends, at_risk, place, 4)
    best = score(place, level)
    for step in (-1, 1):
        if 1 <= place + step < LAST:
            assert score(place + step, level) <= best + 1e-6 * abs(best)
        if 0 <= level + step < len(SIGMAS):
            assert score(place, level + step) <= best + 1e-6 * abs(best)


def test_without_counts_the_shape_decides() -> None:
    """With nothing counted the curve is the fitted shape."""
    nothing = [0.0] * LAST
    assert fit(nothing, nothing, 60, 4) == (60, 4)
    curve, fitted = estimate(nothing, nothing, 60, 4), shape_at(60, 4)
    assert curve.gone[LAST] == pytest.approx(math.fsum(fitted.gains), rel=1e-6)
    assert curve.quantile(0.5) == pytest.approx(EDGES[60], rel=1e-6)


def test_many_counts_decide() -> None:
    """A bin with many counts shows its own rate, whatever shape was fitted."""
    ends, at_risk = [0.0] * LAST, [0.0] * LAST
    for i in range(40, 60):
        ends[i], at_risk[i] = 100.0, 1000.0
    curve = estimate(ends, at_risk, *fit(ends, at_risk, 60, 4))
    assert curve.gone[58] - curve.gone[42] == pytest.approx(16 * 0.1, rel=0.05)
