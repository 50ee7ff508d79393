"""How a figure is taken: two things side by side, in rounds that alternate, each in a fresh process.

A machine's pace changes from one second to the next. So speed is a ratio of two things that take
turns within one run, and what counts is the median over the rounds.
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
    """Something that a subject needs isn't here; the message says what. The others can go on."""


@attrs.frozen
class Row:
    """One figure, and the bound it is held to.

    Attributes:
        name: What was measured, as in the page's table: "status requests per second, 100 in flight".
        against: What it is compared to; "" if it is compared to nothing.
        ours: Our figure, the median of the rounds.
        theirs: The other's, the median too; None if there is no other.
        figure: What is judged: the ratio ours / theirs, or our figure as it is.
        unit: That of `figure`: "x" for a ratio, or "bytes", "s", "ms", "polls/s".
        target: The bound.
        at_least: Whether `figure` must be at least `target`; else it must be at most that.
        rounds: How many there were.
        spread: The least and the greatest figure of a round.
        quick_bound: The wide bound that CI holds a quick run to, on the same side as `target`;
            None if CI doesn't judge this row.
        series: What the page plots: all lines of all rows of a subject go into that subject's plot.
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

    Each goes first in every other round, so that neither profits from what the other leaves
    behind.

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
    """The row of a figure that is compared to nothing: the median of the rounds."""
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
    """Call a function of a module's top level in a fresh process, and return what it returns.

    The process is spawned, not forked: it holds nothing that this one has imported or allocated.
    An exception comes out here as itself.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as processes:
        return processes.submit(function, *args, **kwargs).result()
