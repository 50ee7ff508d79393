"""Requests in one second of real time through the full stack, in memory and virtual time.

python -m benchmarks.performance.full_stack
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Final

import attrs

from benchmarks.performance.rounds import Row, child, figure_row
from legnext_stream import LegnextClient
from mockserver import MockLegnext, run_virtual

_HELP: Final = """\
Watch a batch until every job has ended, in virtual time, and count the requests in one second of
real time.

Everything but the kernel takes part: the client decides, its HTTP side writes and reads HTTP/1.1, and
the mock server answers, all in one thread. So the figure measures no waiting, only work: that of the
client and the server together. The events are compared with what really happened, and a wrong run
fails.
"""
_EPILOG: Final = """\
for example:
  python -m benchmarks.performance.full_stack
      1,000 jobs, 7 rounds after a short warm-up; takes a minute or two.
  python -m benchmarks.performance.full_stack --jobs 200 --rounds 5
      A quick look.
  python -m benchmarks.performance.full_stack --json > full_stack.json
      The figures of each round, for later comparison.
"""
_TERMINAL: Final = {"completed", "failed"}
_TARGET: Final = 1000
_SLOTS: Final = 100


@attrs.frozen
class Round:
    """One batch from its first request to its last.

    Attributes:
        requests: How many requests the server answered.
        events: How many events the watch gave.
        virtual_seconds: How long the batch took on the simulated clock.
        real_seconds: How long that took in real time.
        requests_per_second: Requests in one second of real time.
    """

    requests: int
    events: int
    virtual_seconds: float
    real_seconds: float
    requests_per_second: float


class WrongRunError(Exception):
    """The watch reported something other than what happened."""


def measure(*, quick: bool) -> list[Row]:
    """Run several rounds in a process of their own."""
    jobs, rounds = (100, 3) if quick else (1000, 7)
    done = child(run_rounds, jobs, _SLOTS, 0, rounds)
    return [
        figure_row(
            "requests per real second through the full stack, client and server in one thread",
            [one.requests_per_second for one in done],
            unit="requests/s",
            target=_TARGET,
            at_least=True,
        )
    ]


def run_rounds(jobs: int, slots: int, seed: int, rounds: int) -> list[Round]:
    """Run rounds one after the other, all with the same seed.

    Raises:
        WrongRunError: A watch reported something other than what happened.
    """
    # The first round includes imports and caches.
    run_round(min(jobs, 100), slots, seed)
    return [run_round(jobs, slots, seed) for _ in range(rounds)]


def run_round(jobs: int, slots: int, seed: int) -> Round:
    """Watch `jobs` jobs to their ends, `slots` of them running at once.

    Raises:
        WrongRunError: The watch reported something other than what happened.
    """
    mock = MockLegnext(seed, slots)
    ids = mock.add_jobs(jobs)
    ends: list[tuple[str, str]] = []

    async def watch_all() -> int:
        async with LegnextClient(api_key="benchmark", transport=mock.transport()) as client:
            events = 0
            # No timeout: the queue may be as long as the options make it.
            async for event in client.watch(ids, timeout=None):
                events += 1
                if event.status.is_terminal:
                    ends.append((event.job_id, event.status.value))
        return events

    began = time.perf_counter()
    events = run_virtual(watch_all)
    real_seconds = time.perf_counter() - began
    truth = {job_id: changes[-1].status for job_id, changes in mock.truth.items()}
    if len(ends) != jobs or dict(ends) != truth or not set(truth.values()) <= _TERMINAL:
        raise WrongRunError(
            f"the watch reported {len(ends)} ends of {jobs} jobs, and not those that happened"
        )
    if mock.crashes:
        raise ExceptionGroup("bugs inside the mock server", mock.crashes)
    requests = len(mock.requests)
    return Round(requests, events, mock.now, real_seconds, requests / real_seconds)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.performance.full_stack",
        description=_HELP,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=1000, help="jobs in the batch (%(default)s)")
    parser.add_argument(
        "--slots", type=int, default=_SLOTS, help="jobs that run at the same time (%(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="rounds, after the warm-up (%(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of the simulated account, in each round (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    for name in ("jobs", "slots", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    return options


def _table(rounds: Sequence[Round]) -> str:
    lines = ["round  requests  events  virtual s  real s  requests/s"]
    lines += [
        f"{number:5}  {one.requests:8,}  {one.events:6,}  {one.virtual_seconds:9,.0f}"
        f"  {one.real_seconds:6.2f}  {one.requests_per_second:10,.0f}"
        for number, one in enumerate(rounds, 1)
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark and print its figures."""
    options = _parse(arguments)
    rounds = run_rounds(options.jobs, options.slots, options.seed, options.rounds)
    rates = [one.requests_per_second for one in rounds]
    summary = {"median": statistics.median(rates), "min": min(rates), "max": max(rates)}
    if options.json:
        settings = {name: getattr(options, name) for name in ("jobs", "slots", "rounds", "seed")}
        report = {
            "benchmark": "full_stack",
            "settings": settings,
            "requests_per_second": summary,
            "rounds": [attrs.asdict(one) for one in rounds],
        }
        print(json.dumps(report, indent=2))
        return
    print(_table(rounds))
    print()
    print("requests per real second:", ", ".join(f"{name} {n:,.0f}" for name, n in summary.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
