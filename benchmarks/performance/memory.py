"""Resident memory of a watched job: what a tracker holds for each job that has not ended.

Each figure comes from its own process: the resident memory with many watched jobs, minus that before
the first, divided by the number of jobs. The ids are made one by one and held only by the tracker, so
their strings are included. It is measured when the jobs have been added, and again when each has been
polled once and is running.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from benchmarks.performance.rounds import Row, child, figure_row
from legnext_stream._core.answers import Reply, read_poll
from legnext_stream._core.pace import Pacer
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker

_MANY: Final = 1_000_000
_QUICK_MANY: Final = 20_000
_SERIES: Final = (10_000, 100_000)
# In virtual time any rate will do; the measurement ends after one answer for each job.
_RATE: Final = 100_000.0
_PACING: Final = Pacing(max_rate=_RATE, initial_rate=_RATE, max_in_flight=10)
_BODY: Final = (
    '{{"job_id":"{job_id}","task_type":"diffusion","status":"processing",'
    '"meta":{{"started_at":"2026-01-01T00:00:00Z"}}}}'
)
_DATE: Final = "Thu, 01 Jan 2026 00:00:10 GMT"


def resident() -> int:
    """The resident memory of this process, in bytes.

    Raises:
        OSError: The system has no /proc.
    """
    gc.collect()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def weigh(jobs: int) -> tuple[float, float]:
    """Bytes a job in this process, which should do nothing else: when added, and when polled."""
    _watch(1_000)  # what is created at the first use
    before = resident()
    tracker, random = _watch(0), Random(1)
    for number in range(jobs):
        # Trio's clock gives each a different time.
        tracker.add(number * 1e-6, str(UUID(int=random.getrandbits(128))))
    fresh = resident() - before
    _poll_each(tracker, jobs)
    return fresh / jobs, (resident() - before) / jobs


def _watch(jobs: int) -> Tracker:
    pacer = Pacer(max_rate=_RATE, initial_rate=_RATE, max_in_flight=10)
    tracker = Tracker(pacing=_PACING, timeout=600.0, pacer=pacer)
    for number in range(jobs):
        tracker.add(0.0, f"job-{number}")
    _poll_each(tracker, jobs)
    return tracker


def _poll_each(tracker: Tracker, jobs: int) -> None:
    """Poll until each job has been answered as running."""
    now, events = 10.0, 0
    while events < jobs:
        step = tracker.due(now)
        if not isinstance(step, Poll):
            now = step
            continue
        sent_at, now = now, now + 1e-6
        content = _BODY.format(job_id=step.job_id).encode()
        reply = Reply(200, {"date": _DATE}, content, sent_at, now)
        events += len(tracker.observe(now, read_poll(step.job_id, reply)))


def measure(quick: bool) -> list[Row]:  # noqa: FBT001 - every subject's signature
    """Bytes a job, when added and when polled once."""
    many = _QUICK_MANY if quick else _MANY
    sizes = (many,) if quick else (*_SERIES, many)
    weights = {jobs: child(weigh, jobs) for jobs in sizes}
    return [
        figure_row(
            f"resident bytes per watched job at {many:,}, {state}",
            [weights[many][place]],
            unit="bytes",
            target=500,
            at_least=False,
            quick_bound=750,
            series={f"bytes per job, {state}": [(jobs, weights[jobs][place]) for jobs in sizes]},
        )
        for place, state in enumerate(("added", "polled and running"))
    ]
