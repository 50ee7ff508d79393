"""What a batch of prompts would cost, and how long it would take, without submitting any of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from json import dumps
from typing import Any, Final

import attrs

from legnext_stream._cli.words import counted
from legnext_stream._core.model.prices import price_of
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._requests import Balance

USUAL_SLOTS: Final = 6
"""How many jobs a standard account runs at once."""


@attrs.frozen
class Part:
    """The prompts of a batch that have the same task type and the same price."""

    task_type: str
    prompts: int
    each: float  # the estimated price, in points
    is_guess: bool  # whether no price of this task was ever seen

    @property
    def points(self) -> float:
        """The estimated cost of all of them, in points."""
        return self.prompts * self.each


@attrs.frozen(kw_only=True)
class Plan:
    """A batch to come. All its figures but the number of prompts are estimates."""

    parts: Sequence[Part]
    at_once: int  # how many jobs run at the same time
    seconds: tuple[float, float]  # how long it takes, between these

    @property
    def prompts(self) -> int:
        """How many prompts it has."""
        return sum(part.prompts for part in self.parts)

    @property
    def points(self) -> float:
        """What it costs, in points."""
        return sum(part.points for part in self.parts)


def plan_of(prompts: Sequence[Prompt[Any]], durations: Durations, at_once: int | None) -> Plan:
    """Plan a batch, by the run times of its tasks; without `at_once`, for a standard account."""
    slots = at_once or USUAL_SLOTS
    counts: dict[tuple[str, float, bool], int] = {}
    for prompt in prompts:
        price = price_of(prompt)
        kind = str(prompt.task_type), price.points, price.is_guess
        counts[kind] = counts.get(kind, 0) + 1
    parts = [Part(name, count, each, guess) for (name, each, guess), count in counts.items()]
    return Plan(
        parts=parts,
        at_once=slots,
        # Half of the jobs run between these.
        seconds=(_time(parts, durations, slots, 0.25), _time(parts, durations, slots, 0.75)),
    )


def _time(parts: Sequence[Part], durations: Durations, slots: int, share: float) -> float:
    """How long the jobs take, each as long as this share of its type at most."""
    times = [(part.prompts, durations.of(part.task_type).curve.quantile(share)) for part in parts]
    longest = max((each for _, each in times), default=0.0)
    # No order of jobs on that many machines takes longer (Graham, "Bounds for certain multiprocessing
    # anomalies", Bell System Technical Journal 45, 1966).
    return sum(count * each for count, each in times) / slots + (1 - 1 / slots) * longest


def lines(plan: Plan, balance: Balance | None) -> Iterator[str]:
    """The plan in words; the balance is None if it isn't known."""
    yield f"{counted(plan.prompts, 'prompt')}, none submitted"
    for part in plan.parts:
        guess = " (a guess)" if part.is_guess else ""
        yield f"  {part.prompts:>9,}  {part.task_type}, {part.each:,.10g} points each{guess}"
    yield f"cost     about {plan.points:,.10g} points, an estimate: the API publishes no prices"
    if balance is not None:
        verdict = "enough" if is_enough(plan, balance) else "not enough"
        yield (
            f"balance  {_left(balance):,.10g}: {balance.available_points:,.10g} points and "
            f"{balance.available_credits:,.10g} credits; {verdict}"
        )
    low, high = map(_about, plan.seconds)
    jobs = "job runs" if plan.at_once == 1 else "jobs run"
    yield f"time     about {low} to {high}, an estimate, if {plan.at_once:,} {jobs} at once"


def _about(seconds: float) -> str:
    """An estimated duration, in no more digits than an estimate has: `46 s`, `12 min`, `3.4 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def as_json(plan: Plan, balance: Balance | None) -> str:
    """The plan on one line of JSON."""
    data: Mapping[str, object] = {
        "prompts": plan.prompts,
        "tasks": [attrs.asdict(part) | {"points": part.points} for part in plan.parts],
        "estimated_points": plan.points,
        "balance": None
        if balance is None
        else attrs.asdict(balance, filter=attrs.filters.exclude("raw")),
        "is_enough": None if balance is None else is_enough(plan, balance),
        "at_once": plan.at_once,
        "estimated_seconds": plan.seconds,
    }
    return dumps(data)


def is_enough(plan: Plan, balance: Balance) -> bool:
    """Whether the account can pay for the batch."""
    return plan.points <= _left(balance)


def _left(balance: Balance) -> float:
    # Both buy jobs, and each is worth a thousandth of a dollar: the balance in dollars is their sum.
    return balance.available_points + balance.available_credits
