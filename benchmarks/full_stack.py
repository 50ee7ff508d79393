"""The same policy through everything: the client, real HTTP in memory, the mock, in virtual time.

It must agree with the core harness, or the harness would measure something that isn't shipped.

The mock spends the 0.1 s of an answer before it looks at the job, the core harness after it. So the
mock's answers are 0.1 s fresher, which is added to its delays here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

import attrs
import trio

from benchmarks.cases import OURS, Case, measure
from benchmarks.harness import ANSWER, Telling
from benchmarks.limited import JOBS, LIMITED, STARTING, run_limited
from benchmarks.policies import OPEN
from benchmarks.promises import shown
from benchmarks.summary import Figures, Mean, means, quantile
from benchmarks.tables import table
from benchmarks.worlds import AS_DESCRIBED, CRUSH_RATE
from legnext_stream import JobStatus, LegnextClient, Pacing
from mockserver import Fixed, Limit, MockLegnext, SlidingWindow, TokenBucket, run_virtual

SEEDS: Final = 4
_COMPARED: Final = ("requests", "delay", "refused", "lost", "used")
_LEAVE: Final = 0.01
"""Means this close agree, even if their intervals don't touch: as a share, or absolute."""


@attrs.frozen
class Stack:
    """One world for the full stack.

    Attributes:
        name: The world's name in the core harness.
        jobs: How many jobs.
        pacing: The settings.
        slots: How many jobs run at the same time.
        limit: The limit.
        minutes: In `limits`, when to stop; None to continue until the last job ends.
    """

    name: str
    jobs: int
    pacing: Pacing
    slots: int | None = None
    limit: Limit | None = None
    minutes: float | None = None


_DEMANDING: Final = Pacing(max_interval=5.0)
STACKS: Final = (
    Stack("queue 1,000", 1000, OPEN, slots=12),
    Stack(
        "token bucket 10/s, burst 10", JOBS, _DEMANDING, limit=TokenBucket(10.0, 10), minutes=4.0
    ),
    Stack(
        "sliding window, 60 a minute",
        JOBS,
        _DEMANDING,
        limit=SlidingWindow(60, 60.0),
        minutes=10.0,
    ),
    Stack("crush", 2000, Pacing(), limit=TokenBucket(CRUSH_RATE, round(CRUSH_RATE))),
    Stack("lone", 200, OPEN),
)


def run_stack(stack: Stack, seed: int) -> Figures:
    """Run one world through the full stack."""
    return run_virtual(_limited if stack.minutes else _watched, stack, seed)


def run_core(stack: Stack, seed: int) -> Figures:
    """Run the same world in the core harness."""
    if stack.minutes is None:
        return measure([Case(stack.name, OURS)], seed)[0]
    sent = run_limited(stack.name, Telling.RETRY_AFTER, seed, AS_DESCRIBED).sent
    begin = sent[0].at
    return _figures(stack, [(each.at - begin, each.refused) for each in sent])


def _figures(stack: Stack, sent: Sequence[tuple[float, bool]]) -> Figures:
    """The figures of `limits`, from the time of each request and whether it was refused."""
    end = 60 * (stack.minutes or 0)
    counted = [refused for at, refused in sent if STARTING <= at < end]
    permitted = LIMITED[stack.name].permitted(1.0, STARTING, end)
    return {
        "refused": sum(counted) / len(counted),
        "used": (len(counted) - sum(counted)) / permitted,
    }


async def _watched(stack: Stack, seed: int) -> Figures:
    mock = MockLegnext(
        seed,
        stack.slots,
        run_times=AS_DESCRIBED.usual(),
        limit=stack.limit,
        latency=ANSWER,
    )
    delays, lost = [], 0
    async with LegnextClient("key", transport=mock.transport(), pacing=stack.pacing) as client:
        async for event in client.watch(mock.add_jobs(stack.jobs)):
            if event.status in {JobStatus.COMPLETED, JobStatus.FAILED}:
                ended_at = mock.world.ended_at(event.job_id)
                delays.append(mock.now - (math.nan if ended_at is None else ended_at) + ANSWER)
            else:
                lost += event.status.is_terminal
    requests = len(mock.requests)
    return {
        "requests": requests / stack.jobs,
        "delay": sum(delays) / len(delays),
        "p99": quantile(delays, 0.99),
        "refused": sum(record.status_code == 429 for record in mock.requests) / requests,
        "lost": float(lost),
    }


async def _limited(stack: Stack, seed: int) -> Figures:
    mock = MockLegnext(seed, None, run_times=Fixed(4 * 3600.0), limit=stack.limit, latency=ANSWER)
    async with LegnextClient("key", transport=mock.transport(), pacing=stack.pacing) as client:
        with trio.move_on_after(60 * (stack.minutes or 0)):
            async for _ in client.watch(mock.add_jobs(stack.jobs), timeout=None):
                pass
    return _figures(stack, [(each.at, each.status_code == 429) for each in mock.requests])


@attrs.frozen
class Agreement:
    """One figure, measured both ways."""

    world: str
    figure: str
    stack: Mean
    core: Mean

    @property
    def agrees(self) -> bool:
        """Whether the intervals touch."""
        apart = abs(self.stack.value - self.core.value)
        either_way = self.stack.either_way + self.core.either_way
        return apart <= max(either_way, _LEAVE, _LEAVE * abs(self.core.value))


def compare(pool: Executor, seeds: int = SEEDS) -> list[Agreement]:
    """Run all both ways, with the same seeds."""
    futures = [
        (stack, way, [pool.submit(way, stack, seed) for seed in range(seeds)])
        for stack in STACKS
        for way in (run_stack, run_core)
    ]
    found: dict[str, dict[str, dict[str, Mean]]] = {}
    for stack, way, runs in futures:
        found.setdefault(stack.name, {})[way.__name__] = means(run.result() for run in runs)
    return [
        Agreement(name, figure, ways["run_stack"][figure], ways["run_core"][figure])
        for name, ways in found.items()
        for figure in _COMPARED
        if figure in ways["run_stack"] and figure in ways["run_core"]
    ]


def agreement_table(rows: Sequence[Agreement]) -> str:
    """Both ways side by side, as Markdown."""
    return table(
        ("world", "figure", "full stack", "core harness", "agree"),
        (
            (
                row.world,
                row.figure,
                shown(row.stack, percent=row.figure in {"refused", "used"}),
                shown(row.core, percent=row.figure in {"refused", "used"}),
                "yes" if row.agrees else "**no**",
            )
            for row in rows
        ),
    )
