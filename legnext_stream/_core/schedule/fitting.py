"""From counts of ends and exposures to a curve: fit a shape, and let the counts modify it.

The hazard of a bin is estimated as (its ends + k) / (its exposure + the exposure of k), where k is
what a few jobs distributed like the fitted shape would add: the posterior mean under a gamma prior.
Before that, the counts are divided by those expected from the shape and averaged with those of
neighbouring bins. So noise is shared, while a steep rise, which the shape describes, isn't flattened.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add, mul
from typing import Final

from legnext_stream._core.schedule.curve import Curve
from legnext_stream._core.schedule.shapes import LAST, SIGMAS, shape_at

# The costs that follow from these numbers hardly depend on them: none is worth tuning to two digits.
# How many jobs the fitted shape counts as. In a bin of its far tail it counts as this many at risk at
# least, lest a single job that hangs there decide what is expected of the next.
_SHAPE_JOBS: Final = 8.0
_SHAPE_LEAST: Final = 0.6
# How often the counts are averaged with their neighbours' (weights 1, 2, 1).
_SMOOTHINGS: Final = 3
# Bins above the last one with this many jobs at risk don't enter the likelihood.
_NEGLIGIBLE: Final = 1e-3


def estimate(ends: Sequence[float], at_risk: Sequence[float], place: int, level: int) -> Curve:
    """The curve that counts and a fitted shape make together.

    The counts are how many jobs ended in each bin but the last, and how many were in it on average
    over its width: exposure by width. The shape is that of `shape_at`.
    """
    fitted = shape_at(place, level)
    expected = _smooth(list(map(mul, at_risk, fitted.gains)))
    hazards = []
    for gain, share, counted, due in zip(
        fitted.gains, fitted.ends, _smooth(ends), expected, strict=True
    ):
        prior, least = _SHAPE_JOBS * share, _SHAPE_LEAST * gain
        if prior < least:
            prior = least
        hazards.append(gain * (counted + prior) / (due + prior))
    return Curve.of(hazards)


def fit(ends: Sequence[float], at_risk: Sequence[float], place: int, level: int) -> tuple[int, int]:
    """The likeliest shape for the counts, found by hill climbing from `place` and `level`.

    The log likelihood of a shape with gains `g` is the sum of `ends * log g` minus the sum of
    `at_risk * g` (piecewise exponential model: Friedman, Ann. Statist. 10, 1982).
    """
    top = next((i for i in range(LAST - 1, 0, -1) if at_risk[i] > _NEGLIGIBLE), 1) + 1
    ends, at_risk = ends[:top], at_risk[:top]
    scores: dict[tuple[int, int], float] = {}

    def score(candidate: tuple[int, int]) -> float:
        if candidate not in scores:
            tried = shape_at(*candidate)
            scores[candidate] = sum(map(mul, ends, tried.logarithms)) - sum(
                map(mul, at_risk, tried.gains)
            )
        return scores[candidate]

    best, moved = (place, level), True
    while moved:
        place, level = best
        around = [(place + step, level) for step in (-4, -1, 1, 4) if 1 <= place + step < LAST]
        around += [(place, level + s) for s in (-1, 1) if 0 <= level + s < len(SIGMAS)]
        found = max(around, key=score)
        moved = score(found) > score(best)
        best = found if moved else best
    return best


def _smooth(counts: Sequence[float]) -> Sequence[float]:
    for _ in range(_SMOOTHINGS):
        sums = list(map(add, [counts[0], *counts], [*counts, counts[-1]]))
        counts = list(map(add, sums, sums[1:]))
    # A power of two: scaling at the end gives the same numbers to the last bit.
    scale = 0.25**_SMOOTHINGS
    return [scale * count for count in counts]
