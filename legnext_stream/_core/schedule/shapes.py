"""The grid of job ages, and the family of run-time distributions that are fitted on it.

Ages are divided into bins, ten to an octave from 1 second to 8192 seconds, with one bin below and
one without end above: fine where jobs end fast, coarse where they end slowly. A doubling of all run
times is a shift by ten bins.

A shape is a lognormal distribution with a given median and sigma, of which a small share is spread
far more widely (log-logistic, same median). That share stands for what no published range tells:
jobs that fail at once, and jobs that hang. Above all it makes the interval between the polls of a
hanging job grow. The hazard of a pure lognormal hardly falls, so such a job would be polled at full
speed for ever; the log-logistic hazard falls as 1/age, and the interval grows with the age.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import cache, partial
from itertools import pairwise
from typing import Final

import msgspec

PER_OCTAVE: Final = 10
OCTAVES: Final = 13
EDGES: Final[tuple[float, ...]] = (
    0.0,
    *(2.0 ** (i / PER_OCTAVE) for i in range(OCTAVES * PER_OCTAVE + 1)),
)
"""Where bins begin, in seconds. The last one has no end."""
BINS: Final = len(EDGES)
LAST: Final = BINS - 1
WIDTHS: Final[tuple[float, ...]] = (
    *(high - low for low, high in pairwise(EDGES)),
    math.inf,
)
"""Widths of the bins, in seconds; inf for the last."""

SIGMAS: Final[tuple[float, ...]] = tuple(0.05 * 1.4**i for i in range(11))
"""The sigmas that are tried in a fit. The cost of polling hardly depends on them: these are enough."""

# A twentieth of all jobs is taken to be odd, until data tell better. With this exponent one odd job
# in three ends before half the median, and one in three after twice the median.
_ODD_SHARE: Final = 0.05
_ODD_EXPONENT: Final = 1.0
# The tail of the lognormal part is at least as long as a Pareto tail with this exponent: half of the
# jobs run a fourteenth longer.
_STEEPEST: Final = 10.0
# The least gain of a bin, so that the likelihood of an end in it is finite.
_LEAST_GAIN: Final = 1e-12


bin_of: Final = partial(bisect_right, EDGES[1:])
"""The index of the bin that holds an age, in seconds. A partial: it is called ten times a poll."""


def _cumulative(log_ratio: float, sigma: float) -> float:
    """The cumulative hazard, `-log S`, of a shape at the age `median * exp(log_ratio)`."""
    bell = 0.5 * math.erfc(log_ratio / (sigma * math.sqrt(2.0)))
    odd = 1.0 / (1.0 + math.exp(_ODD_EXPONENT * log_ratio))
    return -math.log((1.0 - _ODD_SHARE) * bell + _ODD_SHARE * odd)


class Shape(msgspec.Struct, frozen=True, eq=False):
    """One distribution of the family, on the bins of the grid except the last."""

    gains: tuple[float, ...]  # the cumulative hazard gained in each bin
    logarithms: tuple[float, ...]  # their logarithms, for the likelihood
    ends: tuple[float, ...]  # the share of jobs that end in each bin


def shape(median: float, sigma: float) -> Shape:
    """The shape with `median` (seconds) and `sigma` (of the logarithm of the run time)."""
    at_edges = [0.0, *(_cumulative(math.log(edge / median), sigma) for edge in EDGES[1:])]
    gains = tuple(max(high - low, _LEAST_GAIN) for low, high in pairwise(at_edges))
    ends = tuple(math.exp(-low) - math.exp(-high) for low, high in pairwise(at_edges))
    return Shape(gains, tuple(map(math.log, gains)), ends)


@cache
def bell_at(place: int, level: int) -> tuple[float, ...]:
    """The gains of `shape_at` without odd jobs, at most `_STEEPEST` times the log ratio of ages.

    So a job that has run far longer than any other isn't expected to end at once: that it runs a
    tenth longer is likely.
    """
    gains, at_edge = [], 0.0
    for low, high in pairwise(EDGES):
        most = _STEEPEST * math.log(high / low) if low > 0.0 else math.inf
        share = 0.5 * math.erfc(math.log(high / EDGES[place]) / (SIGMAS[level] * math.sqrt(2.0)))
        below, at_edge = at_edge, -math.log(share) if share > 0.0 else math.inf
        gains.append(min(at_edge - below, most) if below < math.inf else most)
    return tuple(gains)


@cache
def shape_at(place: int, level: int) -> Shape:
    """The shape whose median is `EDGES[place]` and whose sigma is `SIGMAS[level]`."""
    return shape(EDGES[place], SIGMAS[level])


def nearest_sigma(sigma: float) -> int:
    """The index of the sigma in `SIGMAS` that is nearest in ratio."""
    return min(range(len(SIGMAS)), key=lambda level: abs(math.log(SIGMAS[level] / sigma)))
