"""Policies whose requests can be computed without a simulation, in a world without a limit.

The "all known" policies poll at ages, in seconds since a job's true start. A job that ends at age x is
found at the first age that is not below x. Answers take their usual time, so the least delay isn't 0.

A fixed interval d polls a job from the start of the watch to the job's end, T seconds later, at times
φ, φ + d, φ + 2d, … with φ uniform between 0 and d. The expectation is T / d + 1 requests (including
the one that finds the end) and a delay of d / 2; 99 % of the delays are within 0.99 d.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate

import attrs

from benchmarks.harness import ANSWER
from benchmarks.optimum import Known
from benchmarks.policies import Interval
from benchmarks.worlds import Scenario, ended_at, started_at

_PHASES = 10  # the phases over which a growing interval is averaged


@attrs.define
class Counted:
    """The computed result of a policy.

    Attributes:
        requests: For each job.
        delays: Of each job, seconds (several for a job if several phases were computed).
    """

    requests: list[float] = attrs.field(factory=list)
    delays: list[float] = attrs.field(factory=list)


Plan = Callable[[Known], Sequence[float]]
"""The ages at which a job of a known kind is polled."""


def tables(scenario: Scenario) -> dict[str, Known]:
    """The known run times of each kind, on a grid fine enough for each."""
    return {kind: Known.of(survival) for kind, survival in scenario.survivals.items()}


def rule(scenario: Scenario, known: dict[str, Known], price: float) -> Counted:
    """The price rule with everything known: each job's distribution, and its true start."""
    return _by_age(scenario, known, lambda table: table.rule(price, least=table.step), price)


def optimum(scenario: Scenario, known: dict[str, Known], price: float) -> Counted:
    """The least possible cost with everything known, by dynamic programming."""
    return _by_age(scenario, known, lambda table: table.optimum(price, least=table.step), price)


def _by_age(scenario: Scenario, known: dict[str, Known], plan: Plan, price: float) -> Counted:
    counted = Counted()
    plans = {kind: plan(table) for kind, table in known.items()}
    begin = scenario.begin_at
    for job_id, kind in zip(scenario.job_ids, scenario.kinds, strict=True):
        start = started_at(scenario.world, job_id)
        end = ended_at(scenario.world, job_id)
        ages: Sequence[float] = plans[kind]
        if start < begin:
            ages = _from(known[kind], price, begin - start)
        ran = end - start
        place = bisect_left(ages, ran)
        if place < len(ages):
            asks, age = place + 1, ages[place]
        else:
            # Beyond the table the last interval repeats.
            last = ages[-1] - ages[-2] if len(ages) > 1 else 1.0
            more = int((ran - ages[-1]) / last) + 1
            asks, age = len(ages) + more, ages[-1] + more * last
        counted.requests.append(asks)
        counted.delays.append(start + age - max(end, begin) + ANSWER)
    return counted


def _from(table: Known, price: float, age: float) -> Sequence[float]:
    """The rule's ages for a job that began before the watch, and is `age` seconds old now."""
    if table.undetected(age) < price:
        return table.rule(price, least=table.step)
    return [age, *table.rule(price, least=table.step, since=age)]


def clairvoyant(scenario: Scenario) -> Counted:
    """One request a job, at its end."""
    jobs = len(scenario.job_ids)
    return Counted([1.0] * jobs, [ANSWER] * jobs)


def every(scenario: Scenario, seconds: float) -> Counted:
    """A fixed interval; the delays are the quantiles of their even spread."""
    counted = Counted()
    for job_id in scenario.job_ids:
        watched = max(ended_at(scenario.world, job_id) - scenario.begin_at, 0.0)
        counted.requests.append(watched / seconds + 1.0)
    counted.delays = [seconds * (i + 0.5) / 1000 + ANSWER for i in range(1000)]
    return counted


def growing(scenario: Scenario, interval: Interval) -> Counted:
    """An interval that changes with the number of requests, averaged over phases."""
    counted = Counted()
    watched = [
        max(ended_at(scenario.world, job_id) - scenario.begin_at, 0.0)
        for job_id in scenario.job_ids
    ]
    asked = _asked_at(interval, max(watched))
    first = interval(0)
    for seconds in watched:
        requests = 0
        for i in range(_PHASES):
            phase = first * (i + 0.5) / _PHASES
            place = bisect_left(asked, seconds - phase)
            requests += place + 1
            counted.delays.append(phase + asked[place] - seconds + ANSWER)
        counted.requests.append(requests / _PHASES)
    return counted


def _asked_at(interval: Interval, until: float) -> Sequence[float]:
    """When a job is polled, in seconds since its first request."""
    steps = [0.0]
    total, n = 0.0, 0
    while total < until:
        n += 1
        steps.append(interval(n))
        total += steps[-1]
    return list(accumulate(steps))
