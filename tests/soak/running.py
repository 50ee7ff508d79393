"""A long run: jobs keep arriving and are watched until they end, while memory is measured."""

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
"""The most bytes that memory may grow by with each ended job; remembering its id takes about forty."""
MOST_WHEN_LEVEL: Final = 5
"""The same, when as many ids are forgotten as are added."""
ENOUGH_JOBS: Final = 4000
"""With fewer jobs, the growth of memory is mostly noise."""
# The share of a run that counts as warm-up.
_WARM_UP: Final = 0.25
_MEBIBYTE: Final = 1024 * 1024


def resident() -> int:
    """The resident memory of this process, bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def descriptors() -> int:
    """The number of open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names only, nothing is opened


@attrs.define
class Report:
    """The result of a long run.

    Attributes:
        jobs: How many jobs there were. Each had exactly one end.
        seconds: How long the run was, in its own time.
        work: How long it took, in real time.
        polls: How many status requests were sent.
        troubles: How many of them failed temporarily, including refusals because of the rate.
        most_active: The most jobs that had begun and not ended at the same time.
        remembered: How many ended jobs are remembered at least; twice as many at most.
        samples: How many jobs had ended, and the memory in bytes at that time.
        written: The size of the journal's file, bytes; 0 without one.
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
        """Whether ids were forgotten, so that memory must stop growing."""
        return 2 * self.remembered <= self.jobs // 2

    @property
    def slope(self) -> float:
        """The growth of memory per ended job after the warm-up, bytes.

        It is the median of the slopes between any two samples (Theil–Sen), so that an outlier, for example
        when a cache is filled or emptied, has no effect.

        Raises:
            ValueError: There are fewer than two samples after the warm-up.
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
        """Descriptions of what is wrong."""
        left = {
            "tasks": self.tasks,
            "descriptors": self.descriptors,
            "connections": self.connections,
            "records of jobs": self.records,
        }
        said = [f"{count} {what} are left over" for what, count in left.items() if count]
        most = MOST_WHEN_LEVEL if self.is_level else MOST_A_JOB
        if self.jobs >= ENOUGH_JOBS and self.slope > most:
            said.append(f"memory grows by {self.slope:.0f} bytes per job, more than {most}")
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
    """The settings of a run.

    Attributes:
        jobs: How many jobs arrive.
        seconds: The time within which they arrive, in the time of the run.
        runs: How long they run, seconds: minimum and maximum.
        waits: How long they wait before they run, at most, seconds.
        seed: The same seed gives the same jobs at the same times.
        journal: The journal's file, or None.
        remembered: How many of the latest ended jobs are remembered at least.
        memory: Measures memory.
        samples: How often to measure.
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
    """Yield the ids of jobs as they arrive: at random times, sometimes few and sometimes many."""
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
    """Watch all jobs of a plan until they end.

    Raises:
        AssertionError: A job had no end, two ends, or a wrong one.
    """
    report = Report(plan.jobs, remembered=plan.remembered)
    tasks, open_before = trio.lowlevel.current_statistics().tasks_living, descriptors()
    began, work = trio.current_time(), time.perf_counter()
    # The library's class with a smaller limit, which a run of some minutes reaches.
    ended_ids = partial(EndedIds, plan.remembered)
    with patch("legnext_stream._core.membership.EndedIds", ended_ids):
        async with client:
            inside = await _watched(client, plan, report, progress)
    report.seconds, report.work = trio.current_time() - began, time.perf_counter() - work
    assert inside == plan.jobs
    # The server's side of a connection ends slightly later than ours.
    await trio.sleep(1)
    gc.collect()
    report.tasks = trio.lowlevel.current_statistics().tasks_living - tasks
    report.descriptors = descriptors() - open_before
    report.written = plan.journal.stat().st_size if plan.journal is not None else 0
    # The garbage collector doesn't track the records of jobs, but it does track their trackers.
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
