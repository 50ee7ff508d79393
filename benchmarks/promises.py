"""The required results: each row has a target and a measured figure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import attrs

from benchmarks.cases import OURS, PRICE, Case
from benchmarks.harness import Telling
from benchmarks.limited import LIMITED
from benchmarks.plan import Results
from benchmarks.summary import Mean
from benchmarks.worlds import AS_DESCRIBED, Change

FIVE: Final = "every 5 s"
_NEVER: Final = frozenset({"neglect", "lost"})
"""Figures that must not exceed the target with any seed: the maximum counts, not the mean."""


@attrs.frozen
class Promise:
    """One row: a target for a world, and what was measured.

    Attributes:
        world: The world, and how it differs from its description.
        what: The figure, in words.
        target: The bound.
        at_most: Whether it is an upper bound.
        measured: The figure's mean.
        percent: Whether it is shown in percent.
    """

    world: str
    what: str
    target: float
    at_most: bool
    measured: Mean
    percent: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the mean meets the target."""
        value = self.measured.value
        return value <= self.target if self.at_most else value >= self.target

    @property
    def bound(self) -> str:
        """The target as text: `≤ 3`."""
        return f"{'≤' if self.at_most else '≥'} {self._shown(self.target)}"

    @property
    def found(self) -> str:
        """What was measured, with its interval."""
        return shown(self.measured, percent=self.percent)

    def _shown(self, value: float) -> str:
        return f"{100 * value:g} %" if self.percent else f"{value:g}"


def shown(mean: Mean, *, percent: bool = False) -> str:
    """A mean with its 95 % interval, in significant digits."""
    factor = 100 if percent else 1
    value = factor * mean.value
    if math.isnan(value):
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 20 else 2
    text = f"{value:,.{digits}f}"
    either_way = factor * mean.either_way
    if either_way >= 0.5 * 10**-digits:  # otherwise it would be shown as ± 0
        text += f" ± {either_way:.{digits}f}"
    return text + " %" * percent


class _Look:
    """Looks figures up by world, for one change."""

    def __init__(self, results: Results, change: Change) -> None:
        self._results = results
        self._change = change

    def __call__(
        self, world: str, figure: str, *, policy: str = OURS, price: float = PRICE
    ) -> Mean | None:
        return self._results.get(Case(world, policy, price, self._change), {}).get(figure)


def promises(results: Results, change: Change = AS_DESCRIBED) -> list[Promise]:
    """All rows for which there is a result."""
    rows = [*_on_cost(results, change), *_on_limits(results, change)]
    name = _described(change)
    return [attrs.evolve(row, world=row.world + name) for row in rows]


def _described(change: Change) -> str:
    parts = [
        f"{name} {'× 3' if factor > 1 else '÷ 3'}"
        for name, factor in attrs.asdict(change).items()
        if factor != 1
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _on_cost(results: Results, change: Change) -> Iterator[Promise]:
    look = _Look(results, change)
    usual: tuple[tuple[str, str, str, float, float], ...] = (
        ("lone", "of_optimum", "cost / optimum", PRICE, 1.10),
        ("queue 1,000", "requests", "requests per job", PRICE, 12.0),
        ("queue 1,000", "of_rule", "cost / rule, all known", PRICE, 1.15),
        ("queue 1,000", "requests", "requests per job at price 0.35", 0.35, 7.5),
        ("queue 1,000", "delay", "delay at price 0.35, s", 0.35, 2.1),
        ("mixed", "of_rule", "cost / rule, all known", PRICE, 1.25),
        ("drift", "of_rule", "cost / rule, all known", PRICE, 1.25),
        ("tail", "of_rule", "cost / rule, all known", PRICE, 1.25),
        ("unfair", "neglect", "longest time without a poll of a running job, s", PRICE, 60.0),
        ("yesterday, no slots", "requests", "requests per job", PRICE, 1.3),
        ("yesterday, 12 slots", "requests", "requests per job", PRICE, 1.3),
        ("crush", "lost", "jobs lost", PRICE, 0.0),
    )
    # Requests and delays have targets only in the worlds as described. In changed worlds the
    # ratio to the optimum is what makes sense.
    is_changed = change != AS_DESCRIBED
    for world, figure, what, price, target in usual:
        measured = look(world, figure, price=price)
        if measured is not None and not (is_changed and figure in {"requests", "delay"}):
            if figure in _NEVER:
                measured = Mean(measured.most, math.nan, measured.seeds)
            yield Promise(world, what, target, at_most=True, measured=measured)
    short, long = look("queue 1,000", "requests"), look("queue 10,000", "requests")
    if short is not None and long is not None:
        what = "requests per job / those at 1,000"
        yield Promise("queue 10,000", what, 1.05, at_most=True, measured=_ratio(long, short))
    for figure, word in (("requests", "requests per job"), ("delay", "delay")):
        ours, theirs = look("unfair", figure), look("unfair", figure, policy=FIVE)
        if ours is not None and theirs is not None:
            what = f"{word}, relative to polling every 5 s"
            yield Promise("unfair", what, 1.0, at_most=True, measured=_ratio(ours, theirs))


def _on_limits(results: Results, change: Change) -> Iterator[Promise]:
    look = _Look(results, change)
    refused, used = look("crush", "refused"), look("crush", "used")
    if refused is not None and used is not None:
        yield Promise("crush", "429s", 0.02, at_most=True, measured=refused, percent=True)
        what = "use of the limit while requests were waiting"
        yield Promise("crush", what, 0.95, at_most=False, measured=used, percent=True)
    for world in LIMITED:
        for telling in Telling:
            refused = look(world, "refused", policy=telling.value)
            used = look(world, "used", policy=telling.value)
            late = look(world, "late", policy=telling.value)
            name = f"{world}; {telling.value}"
            if refused is None or used is None:
                continue
            most = 0.002 if telling is Telling.RATE_LIMIT else 0.02
            what = "429s after the first minute"
            yield Promise(name, what, most, at_most=True, measured=refused, percent=True)
            what = "use of the limit"
            yield Promise(name, what, 0.90, at_most=False, measured=used, percent=True)
            if late is not None:
                what = "time to 90 % of the limit after its rise, s"
                yield Promise(name, what, 30.0, at_most=True, measured=late)


def _ratio(one: Mean, other: Mean) -> Mean:
    """A ratio of means, its interval by adding the relative ones in quadrature."""
    ratio = one.value / other.value
    relative = math.hypot(one.either_way / one.value, other.either_way / other.value)
    return Mean(ratio, ratio * relative, min(one.seeds, other.seeds))
