"""A long run: jobs come in all the time, are watched to their ends, and memory is looked at meanwhile."""

from __future__ import annotations

import gc
import itertools
import os
import random
import resource
import statistics
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

import attrs
import trio

from legnext_stream import JobStatus, LegnextClient
from legnext_stream._core.ended import REMEMBERED, EndedIds
from legnext_stream._core.tracker import Tracker
from tests.soak.conveyor import new_job_id

MOST_A_JOB: Final = 80
"""Bytes by which memory may grow with each job that has ended: its id is remembered, in some forty."""
MOST_WHEN_LEVEL: Final = 5
"""The same where as many ids are forgotten as are new."""
ENOUGH_JOBS: Final = 4000
"""Of fewer jobs the pages of memory say little."""
# The share of a run after which memory has found its level.
_WARM_UP: Final = 0.25
_MEBIBYTE: Final = 1024 * 1024


def resident() -> int:
    """The resident memory of this process, bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def descriptors() -> int:
    """The open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names only, nothing is opened


@attrs.define
class Report:
    """What a long run has come to.

    Attributes:
        jobs: How many jobs there were; each came to its one end.
        seconds: How long it was, in the time of the run.
        work: How long it took, in the time of this machine.
        polls: How many status requests were sent.
        troubles: How many of them met trouble, refusals for the rate's sake included.
        most_active: How many jobs had begun and not ended at once, at most.
        remembered: After how many ended jobs memory is to be level, as those before are forgotten.
        samples: Memory: how many jobs had ended, and bytes.
        written: How large the journal's file became, bytes; 0 without one.
        tasks: How many tasks were left over.
        descriptors: How many file descriptors were left over.
        connections: How many connections were left over, where they are counted.
        records: How many trackers, with their records of jobs, were left over.
    """

    jobs: int
    seconds: float = 0.0
    work: float = 0.0
    polls: int = 0
    troubles: int = 0
    most_active: int = 0
    remembered: int = REMEMBERED
    samples: list[tuple[int, int]] = attrs.field(factory=list)
    written: int = 0
    tasks: int = 0
    descriptors: int = 0
    connections: int = 0
    records: int = 0

    @property
    def is_level(self) -> bool:
        """Whether ids were forgotten: from then on memory must not grow at all."""
        return 2 * self.remembered <= self.jobs // 2

    @property
    def slope(self) -> float:
        """By how many bytes memory grows with each job that has ended, after the warm-up.

        The median of the slopes between any two samples (Theil and Sen): one that is out of line,
        because a cache was filled or emptied just then, doesn't count.

        Raises:
            ValueError: There are less than two samples after the warm-up.
        """
        warm_up = max(_WARM_UP * self.jobs, 2 * self.remembered if self.is_level else 0)
        warm = [sample for sample in self.samples if sample[0] >= warm_up]
        if len(warm) < 2:
            raise ValueError("there are too few samples to tell a slope")
        return statistics.median(
            (later - earlier) / (then - now)
            for (now, earlier), (then, later) in itertools.combinations(warm, 2)
        )

    @property
    def faults(self) -> list[str]:
        """What must not be: each in words."""
        left = {
            "tasks": self.tasks,
            "descriptors": self.descriptors,
            "connections": self.connections,
            "records of jobs": self.records,
        }
        said = [f"{count} {what} are left over" for what, count in left.items() if count]
        most = MOST_WHEN_LEVEL if self.is_level else MOST_A_JOB
        if self.jobs >= ENOUGH_JOBS and self.slope > most:
            said.append(f"memory grows by {self.slope:.0f} bytes a job, more than {most}")
        return said

    def __str__(self) -> str:
        days = self.seconds / 86400
        lasted = f"{days:.2f} simulated days" if days > 0.1 else f"{self.seconds:.0f} s"
        said = (
            f"- {self.jobs:,} jobs over {lasted}, in {self.work:.0f} s of real time:"
            f" {self.polls:,} requests, {self.troubles:,} of them with errors;"
            f" at most {self.most_active:,} unfinished jobs at once\n"
            f"- {self._memory()}\n"
            f"- left over: {self.tasks} tasks, {self.descriptors} descriptors,"
            f" {self.connections} connections, {self.records} records of jobs"
        )
        if self.written:
            said += f"\n- the journal's file: {self.written / _MEBIBYTE:.1f} MiB"
        return said

    def _memory(self) -> str:
        level = f"memory: {self.samples[-1][1] / _MEBIBYTE:.1f} MiB at the end"
        if self.jobs < ENOUGH_JOBS:
            return f"{level}; too few jobs to measure growth"
        when = f", once the oldest of {2 * self.remembered:,} ids were forgotten"
        return f"{level}, {self.slope:+.1f} bytes per job{when if self.is_level else ''}"


@attrs.frozen
class Plan:
    """What is to happen.

    Attributes:
        jobs: How many jobs come in.
        seconds: Within how long, in the time of the run.
        runs: How long they run, seconds: the least and the most.
        waits: How long they wait before, at most.
        seed: The same seed, the same jobs at the same times.
        journal: Where the watch keeps its journal, if it has one.
        remembered: How many of the ids that ended last are remembered at least.
        memory: Measures memory.
        samples: How often.
    """

    jobs: int
    seconds: float
    runs: tuple[float, float] = (30.0, 90.0)
    waits: float = 20.0
    seed: int = 1
    journal: Path | None = None
    remembered: int = REMEMBERED
    memory: Callable[[], int] = resident
    samples: int = 40


async def _arriving(plan: Plan) -> AsyncIterator[str]:
    """The ids of the jobs, when they come in: at random, now few and now many."""
    rng = random.Random(plan.seed)
    began = trio.current_time()
    at = 0.0
    for number in range(plan.jobs):
        at += rng.expovariate(plan.jobs / plan.seconds)
        await trio.sleep_until(began + at)
        waits, runs = rng.uniform(0.0, plan.waits), rng.uniform(*plan.runs)
        yield new_job_id(number, at=trio.current_time(), waits=waits, runs=runs)


async def run(
    client: LegnextClient, plan: Plan, *, progress: Callable[[Report], None] | None = None
) -> Report:
    """Watch all jobs of a plan to their ends.

    Raises:
        AssertionError: A job had no end, two, or one that isn't true.
    """
    report = Report(plan.jobs, remembered=plan.remembered)
    tasks, open_before = trio.lowlevel.current_statistics().tasks_living, descriptors()
    began, work = trio.current_time(), time.perf_counter()
    # As the library has it but for the number, which a run of some minutes wouldn't reach.
    ended_ids = partial(EndedIds, plan.remembered)
    with patch("legnext_stream._core.tracker.EndedIds", ended_ids):
        async with client:
            inside = await _watched(client, plan, report, progress)
    report.seconds, report.work = trio.current_time() - began, time.perf_counter() - work
    assert inside == plan.jobs
    # The server's side of a connection ends a moment after ours.
    await trio.sleep(1)
    gc.collect()
    report.tasks = trio.lowlevel.current_statistics().tasks_living - tasks
    report.descriptors = descriptors() - open_before
    report.written = plan.journal.stat().st_size if plan.journal is not None else 0
    # The collector doesn't know the records of jobs, but it knows the trackers, which hold them.
    report.records = sum(isinstance(thing, Tracker) for thing in gc.get_objects())
    return report


async def _watched(
    client: LegnextClient,
    plan: Plan,
    report: Report,
    progress: Callable[[Report], None] | None,
) -> int:
    """Watch all jobs; return how many have ended."""
    active: dict[str, JobStatus] = {}
    ended = 0
    async with client.watch(_arriving(plan), journal=plan.journal) as events:
        async for event in events:
            assert event.previous is active.pop(event.job_id, None)
            if not event.status.is_terminal:
                active[event.job_id] = event.status
                report.most_active = max(report.most_active, len(active))
                continue
            assert event.status is JobStatus.COMPLETED
            ended += 1
            if ended % max(1, plan.jobs // plan.samples) == 0:
                gc.collect()
                report.samples.append((ended, plan.memory()))
                if progress is not None:
                    progress(report)
        report.polls = events.stats.polls
        report.troubles = events.stats.troubles + events.stats.rate_limited
    assert not active
    return ended
