"""The cost of a world with very many jobs: bytes a job, adds and status reads a second.

python -m benchmarks.scale
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import attrs

from mockserver import Fixed, World

_HELP: Final = """\
Fill a mock server's world with jobs, let them run, and read their statuses.

Each figure comes from its own process. The size of a job is the memory of the process minus that before
the first job:

added     All jobs have been added and wait; none has started.
ended     All have ended. Nothing is forgotten, so that the truth can be read at any time.
counted   The same, in a world whose number of jobs by status was read all along.

resident  Resident memory, if the operating system reports it (Linux).
traced    What Python has allocated and not freed, by tracemalloc. Tracing takes time, so the times
          come from runs without it.
"""
_SLOTS: Final = 1000
_RUN: Final = Fixed(45)
_READS: Final = 200_000


@attrs.frozen
class Weight:
    """What one process measured.

    Attributes:
        added: Bytes a job while all wait.
        ended: Bytes a job when all have ended.
        adds: Jobs added a second.
        runs: Jobs simulated from pending to their end a second.
        statuses: `World.status` calls a second.
        views: `World.job` calls a second, as the route of a status request makes them.
    """

    added: float
    ended: float
    adds: float
    runs: float
    statuses: float
    views: float


def _resident() -> int:
    """Resident memory in bytes; 0 if the operating system doesn't say."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _traced() -> int:
    return tracemalloc.get_traced_memory()[0]


def _a_second(n: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return n / (time.perf_counter() - began)


def weigh(jobs: int, *, traced: bool = False, counted: bool = False) -> Weight:
    """Fill a world with `jobs` jobs, and measure it in this process."""
    if traced:
        tracemalloc.start()
    held = _traced if traced else _resident
    gc.collect()
    before = held()
    world = World(slots=_SLOTS, run_times=_RUN)
    if counted:
        world.counts(0.0)
    adds = _a_second(jobs, lambda: world.add_jobs(jobs, at=0.0))
    if counted:
        world.counts(0.0)
    gc.collect()
    added = held() - before
    # In steps, as requests to a server: each processes what has happened since the one before.
    end = (jobs / _SLOTS + 1) * (_RUN.seconds + 0.5) + 0.5
    steps = [end * number / 100 for number in range(1, 101)]
    look = world.counts if counted else world.advance
    runs = _a_second(jobs, lambda: [look(t) for t in steps])
    gc.collect()
    ended = held() - before
    ids = list(world.job_ids())
    every = max(1, jobs // _READS)
    asked = (ids[::every] * (_READS // len(ids[::every]) + 1))[:_READS]
    statuses = _a_second(_READS, lambda: [world.status(job_id, end) for job_id in asked])
    views = _a_second(_READS, lambda: [world.job(job_id, end) for job_id in asked])
    return Weight(added / jobs, ended / jobs, adds, runs, statuses, views)


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=1_000_000, help="default 1,000,000")
    parser.add_argument("--json", action="store_true", help="all figures, as JSON")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    figures: dict[str, Weight] = {}
    # One after the other, each in its own process, so that they share neither time nor memory.
    for name, traced, counted in (
        ("resident", False, False),
        ("resident, counted", False, True),
        ("traced", True, False),
    ):
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            weight = pool.submit(weigh, args.jobs, traced=traced, counted=counted).result()
        figures[name] = weight
    if args.json:
        rows = {name: attrs.asdict(weight) for name, weight in figures.items()}
        print(json.dumps({"jobs": args.jobs, **rows}, indent=2))
        return 0
    print(f"{args.jobs:,} jobs, {_SLOTS} slots\n")
    print(f"{'bytes a job':<20}{'added':>8}{'ended':>8}")
    for name, weight in figures.items():
        print(f"{name:<20}{weight.added:>8,.0f}{weight.ended:>8,.0f}")
    print(f"\n{'a second':<20}{'adds':>10}{'runs':>10}{'statuses':>12}{'views':>10}")
    for name, weight in figures.items():
        if name != "traced":
            rates = (weight.adds, weight.runs, weight.statuses, weight.views)
            print("{:<20}{:>10,.0f}{:>10,.0f}{:>12,.0f}{:>10,.0f}".format(name, *rates))
    return 0


if __name__ == "__main__":
    sys.exit(main())
