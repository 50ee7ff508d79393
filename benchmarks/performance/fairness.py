"""The longest time that one task blocks all others: one step, measured by a Trio instrument.

A step is measured in CPU time of the thread, so that other processes don't count. Python's garbage
collector runs within steps and counts: it visits all objects of the process. The last row is without
it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import trio

from benchmarks.performance.ready import BASE_URL, ReadyTransport, job_ids, taken_in
from benchmarks.performance.rounds import Row, child, figure_row
from legnext_stream import EventStream, Job, JobStatus, LegnextClient, Pacing

_TARGET: Final = 20.0
"""Milliseconds."""
_PACING: Final = Pacing(max_rate=100.0, initial_rate=100.0)
# The jobs that are polled, and whose events are read, during a burst.
_WATCHED: Final = 200

Burst: TypeAlias = Callable[[EventStream, int], Awaitable[None]]


def measure(quick: bool) -> list[Row]:  # noqa: FBT001 - every subject's signature
    """Measure bursts, each in its own process, during a running watch."""
    rounds = 3 if quick else 5
    bursts: list[tuple[str, Burst, int, bool, float | None]] = [
        ("10,000 events", _events, 10_000, True, 10 * _TARGET),
        ("100,000 new ids", _ids, 100_000, True, 10 * _TARGET),
    ]
    if not quick:
        bursts += [
            ("1,000,000 new ids", _ids, 1_000_000, True, None),
            ("1,000,000 new ids, without garbage collection", _ids, 1_000_000, False, None),
        ]
    return [
        figure_row(
            f"longest step of any task in a burst of {what}",
            [child(_longest_step, burst, count, collects=collects) for _ in range(rounds)],
            unit="ms",
            target=_TARGET,
            at_least=False,
            quick_bound=bound,
        )
        for what, burst, count, collects, bound in bursts
    ]


async def _events(stream: EventStream, count: int) -> None:
    """Make many events at once: those of jobs that are known to have ended."""
    unread = stream.subscribe("latest")
    stream.add([Job(job_id=job_id, status=JobStatus.COMPLETED) for job_id in _new_ids(count)])
    await _until(lambda: taken_in(stream.stats) >= _WATCHED + count)
    # By now all of them wait here.
    for _ in range(count):
        await anext(unread)


async def _ids(stream: EventStream, count: int) -> None:
    """Let many ids arrive at once."""
    stream.add(_new_ids(count))
    await _until(lambda: taken_in(stream.stats) >= _WATCHED + count)


def _new_ids(count: int) -> list[str]:
    return job_ids(count, first=_WATCHED)


async def _until(is_done: Callable[[], bool]) -> None:
    while not is_done():  # noqa: ASYNC110 - there is no notification to wait for
        await trio.sleep(0.01)


def _longest_step(burst: Burst, count: int, *, collects: bool) -> float:
    if not collects:
        gc.disable()
    return trio.run(_watch, burst, count)


async def _watch(burst: Burst, count: int) -> float:
    """The longest step during a burst, in milliseconds."""
    transport = ReadyTransport("pending")
    async with (
        LegnextClient("benchmark", BASE_URL, transport, pacing=_PACING) as client,
        client.watch(job_ids(_WATCHED)) as stream,
        trio.open_nursery() as nursery,
    ):

        @nursery.start_soon
        async def read() -> None:
            async for _ in stream:
                pass

        await _until(lambda: stream.stats.events > 0)
        with _steps() as steps:
            await burst(stream, count)
        nursery.cancel_scope.cancel()
    return 1000 * steps.longest


class _Steps(trio.abc.Instrument):
    """Records the longest step, in seconds of the thread's CPU time."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began: float | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        del task
        self._began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        del task
        # The step in which the measurement began has no recorded start.
        if self._began is not None:
            self.longest = max(self.longest, time.thread_time() - self._began)


@contextmanager
def _steps() -> Iterator[_Steps]:
    steps = _Steps()
    trio.lowlevel.add_instrument(steps)
    try:
        yield steps
    finally:
        trio.lowlevel.remove_instrument(steps)
