"""How a figure is measured: two things in alternating rounds, each in a fresh process.

The speed of a machine changes from one second to the next. So a figure of speed is the ratio of two
things that take turns within one run, and the median over the rounds counts.
"""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

import attrs

_P = ParamSpec("_P")
_T = TypeVar("_T")

Series = Mapping[str, Sequence[tuple[float, float]]]
"""Points of a plot, by the name of their line."""


class CannotMeasureError(Exception):
    """Something that a subject needs is missing; the message says what. Other subjects can run."""


@attrs.frozen
class Row:
    """One figure and its bound.

    Attributes:
        name: What was measured, as in the page's table: "status requests per second, 100 in flight".
        against: What it is compared with; "" for nothing.
        ours: Our figure, the median of the rounds.
        theirs: The other's figure, likewise; None if there is no other.
        figure: The figure that the bound is for: the ratio ours / theirs, or our figure itself.
        unit: The unit of `figure`: "x" for a ratio, or "bytes", "s", "ms", "polls/s".
        target: The bound.
        at_least: Whether `figure` must be at least `target`; else it must be at most that.
        rounds: How many there were.
        spread: The minimum and maximum over the rounds.
        quick_bound: The wider bound of a quick run in CI, on the same side as `target`; None if CI
            doesn't check this row.
        series: Lines for the page: those of all rows of a subject share a plot.
    """

    name: str
    against: str
    ours: float
    theirs: float | None
    figure: float
    unit: str
    target: float
    at_least: bool
    rounds: int
    spread: tuple[float, float]
    quick_bound: float | None = None
    series: Series = attrs.field(factory=dict[str, Sequence[tuple[float, float]]])

    @property
    def is_met(self) -> bool:
        """Whether the figure is within its target."""
        return self._is_within(self.target)

    @property
    def is_within_quick_bound(self) -> bool:
        """Whether the figure is within the wide bound, or has none."""
        return self.quick_bound is None or self._is_within(self.quick_bound)

    def _is_within(self, bound: float) -> bool:
        return self.figure >= bound if self.at_least else self.figure <= bound


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int
) -> list[tuple[float, float]]:
    """Measure two things in turns: once each to warm up, then A B, B A, A B and so on.

    Each goes first in every other round, so that neither has an advantage.

    Returns:
        One pair of figures (ours, theirs) a round.
    """
    ours()
    theirs()
    pairs = []
    for number in range(rounds):
        if number % 2:
            other = theirs()
            own = ours()
        else:
            own = ours()
            other = theirs()
        pairs.append((own, other))
    return pairs


def ratio_row(
    name: str,
    against: str,
    pairs: Sequence[tuple[float, float]],
    *,
    target: float,
    at_least: bool,
    quick_bound: float | None = None,
    series: Series | None = None,
) -> Row:
    """The row of a comparison: its figure is the median of the rounds' ratios ours / theirs."""
    ratios = [own / other for own, other in pairs]
    return Row(
        name=name,
        against=against,
        ours=statistics.median(own for own, _ in pairs),
        theirs=statistics.median(other for _, other in pairs),
        figure=statistics.median(ratios),
        unit="x",
        target=target,
        at_least=at_least,
        rounds=len(pairs),
        spread=(min(ratios), max(ratios)),
        quick_bound=quick_bound,
        series=series or {},
    )


def figure_row(
    name: str,
    figures: Sequence[float],
    *,
    unit: str,
    target: float,
    at_least: bool,
    quick_bound: float | None = None,
    series: Series | None = None,
) -> Row:
    """The row of a figure without comparison: the median of the rounds."""
    median = statistics.median(figures)
    return Row(
        name=name,
        against="",
        ours=median,
        theirs=None,
        figure=median,
        unit=unit,
        target=target,
        at_least=at_least,
        rounds=len(figures),
        spread=(min(figures), max(figures)),
        quick_bound=quick_bound,
        series=series or {},
    )


def child(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call a module-level function in a fresh process, and return its result.

    The process is spawned, not forked, so it shares nothing that this one has imported or allocated.
    An exception is raised here as it was.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as processes:
        return processes.submit(function, *args, **kwargs).result()
