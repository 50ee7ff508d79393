"""Bytes a watched job: what `watch` holds of jobs that have not ended, however many there are.

python -m benchmarks.memory
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import attrs
import httpx

from legnext_stream import LegnextClient, Pacing
from mockserver import MockLegnext, Script, run_virtual

_HELP = """\
Watch jobs that never end, in virtual time, until each has been polled, and weigh what is held.

The mock server's own memory has no place in the figure. So every figure is a difference between two
processes with the same world and as many requests: one in which they are asked for by a watch, and
one in which a bare httpx client asks once for every job and forgets the answer. The ids themselves
belong to whoever gave them, and are in both.

resident  What the operating system counts, where it tells (Linux): the cost in earnest.
traced    What Python has allocated and not freed, by tracemalloc, in processes of its own, as the
          tracing takes memory too. It is also told by whose code it was allocated: that of the core
          is the tracker alone, but for the times that Trio's clock made and the tracker keeps,
          which stand under trio.
"""
_EPILOG = """\
for example:
  python -m benchmarks.memory
      100,000 jobs; takes a quarter of an hour of processor time, on two processors at once.
  python -m benchmarks.memory --jobs 10000
      A quick look. What a watch needs whatever the number of jobs weighs more here.
  python -m benchmarks.memory --json > memory.json
      All figures, to compare with another day's.
"""
_HELD = Script([("processing", None)])
# So that each job is polled once and the run is over soon: in virtual time, any rate will do.
_ONCE = Pacing(min_interval=1e6, max_interval=1e6, max_rate=1e4, initial_rate=1e4)
_CORE = "legnext_stream.core"
_SHELL = "legnext_stream, the rest"
_MOCK = "mockserver"


@attrs.frozen
class Weight:
    """What a process held.

    Attributes:
        requests: How many the mock server had answered.
        resident: Bytes in memory by the operating system's count; None where it doesn't tell.
        traced: Bytes allocated by Python, by whose code; None if not traced.
    """

    requests: int
    resident: int | None
    traced: dict[str, int] | None


def _owner(filename: str) -> str:
    """Whose code a file is. Methods that attrs writes stand in a file that is called after them."""
    generated = filename.startswith("<attrs generated")
    path = filename.replace(".", "/") if generated else Path(filename).as_posix()
    if "legnext_stream/core/" in path:
        return _CORE
    if "legnext_stream/" in path:
        return _SHELL
    if "mockserver/" in path:
        return _MOCK
    _, is_installed, below = path.rpartition("/site-packages/")
    return below.partition("/")[0] if is_installed else "Python's own library"


def _resident() -> int | None:
    """The bytes of this process that are in memory, or None where there is no /proc to tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _traced() -> dict[str, int]:
    by_owner: Counter[str] = Counter()
    for statistic in tracemalloc.take_snapshot().statistics("filename"):
        by_owner[_owner(statistic.traceback[0].filename)] += statistic.size
    return dict(by_owner)


def _weigh(mock: MockLegnext) -> Weight:
    gc.collect()
    resident = _resident()
    return Weight(len(mock.requests), resident, _traced() if tracemalloc.is_tracing() else None)


async def _weigh_watch(mock: MockLegnext, ids: list[str]) -> Weight:
    """Weigh a process in which a watch has told of every job."""
    async with (
        LegnextClient(api_key="key", transport=mock.transport(), pacing=_ONCE) as client,
        client.watch(ids, timeout=None) as events,
    ):
        # A job that has been told of has been polled; each of these has one status to tell.
        for _ in ids:
            await anext(events)
        return _weigh(mock)


async def _weigh_requests(mock: MockLegnext, ids: list[str]) -> Weight:
    """Weigh a process in which as much was asked, but nothing kept."""
    async with httpx.AsyncClient(
        transport=mock.transport(), base_url="https://api.legnext.ai", headers={"x-api-key": "key"}
    ) as client:
        for job_id in ids:
            (await client.get(f"/api/v1/job/{job_id}")).raise_for_status()
        return _weigh(mock)


def weigh(jobs: int, *, is_watched: bool, is_traced: bool) -> Weight:
    """Weigh this process, which should do nothing else, with `jobs` jobs that never end."""
    if is_traced:
        tracemalloc.start()
    mock = MockLegnext()
    ids = [mock.add_job(_HELD) for _ in range(jobs)]
    return run_virtual(_weigh_watch if is_watched else _weigh_requests, mock, ids)


def _weigh_in_processes(jobs: int) -> list[Weight]:
    """Requests only, then watched; without tracing, then with it: each in a process of its own."""
    workers = min(2, os.cpu_count() or 1)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, max_tasks_per_child=1) as processes:
        weighed = [
            processes.submit(weigh, jobs, is_watched=is_watched, is_traced=is_traced)
            for is_traced in (False, True)
            for is_watched in (False, True)
        ]
        return [one.result() for one in weighed]


@attrs.frozen
class Report:
    """What was measured, in bytes a job.

    Attributes:
        jobs: How many there were.
        watch_resident: The whole watch, by the operating system's count, or None.
        watch_traced: The whole watch, by Python's own.
        tracker_traced: The part of it that the core has allocated.
        traced_by_owner: All parts, but for those below one byte.
    """

    jobs: int
    watch_resident: float | None
    watch_traced: float
    tracker_traced: float
    traced_by_owner: dict[str, float]


def measure(jobs: int) -> Report:
    """Weigh all processes, and compare.

    Raises:
        RuntimeError: The watch did not ask once for every job, so there is nothing to compare.
    """
    idle, watched, traced_idle, traced_watched = _weigh_in_processes(jobs)
    requests = {one.requests for one in (idle, watched, traced_idle, traced_watched)}
    if requests != {jobs}:
        raise RuntimeError(f"{jobs} requests were wanted of each process, not {requests}")
    resident = None
    if idle.resident is not None and watched.resident is not None:
        resident = (watched.resident - idle.resident) / jobs
    before, after = traced_idle.traced or {}, traced_watched.traced or {}
    by_owner = {
        owner: (after.get(owner, 0) - before.get(owner, 0)) / jobs
        for owner in before.keys() | after.keys()
    }
    return Report(
        jobs=jobs,
        watch_resident=resident,
        watch_traced=sum(by_owner.values()),
        tracker_traced=by_owner.get(_CORE, 0.0),
        traced_by_owner={
            owner: size
            for owner, size in sorted(by_owner.items(), key=lambda item: -item[1])
            if abs(size) >= 1
        },
    )


def _table(report: Report) -> str:
    resident = "unknown" if report.watch_resident is None else f"{report.watch_resident:,.0f}"
    rows = [
        ("the whole watch, resident", resident),
        ("the whole watch, traced", f"{report.watch_traced:,.0f}"),
        ("the tracker alone, traced", f"{report.tracker_traced:,.0f}"),
    ]
    rows += [(f"    by {owner}", f"{size:,.0f}") for owner, size in report.traced_by_owner.items()]
    lines = [f"{report.jobs:,} jobs that never end".ljust(42) + "bytes a job"]
    return "\n".join(lines + [f"{name:<42}{size:>11}" for name, size in rows])


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory",
        description=_HELP,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=100_000, help="jobs to watch (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    report = measure(options.jobs)
    if options.json:
        print(json.dumps({"benchmark": "memory", **attrs.asdict(report)}, indent=2))
    else:
        print(_table(report))


if __name__ == "__main__":
    main(sys.argv[1:])
