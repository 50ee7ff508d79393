"""Watch jobs for a week in virtual time, or for a minute over real sockets, and measure memory.

    python -m tests.soak --jobs 200000 --days 7 --direct
    python -m tests.soak --jobs 20000 --days 7 --journal
    python -m tests.soak --jobs 20000 --days 7 --direct --remembered 2000
    python -m tests.soak --real 60

The command prints the memory over time and what is left over at the end. `--page docs/reliability.md` also
writes this to that page. The exit status is 1 if anything is left over, or if memory grows by more than
a watch needs to remember the id of an ended job. `--remembered` reduces how many ids are remembered, so
that old ones are soon forgotten; from then on, memory must not grow. Growth can only be measured with some
thousand jobs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import trio

from legnext_stream import LegnextClient, Pacing
from legnext_stream._core.ended import REMEMBERED
from mockserver import run_virtual
from tests.legnext_stream.support import URL, Network
from tests.pages import command_line, write_into
from tests.soak.conveyor import Conveyor, Direct
from tests.soak.running import Plan, Report, run

# In real time, jobs are shorter in proportion.
_REAL_RUNS: Final = (0.5, 3.0)
_REAL_WAITS: Final = 1.0
_REAL_JOBS_A_SECOND: Final = 20
_KEY: Final = "soak"


def _show(report: Report) -> None:
    ended, memory = report.samples[-1]
    print(f"{ended:,} jobs have ended, {memory / 1024 / 1024:.1f} MiB", file=sys.stderr)


async def in_virtual_time(plan: Plan, *, direct: bool) -> Report:
    """Run in virtual time."""
    conveyor = Conveyor(trio.current_time)
    network = Network(conveyor.serve)
    transport = Direct(conveyor) if direct else network.transport()
    client = LegnextClient(_KEY, URL, transport, pacing=Pacing(poll_cost=10.0))
    report = await run(client, plan, progress=_show)
    report.connections = network.now_open
    return report


async def in_real_time(plan: Plan) -> Report:
    """Run over sockets, in real time."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--jobs", type=int, default=200_000, help="how many (default: 200,000)")
    parser.add_argument("--days", type=float, default=7.0, help="within how long (default: 7)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same jobs")
    parser.add_argument("--journal", action="store_true", help="keep a journal meanwhile")
    parser.add_argument("--direct", action="store_true", help="without HTTP's bytes: much faster")
    parser.add_argument(
        "--remembered",
        type=int,
        default=REMEMBERED,
        metavar="JOBS",
        help=f"how many ended jobs are remembered at least (default: the library's {REMEMBERED:,})",
    )
    parser.add_argument("--real", type=float, metavar="SECONDS", help="over sockets, for so long")
    parser.add_argument("--page", type=Path, help="where to put the figures, e.g. a page's file")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = _run(given, Path(folder) / "batch.db" if given.journal else None)
    print(report)
    for fault in report.faults:
        print(f"wrong: {fault}", file=sys.stderr)
    if given.page is not None and not report.faults:
        write_into(given.page, _part(given), command_line("tests.soak", arguments), str(report))
    return int(bool(report.faults))


def _run(given: argparse.Namespace, journal: Path | None) -> Report:
    if given.real is not None:
        plan = Plan(
            jobs=int(given.real * _REAL_JOBS_A_SECOND),
            seconds=given.real,
            runs=_REAL_RUNS,
            waits=_REAL_WAITS,
            seed=given.seed,
            journal=journal,
            remembered=given.remembered,
        )
        return trio.run(in_real_time, plan)
    plan = Plan(
        jobs=given.jobs,
        seconds=given.days * 86400.0,
        seed=given.seed,
        journal=journal,
        remembered=given.remembered,
    )
    return run_virtual(partial(in_virtual_time, plan, direct=given.direct))


def _part(given: argparse.Namespace) -> str:
    """The name of the figures of such a run on a page."""
    options = {
        "direct": given.direct and given.real is None,
        "journal": given.journal,
        "forgetting": given.remembered != REMEMBERED,
    }
    name = "week" if given.real is None else "sockets"
    return ", ".join([name, *(option for option, is_on in options.items() if is_on)])


if __name__ == "__main__":
    sys.exit(main())
