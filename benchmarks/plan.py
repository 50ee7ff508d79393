"""What is run: which policies in which worlds, with how many seeds."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

import attrs

from benchmarks.cases import (
    INTERVALS,
    OPTIMUM,
    OURS,
    PACED,
    PRICE,
    RULE,
    SHIPPED,
    VENDOR,
    Case,
    measure,
)
from benchmarks.harness import Telling
from benchmarks.limited import LIMITED
from benchmarks.summary import Figures, Mean, means
from benchmarks.worlds import AS_DESCRIBED, Change

PRICES: Final = (0.02, 0.05, 0.1, 0.2, 0.35, 0.7, 1.5, 3.0)
SIZES: Final = (0.1, 0.3, 3.0)
"""Batches of 100, 300 and 3,000 jobs, beside the 1,000 and 10,000 of the worlds."""
CLAIRVOYANT: Final = "a clairvoyant"
_FEW: Final = 5
_FEWEST: Final = 1


@attrs.frozen
class Batch:
    """Cases of one world that share their scenarios and seeds.

    Attributes:
        cases: The cases, all of the same world and change.
        seeds: How many seeds.
        work: About how long one seed takes, in seconds: the longest are started first.
    """

    cases: tuple[Case, ...]
    seeds: int
    work: float


def _batch(
    world: str,
    policies: Sequence[str],
    seeds: int,
    work: float,
    *,
    prices: Sequence[float] = (PRICE,),
    change: Change = AS_DESCRIBED,
) -> Batch:
    cases = (Case(world, policy, price, change) for price in prices for policy in policies)
    return Batch(tuple(cases), seeds, work)


def full(seeds: int) -> list[Batch]:
    """Everything. Cases that are only for comparison have fewer seeds."""
    counted = (RULE, OPTIMUM, *INTERVALS, CLAIRVOYANT)
    paced = tuple(name + PACED for name in INTERVALS)
    few, fewest = min(seeds, _FEW), min(seeds, _FEWEST)
    batches = [
        _batch("lone", (OURS, SHIPPED, *paced, *counted), seeds, 1),
        _batch("lone", (OURS, RULE, OPTIMUM), seeds, 2, prices=[p for p in PRICES if p != PRICE]),
        _batch("queue 1,000", (OURS, *counted), seeds, 1.5),
        _batch("queue 1,000", (OURS, RULE, OPTIMUM), seeds, 1, prices=(0.35,)),
        _batch("queue 1,000", (SHIPPED,), few, 1),
        _batch("queue 1,000", paced, fewest, 12),
        *(
            _batch("queue 1,000", (OURS, *INTERVALS), few, size, change=Change(jobs=size))
            for size in SIZES
        ),
        _batch("queue 10,000", (OURS, *counted), seeds, 12),
        _batch("crush", (OURS, VENDOR, *paced), seeds, 1.5),
        _batch("crush", tuple(INTERVALS), few, 2),
    ]
    for world, work in (("mixed", 1.0), ("drift", 1.5), ("tail", 1.0), ("unfair", 3.0)):
        batches.append(_batch(world, (OURS, *counted), seeds, work))
        batches.append(_batch(world, (SHIPPED,), few, work))
    for world in ("yesterday, no slots", "yesterday, 12 slots"):
        yesterday = (RULE, *INTERVALS, CLAIRVOYANT)
        batches.append(_batch(world, (OURS, *yesterday), seeds, 3))
        batches.append(_batch(world, (SHIPPED,), few, 5))
    batches.extend(_limited(seeds))
    return batches


def _limited(seeds: int, change: Change = AS_DESCRIBED) -> list[Batch]:
    return [
        _batch(world, (telling.value,), seeds, 3, change=change)
        for world, limited in LIMITED.items()
        for telling in Telling
        if limited.can_tell or telling is not Telling.RATE_LIMIT
    ]


def quick() -> list[Batch]:
    """Our policy alone, with few seeds, and with fewer jobs in large worlds."""
    seeds = 3
    return [
        _batch("lone", (OURS,), 6, 0.4, prices=(0.1, 1.5)),
        _batch("queue 1,000", (OURS,), seeds, 1),
        _batch("queue 1,000", (OURS,), seeds, 1, prices=(0.35,)),
        _batch("queue 10,000", (OURS,), 1, 4, change=Change(jobs=0.25)),
        *(_batch(world, (OURS,), seeds, 1) for world in ("crush", "mixed", "drift", "tail")),
        _batch("unfair", (OURS,), 1, 3),
        _batch("yesterday, no slots", (OURS,), 1, 2, change=Change(jobs=0.4)),
        _batch("yesterday, 12 slots", (OURS,), 1, 2, change=Change(jobs=0.4)),
        *_limited(1),
    ]


def perturbed(seeds: int) -> list[Batch]:
    """Our policy with median, sigma, slots and limits multiplied by 3 and by 1/3."""
    batches = []
    shapes = ("lone", "queue 1,000", "mixed", "drift", "tail", "unfair")
    for factor in (3.0, 1 / 3):
        for change in (Change(median=factor), Change(sigma=factor), Change(slots=factor)):
            for world in shapes:
                if world == "lone" and change.slots != 1:
                    continue
                batches.append(_perturbed(world, seeds, change))
            if change.slots == 1:
                batches.append(_perturbed("crush", seeds, change))
        batches.append(_perturbed("crush", seeds, Change(limit=factor)))
        batches.extend(_limited(min(seeds, 2), Change(limit=factor)))
    return batches


def _perturbed(world: str, seeds: int, change: Change) -> Batch:
    policies = (OURS, "every 5 s") if world == "unfair" else (OURS,)
    return _batch(world, policies, seeds, 1, change=change)


Results = dict[Case, dict[str, Mean]]
"""Each case's figures, as means over its seeds."""


def run_all(batches: Sequence[Batch], jobs: int, worlds: str = "") -> Results:
    """Run batches in `jobs` processes; only those whose world's name contains `worlds`."""
    tasks = [
        (batch, seed)
        for batch in sorted(batches, key=lambda batch: -batch.work)
        if worlds in batch.cases[0].world
        for seed in range(batch.seeds)
    ]
    runs: dict[Case, dict[int, Figures]] = {}
    spent: dict[str, float] = {}
    began = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(_timed, batch.cases, seed): (batch, seed) for batch, seed in tasks}
        for done, future in enumerate(as_completed(futures), start=1):
            batch, seed = futures[future]
            measured, seconds = future.result()
            world = batch.cases[0].world
            spent[world] = spent.get(world, 0.0) + seconds
            for case, figures in zip(batch.cases, measured, strict=True):
                runs.setdefault(case, {})[seed] = figures
            elapsed = time.monotonic() - began
            if done % 10 == 0 or done == len(tasks):
                line = f"{done} of {len(tasks)} runs, {elapsed:.0f} s"
                print(line, file=sys.stderr, flush=True)
    for world, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"{seconds:7.0f} s  {world}", file=sys.stderr)
    # In the order of seeds, so that rounding doesn't depend on which process was first.
    return {
        case: means(by_seed[seed] for seed in sorted(by_seed)) for case, by_seed in runs.items()
    }


def _timed(cases: Sequence[Case], seed: int) -> tuple[list[Figures], float]:
    began = time.monotonic()
    measured = measure(cases, seed)
    return measured, time.monotonic() - began
