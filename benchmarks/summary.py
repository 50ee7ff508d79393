"""Means over seeds, with their confidence intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

# The 97.5 % quantile of Student's t by degrees of freedom, 1 to 30; beyond, the normal's is close.
_T: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip

Figures = Mapping[str, float]
"""What one run measured, by name."""


@attrs.frozen
class Mean:
    """A mean over seeds with its 95 % interval.

    Attributes:
        value: The mean.
        either_way: Half the interval; NaN for a single seed.
        seeds: How many there were.
        most: The maximum over the seeds.
    """

    value: float
    either_way: float
    seeds: int
    most: float = math.nan

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of one value a seed, at least one."""
        count = len(values)
        mean = statistics.fmean(values)
        if count < 2 or not math.isfinite(mean):
            return cls(mean, math.nan, count, max(values))
        freedom = count - 1
        t = _T[freedom - 1] if freedom <= len(_T) else 1.96 + 2.4 / freedom
        return cls(mean, t * statistics.stdev(values) / math.sqrt(count), count, max(values))


def means(runs: Iterable[Figures]) -> dict[str, Mean]:
    """The mean of each figure over the runs that have it."""
    values: dict[str, list[float]] = {}
    for figures in runs:
        for name, value in figures.items():
            values.setdefault(name, []).append(value)
    return {name: Mean.of(each) for name, each in values.items()}


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share (0 to 1) of the values doesn't exceed; NaN if there are none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)]
