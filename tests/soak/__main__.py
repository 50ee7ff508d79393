"""Watch jobs for a week, in virtual time, or for some seconds over real sockets.

    python -m tests.soak --jobs 200000 --days 7 --direct
    python -m tests.soak --jobs 20000 --days 7 --journal /tmp/week.db
    python -m tests.soak --real 60

Prints how memory went, and what was left over at the end. It ends with status 1 if that is anything, or
if memory grew by more than an ended job's id, which a watch remembers so as not to tell its end again;
that can be told only of a run of some thousand jobs.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Final

import trio

from legnext_stream import LegnextClient, Pacing
from mockserver import run_virtual
from tests.legnext_stream.support import URL, Network
from tests.soak.conveyor import Conveyor, Direct
from tests.soak.running import Plan, Report, run

MOST_A_JOB: Final = 400
"""Bytes by which memory may grow with each job that has ended."""
# Of fewer jobs the pages of memory say little.
_ENOUGH_JOBS: Final = 4000
# Over sockets the jobs are as much shorter as the time is.
_REAL_RUNS: Final = (0.5, 3.0)
_REAL_WAITS: Final = 1.0
_REAL_JOBS_A_SECOND: Final = 20
_KEY: Final = "soak"


def _show(report: Report) -> None:
    ended, memory = report.samples[-1]
    print(f"{ended:,} jobs have ended, {memory / 1024 / 1024:.1f} MiB", file=sys.stderr)


async def in_virtual_time(plan: Plan, *, direct: bool) -> Report:
    """A run whose waiting takes no time."""
    conveyor = Conveyor(trio.current_time)
    network = Network(conveyor.serve)
    transport = Direct(conveyor) if direct else network.transport()
    client = LegnextClient(_KEY, URL, transport, pacing=Pacing(poll_cost=10.0))
    report = await run(client, plan, progress=_show)
    assert network.now_open == 0
    return report


async def in_real_time(plan: Plan) -> Report:
    """A run over sockets, with the machine's clock."""
    conveyor = Conveyor(trio.current_time)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(trio.serve_tcp, conveyor.serve, 0, host="127.0.0.1")
        )
        host, port = listeners[0].socket.getsockname()
        pacing = Pacing(min_interval=0.1, max_interval=0.5, max_rate=500.0, initial_rate=100.0)
        client = LegnextClient(_KEY, f"http://{host}:{port}", pacing=pacing)
        report = await run(client, plan, progress=_show)
        nursery.cancel_scope.cancel()
    return report


def main() -> None:
    """Read the command line, and go."""
    parser = argparse.ArgumentParser(description="Watch jobs for a week, in virtual time.")
    parser.add_argument("--jobs", type=int, default=200_000, help="how many (default: 200,000)")
    parser.add_argument("--days", type=float, default=7.0, help="within how long (default: 7)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same jobs")
    parser.add_argument("--journal", type=Path, help="keep a journal in this file, a new one")
    parser.add_argument("--direct", action="store_true", help="without HTTP's bytes: much faster")
    parser.add_argument("--real", type=float, metavar="SECONDS", help="over sockets, for so long")
    arguments = parser.parse_args()
    if arguments.real is not None:
        jobs = int(arguments.real * _REAL_JOBS_A_SECOND)
        plan = Plan(jobs, arguments.real, _REAL_RUNS, _REAL_WAITS, journal=arguments.journal)
        report = trio.run(in_real_time, plan)
    else:
        seconds = arguments.days * 86400.0
        plan = Plan(arguments.jobs, seconds, seed=arguments.seed, journal=arguments.journal)
        report = run_virtual(partial(in_virtual_time, plan, direct=arguments.direct))
    print(report)
    grows = report.jobs >= _ENOUGH_JOBS and report.slope > MOST_A_JOB
    if report.tasks or report.descriptors or report.records or grows:
        sys.exit(1)


if __name__ == "__main__":
    main()
