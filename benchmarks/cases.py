"""One case: a policy in a world. Measured with one seed, it gives a dict of figures.

The figures, if they apply:

| name | is |
|---|---|
| `requests` | requests a job, refused ones included |
| `delay`, `p99` | seconds from a job's end (or the start of the watch, if later) until it is seen: mean, 99 % |
| `cost` | `requests` × the price + `delay`, seconds |
| `of_rule`, `of_optimum` | `cost` as a ratio to the rule's, or the optimum's, with everything known |
| `refused` | the share of requests answered 429 (in `limits`, after the first minute) |
| `lost` | jobs whose end was never reported |
| `used` | admitted requests as a share of what was permitted while any had to wait |
| `neglect` | the longest time that a running job was not polled, since its start or an answer, seconds |
| `requests_ended` | requests for each job that had ended before the watch began |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Final

import attrs

from benchmarks import oracles
from benchmarks.harness import ANSWER, Policy, Result, Telling, run
from benchmarks.limited import LIMITED, run_limited
from benchmarks.optimum import Known
from benchmarks.policies import (
    OPEN,
    Intervals,
    MeasuringPacer,
    Ours,
    VendorLoop,
    backoff,
    every,
)
from benchmarks.summary import Figures, quantile
from benchmarks.worlds import (
    AS_DESCRIBED,
    CRUSH_RATE,
    WORLDS,
    Change,
    Scenario,
    ended_at,
    started_at,
)
from legnext_stream._core.pacing import Pacing

# The price at which policies are compared, in seconds of delay.
PRICE: Final = 0.1
OURS: Final = "ours"
SHIPPED: Final = "ours, at most 50 requests a second"
RULE: Final = "the rule, all known"
OPTIMUM: Final = "the optimum, all known"
VENDOR: Final = "the vendor's SDK"
_LONGEST: Final = 3600.0
"""Seconds after which a run in `crush` is stopped. Jobs not seen to end by then are lost."""


@attrs.frozen
class Case:
    """A policy in a world.

    Attributes:
        world: One of `WORLDS` or of `LIMITED`.
        policy: One of the policies; in `LIMITED`, what the answers tell of the limit.
        price: What a request is worth, in seconds of delay.
        change: How the world differs from its description.
    """

    world: str
    policy: str
    price: float = PRICE
    change: Change = AS_DESCRIBED


def measure(cases: Sequence[Case], seed: int) -> list[Figures]:
    """The figures of each case, all of the same world and change, with one seed."""
    world, change = cases[0].world, cases[0].change
    if world in LIMITED:
        return [run_limited(world, Telling(case.policy), seed, change).figures for case in cases]
    scenario = WORLDS[world](seed, change)
    measured: list[Figures] = []
    for case in cases:
        if case.policy not in POLICIES:
            raise ValueError(f"no policy {case.policy!r}; there are {', '.join(POLICIES)}")
        figures = dict(POLICIES[case.policy](scenario, case, seed))
        figures["cost"] = cost = _cost(figures, case.price)
        if case.policy in {OURS, SHIPPED} and world != "crush":
            figures["of_rule"] = cost / _cost(_rule(scenario, case, seed), case.price)
            if scenario.begin_at == 0:
                # The optimum is computed for jobs that are watched from their start.
                figures["of_optimum"] = cost / _cost(_optimum(scenario, case, seed), case.price)
        measured.append(figures)
    return measured


def _cost(figures: Figures, price: float) -> float:
    return figures["requests"] * price + figures["delay"]


def _counted(counted: oracles.Counted) -> dict[str, float]:
    return {
        "requests": sum(counted.requests) / len(counted.requests),
        "delay": sum(counted.delays) / len(counted.delays),
        "p99": quantile(counted.delays, 0.99),
    }


def _ours(scenario: Scenario, case: Case, _seed: int, pacing: Pacing) -> dict[str, float]:
    policy = Ours(attrs.evolve(pacing, poll_cost=case.price))
    result, figures = _simulated(scenario, case, policy)
    if case.world == "unfair":
        figures["neglect"] = _neglect(scenario, result)
    if scenario.begin_at > 0:
        figures["requests_ended"] = _about_ended(scenario, result)
    return figures


def _ours_open(scenario: Scenario, case: Case, seed: int) -> dict[str, float]:
    """Without a limit in the world, the settings have none either."""
    return _ours(scenario, case, seed, Pacing() if case.world == "crush" else OPEN)


def _simulated(scenario: Scenario, case: Case, policy: Policy) -> tuple[Result, dict[str, float]]:
    is_crush = case.world == "crush"
    result = run(
        policy,
        scenario.world,
        scenario.job_ids,
        begin_at=scenario.begin_at,
        until=scenario.begin_at + _LONGEST if is_crush else float("inf"),
        limit=scenario.limit,
    )
    requests = len(result.sent)
    figures = {
        "requests": requests / result.jobs,
        "delay": sum(result.delays.values()) / max(1, len(result.delays)),
        "p99": quantile(list(result.delays.values()), 0.99),
    }
    if is_crush:
        refused = sum(sent.refused for sent in result.sent)
        figures |= {"refused": refused / requests, "lost": float(result.lost)}
        pacer = getattr(policy, "pacer", None)
        if isinstance(pacer, MeasuringPacer):
            rate = CRUSH_RATE * case.change.limit
            first, last = pacer.held
            admitted = sum(not sent.refused and first <= sent.at <= last for sent in result.sent)
            figures["used"] = admitted / max(rate * (last - first), 1.0)
    return result, figures


def _neglect(scenario: Scenario, result: Result) -> float:
    """The longest time from a job's start, or from an answer about it, to the next request, seconds."""
    world = scenario.world
    starts = {job_id: started_at(world, job_id) for job_id in scenario.job_ids}
    longest = 0.0
    asked = dict(starts)
    for sent in result.sent:
        if sent.at > starts[sent.job_id]:
            longest = max(longest, sent.at - asked[sent.job_id])
            asked[sent.job_id] = sent.at + ANSWER
    return longest


def _about_ended(scenario: Scenario, result: Result) -> float:
    asked = Counter(sent.job_id for sent in result.sent)
    ended = [
        job_id
        for job_id in scenario.job_ids
        if ended_at(scenario.world, job_id) <= scenario.begin_at
    ]
    return sum(asked[job_id] for job_id in ended) / len(ended)


def _by_intervals(
    scenario: Scenario,
    case: Case,
    seed: int,
    *,
    seconds: float | None,
    pacing: Pacing | None,
) -> dict[str, float]:
    """A fixed interval, or None for the growing one; computed without a simulation if possible."""
    if pacing is None and case.world != "crush":
        if seconds is None:
            return _counted(oracles.growing(scenario, backoff()))
        return _counted(oracles.every(scenario, seconds))
    interval = backoff() if seconds is None else every(seconds)
    policy = Intervals(interval, Random(f"phases {seed}"), pacing)
    return _simulated(scenario, case, policy)[1]


_tables: dict[tuple[str, Change], dict[str, Known]] = {}


def _known(scenario: Scenario, case: Case) -> dict[str, Known]:
    """The tables of this world's distributions, which are the same for all seeds."""
    key = (case.world, case.change)
    if key not in _tables:
        _tables[key] = oracles.tables(scenario)
    return _tables[key]


def _rule(scenario: Scenario, case: Case, _seed: int) -> dict[str, float]:
    return _counted(oracles.rule(scenario, _known(scenario, case), case.price))


def _optimum(scenario: Scenario, case: Case, _seed: int) -> dict[str, float]:
    return _counted(oracles.optimum(scenario, _known(scenario, case), case.price))


def _clairvoyant(scenario: Scenario, _case: Case, _seed: int) -> dict[str, float]:
    return _counted(oracles.clairvoyant(scenario))


def _vendor(scenario: Scenario, case: Case, seed: int) -> dict[str, float]:
    return _simulated(scenario, case, VendorLoop(Random(f"tasks {seed}")))[1]


INTERVALS: Final[Mapping[str, float | None]] = {
    "every 3 s": 3.0,
    "every 5 s": 5.0,
    "×1.5 backoff, cap 10 s": None,
}
PACED: Final = ", our limiter"
POLICIES: Final[Mapping[str, Callable[[Scenario, Case, int], dict[str, float]]]] = {
    OURS: _ours_open,
    SHIPPED: partial(_ours, pacing=Pacing()),
    RULE: _rule,
    OPTIMUM: _optimum,
    "a clairvoyant": _clairvoyant,
    VENDOR: _vendor,
    **{
        name + ending: partial(_by_intervals, seconds=seconds, pacing=pacing)
        for name, seconds in INTERVALS.items()
        for ending, pacing in (("", None), (PACED, Pacing()))
    },
}
