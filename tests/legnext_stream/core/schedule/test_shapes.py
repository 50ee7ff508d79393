"""The grid of ages, and the shapes on it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.curve import OLDEST
from legnext_stream._core.schedule.shapes import (
    BINS,
    EDGES,
    LAST,
    SIGMAS,
    bin_of,
    nearest_sigma,
    shape,
    shape_at,
)


def test_bins_double_every_ten() -> None:
    """Edges rise, ten to the octave, and every age has one bin."""
    assert list(EDGES) == sorted(set(EDGES))
    assert EDGES[bin_of(32.0)] == pytest.approx(32.0)
    assert bin_of(64.0) - bin_of(32.0) == 10
    assert bin_of(0.0) == 0
    assert bin_of(OLDEST) == LAST == BINS - 1


@given(st.floats(1, 1000), st.sampled_from(SIGMAS))
def test_a_shape_is_a_distribution_with_its_median(median: float, sigma: float) -> None:
    """Its shares sum to one less the last bin's, and half of them lie below the median."""
    made = shape(median, sigma)
    assert math.fsum(made.ends) == pytest.approx(1 - math.exp(-math.fsum(made.gains)), rel=1e-6)
    below = math.exp(-math.fsum(made.gains[: bin_of(median)]))
    upto = math.exp(-math.fsum(made.gains[: bin_of(median) + 1]))
    assert upto <= 0.5 + 1e-9
    assert below >= 0.5 - 1e-9
    assert shape_at(40, 3) is shape_at(40, 3)


def test_a_hanging_job_is_polled_more_and_more_rarely() -> None:
    """Far beyond the median the hazard falls as 1/age."""
    made = shape(45.0, 0.25)
    rates = [
        made.gains[bin_of(age)] / (EDGES[bin_of(age) + 1] - EDGES[bin_of(age)])
        for age in (400.0, 800.0, 1600.0, 3200.0)
    ]
    for early, late in pairwise(rates):
        assert late == pytest.approx(early / 2, rel=0.15)


def test_the_nearest_sigma() -> None:
    """Sigmas are compared by ratio."""
    for level, sigma in enumerate(SIGMAS):
        assert nearest_sigma(sigma * 1.15) == level
        assert nearest_sigma(sigma / 1.15) == level
    assert nearest_sigma(1e-9) == 0
    assert nearest_sigma(1e9) == len(SIGMAS) - 1
