"""Kill a watch repeatedly, and check that no event is lost and no acknowledged event comes again.

    python -m tests.simulation.kills --kills 200

A process watches a batch with a journal, over sockets, against a server with faults. It is killed (SIGKILL)
at a random moment and started again, until the batch has ended; then the next batch begins, until there
were enough kills. Everything that the processes reported is compared with the truth of the server.
`--page docs/reliability.md` also writes the figures to that page.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Timer
from typing import Any, TypeAlias

import attrs

from tests.pages import command_line, write_into
from tests.servers import MockServer, mock_server

Event: TypeAlias = dict[str, Any]

TERMINAL = frozenset({"completed", "failed"})
_FAULTS = (
    "status:503@job,probability=0.04",
    "truncated@job,probability=0.02",
    "reset:60@job,probability=0.02",
    "empty-answer@job,probability=0.02",
    "stale:3@job,probability=0.05",
)
_SERVER = ("--slots", "25", "--time-scale", "40", "--failure-share", "0.1", "--rate", "4")
_QUICKLY = ("--min-interval=0.1", "--max-interval=1", "--initial-rate=50", "--max-rate=200")
# A process is killed within this many seconds of its first event, or of its start.
_LONGEST_LIFE = 1.5


@attrs.define
class Report:
    """The totals of a campaign.

    Attributes:
        kills: How often a watch was killed.
        batches: How many batches ended.
        jobs: How many jobs these had.
        events: How many events were delivered, including repetitions.
        again: How many events were delivered again, because they were not acknowledged before a kill.
        refused: How many requests the server refused or disturbed by faults.
    """

    kills: int = 0
    batches: int = 0
    jobs: int = 0
    events: int = 0
    again: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return (
            f"- {self.kills:,} kills survived over {self.batches:,} batches of {self.jobs:,} jobs in"
            f" all; {self.refused:,} requests refused or disturbed by faults\n"
            f"- {self.events:,} events, {self.again:,} of them delivered again because they had not been"
            " acknowledged\n"
            "- each job had one acknowledged terminal event, and every event was true"
        )


def faulty_server(seed: int, jobs: int) -> AbstractContextManager[MockServer]:
    """Start a server with a batch of jobs, and with all kinds of faults."""
    faults = [option for fault in _FAULTS for option in ("--fault", fault)]
    return mock_server("--seed", str(seed), "--jobs", str(jobs), *_SERVER, *faults)


def watch(url: str, journal: Path, ids: Sequence[str], life: float | None) -> tuple[int, bytes]:
    """Watch until the end, or until the process is killed; return the exit status and the output."""
    command = [sys.executable, "-m", "legnext_stream", "watch", *_QUICKLY]
    command += [f"--journal={journal}", f"--base-url={url}", *(f"--id={job_id}" for job_id in ids)]
    return run_until_killed(command, life)


def run_until_killed(
    command: Sequence[str], life: float | None, *, from_start: bool = False
) -> tuple[int, bytes]:
    """Run a program until it ends or is killed; return the exit status and the output.

    Args:
        command: The program.
        life: After how many seconds it is killed; None for never.
        from_start: Whether to count from its start rather than from its first line.
    """
    environment = os.environ | {"LEGNEXT_API_KEY": "kills", "NO_PROXY": "*"}
    with subprocess.Popen(
        command, env=environment, stdout=-1, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        waits = life is not None and not from_start
        first = process.stdout.readline() if waits else b""
        killer = Timer(life or 600.0, process.kill)
        killer.start()
        try:
            rest = process.stdout.read()
        finally:
            killer.cancel()
        status = process.wait()
    return status, first + rest


def whole_lines(output: bytes) -> list[Event]:
    """The events of a process. A line that was cut off by a kill doesn't count."""
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]


def judge(runs: Sequence[Sequence[Event]], truth: Mapping[str, Sequence[Sequence[Any]]]) -> int:
    """Check the events of all watches of a batch; return how many were delivered again.

    Raises:
        AssertionError: An event was lost, repeated without need, or not true.
    """
    reported: dict[str, list[str]] = {}
    again = 0
    # The event being handled when a watch was killed comes again, perhaps after other stored ends.
    unacknowledged: set[tuple[str, str]] = set()
    for run in runs:
        for event in run:
            job_id, status = event["job_id"], event["status"]
            statuses = reported.setdefault(job_id, [])
            if status in statuses:
                assert (job_id, status) in unacknowledged, f"{job_id}: {status} was delivered twice"
                unacknowledged.remove((job_id, status))
                again += 1
                continue
            assert not TERMINAL & set(statuses), f"{job_id}: {status} after its end"
            statuses.append(status)
        if run:
            unacknowledged.add((run[-1]["job_id"], run[-1]["status"]))
    assert reported.keys() == truth.keys(), "every job, and no other"
    for job_id, statuses in reported.items():
        happened = iter([status for _, status in truth[job_id]])
        assert all(status in happened for status in statuses), f"{job_id}: {statuses}"
        assert statuses[-1] in TERMINAL, f"{job_id} has no end: {statuses}"
    return again


def campaign(kills: int, *, seed: int, jobs: int = 60) -> Report:
    """Kill watches until there were this many kills and the last batch has ended.

    Raises:
        AssertionError: A guarantee was violated; the message names the job.
    """
    rng = random.Random(seed)
    report = Report()
    while report.kills < kills:
        number = report.batches
        with (
            tempfile.TemporaryDirectory() as folder,
            faulty_server(seed * 1000 + number, jobs) as server,
        ):
            ids: Sequence[str] = list(server.truth())
            journal = Path(folder) / "batch.db"
            runs: list[list[Event]] = []
            while True:
                life = rng.uniform(0.0, _LONGEST_LIFE) if report.kills < kills else None
                # Only the first process gets the ids; the others have them from the journal.
                status, output = watch(server.url, journal, ids, life)
                runs.append(whole_lines(output))
                ids = () if journal.exists() else ids
                if status >= 0:
                    break
                report.kills += 1
            assert status == 1, f"it ended with {status}: some of its jobs fail"
            report.again += judge(runs, server.truth())
            report.refused += sum(
                bool(request["faults"]) or request["status_code"] == 429
                for request in server.get("requests")
            )
        report.batches += 1
        report.jobs += jobs
        report.events += sum(map(len, runs))
        print(report, file=sys.stderr)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.kills", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--kills", type=int, default=200, help="how many kills (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same moments")
    parser.add_argument("--page", type=Path, help="a page to write the figures to")
    given = parser.parse_args(arguments)
    try:
        report = campaign(given.kills, seed=given.seed)
    except AssertionError as error:
        print(f"a guarantee was violated: {error}", file=sys.stderr)
        return 1
    print(report)
    if given.page is not None:
        command = command_line("tests.simulation.kills", arguments)
        write_into(given.page, "kills", command, str(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
