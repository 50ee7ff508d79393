"""The cost of not using Trio, and a comparison of two ways to bridge asyncio.

`python -m benchmarks.performance.bridges [--quick]` measures the ways in turns, each round in a fresh
process, and prints a table: Trio itself, `legnext_stream.sync`, and `legnext_stream.aio` under asyncio
and uvloop. The last two run Trio in a thread, as the library does, and also in Trio's guest mode, which
is implemented here for the comparison.

An item that is ready shows the cost of the bridge itself. A watch of jobs at 500 events a second, over
sockets, shows the cost in use.
"""

from __future__ import annotations

import argparse
import asyncio  # noqa: TID251 - it is what is measured
import resource
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import attrs
import trio
import uvloop

from benchmarks.performance import latency
from benchmarks.performance.rounds import child
from benchmarks.performance.served import served
from legnext_stream import JobEvent, LegnextClient, Pacing, aio, sync
from legnext_stream._bridges import trio_thread, waiting_aio, waiting_sync
from legnext_stream._bridges.reader import Reader

_RATE: Final = 500  # events a second
_PACING: Final = Pacing(max_rate=1.2 * _RATE, initial_rate=1.2 * _RATE)
# How long to wait for a guest run to end, in seconds: no new run can begin in the thread before, and
# closing the loop earlier would leave the run behind.
_ENDING: Final = 0.02


@attrs.frozen
class Cost:
    """What one way costs in one round.

    Attributes:
        hop: The time to get an item that is ready, median, microseconds.
        hop99: The same, 99th percentile.
        items: Such items a second.
        delay: From the server's answer to the consumer, at 500 events a second, median, milliseconds.
        delay99: The same, 99th percentile.
        cpu: CPU time of that over all threads, milliseconds an event.
        start: The time to start and end the bridge without any work, milliseconds.
    """

    hop: float
    hop99: float
    items: float
    delay: float
    delay99: float
    cpu: float
    start: float


class _Endless:
    """A Trio iterator that always has an item ready."""

    def __aiter__(self) -> _Endless:
        return self

    async def __anext__(self) -> float:
        await trio.lowlevel.checkpoint()
        return time.perf_counter()


# ---------------------------------------------------------------- guest mode


class _GuestRun(trio_thread._Run):  # noqa: SLF001 - the other way, by the same door
    """A Trio run as a guest of the loop, instead of in its own thread."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = _Starts(self._begin_as_guest)  # type: ignore[assignment]  # it is only started

    def _begin_as_guest(self) -> None:
        loop = asyncio.get_running_loop()
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            run_sync_soon_not_threadsafe=loop.call_soon,
            done_callback=lambda outcome: outcome.unwrap(),
            host_uses_signal_set_wakeup_fd=True,
        )


class _Starts:
    def __init__(self, start: Callable[[], None]) -> None:
        self.start = start


async def _arrival_from_guest(outcome: Future[Any]) -> None:
    arrived = asyncio.get_running_loop().create_future()

    def note(_: Future[Any]) -> None:
        if not arrived.done():
            arrived.set_result(None)

    outcome.add_done_callback(note)
    await arrived


@contextmanager
def _guest() -> Iterator[None]:
    with (
        mock.patch.object(trio_thread, "_Run", _GuestRun),
        mock.patch.object(waiting_aio, "_arrival", _arrival_from_guest),
    ):
        yield


# ---------------------------------------------------------------- the ways


def _plainly(base_url: str, events: int, hops: int) -> Cost:
    started = time.perf_counter()
    for _ in range(20):
        lease = trio_thread.Lease()
        waiting_sync.result(lease.call(trio.lowlevel.checkpoint), lease)
        waiting_sync.end(lease)
    start = (time.perf_counter() - started) / 20
    lease = trio_thread.Lease()
    reader = Reader(_Endless(), lambda: lease)
    times = []
    for _ in range(hops):
        asked = time.perf_counter()
        waiting_sync.settle(reader.ask(), lease)
        reader.take()
        times.append(time.perf_counter() - asked)
    waiting_sync.end(lease)
    with sync.LegnextClient("benchmark", base_url, pacing=_PACING) as client:
        cpu = _cpu()
        delays = [_delay(event) for event in client.watch(_ids(events))]
        cpu = _cpu() - cpu
    return _cost(times, delays, cpu / events, start)


async def _under_asyncio(base_url: str, events: int, hops: int) -> Cost:
    starts = []
    for _ in range(20):
        started = time.perf_counter()
        lease = trio_thread.Lease()
        await waiting_aio.result(lease.call(trio.lowlevel.checkpoint), lease)
        await waiting_aio.end(lease)
        starts.append(time.perf_counter() - started)
        await asyncio.sleep(_ENDING)
    lease = trio_thread.Lease()
    reader = Reader(_Endless(), lambda: lease)
    times = []
    for _ in range(hops):
        asked = time.perf_counter()
        await waiting_aio.settle(reader.ask(), lease)
        reader.take()
        times.append(time.perf_counter() - asked)
    await waiting_aio.end(lease)
    await asyncio.sleep(_ENDING)
    async with aio.LegnextClient("benchmark", base_url, pacing=_PACING) as client:
        cpu = _cpu()
        delays = [_delay(event) async for event in client.watch(_ids(events))]
        cpu = _cpu() - cpu
    await asyncio.sleep(_ENDING)
    return _cost(times, delays, cpu / events, statistics.median(starts))


async def _on_trio(base_url: str, events: int, hops: int) -> Cost:
    endless: AsyncIterator[float] = _Endless()
    times = []
    for _ in range(hops):
        asked = time.perf_counter()
        await anext(endless)
        times.append(time.perf_counter() - asked)
    async with LegnextClient("benchmark", base_url, pacing=_PACING) as client:
        cpu = _cpu()
        delays = [_delay(event) async for event in client.watch(_ids(events))]
        cpu = _cpu() - cpu
    return _cost(times, delays, cpu / events, 0.0)


def _trio(base_url: str, events: int, hops: int) -> Cost:
    return trio.run(_on_trio, base_url, events, hops)


def _by_asyncio(base_url: str, events: int, hops: int) -> Cost:
    return asyncio.run(_under_asyncio(base_url, events, hops))


def _by_uvloop(base_url: str, events: int, hops: int) -> Cost:
    return uvloop.run(_under_asyncio(base_url, events, hops))


def _by_asyncio_guest(base_url: str, events: int, hops: int) -> Cost:
    with _guest():
        return _by_asyncio(base_url, events, hops)


def _by_uvloop_guest(base_url: str, events: int, hops: int) -> Cost:
    with _guest():
        return _by_uvloop(base_url, events, hops)


_WAYS: Final[dict[str, Callable[[str, int, int], Cost]]] = {
    "Trio itself": _trio,
    "sync": _plainly,
    "asyncio, thread": _by_asyncio,
    "asyncio, guest mode": _by_asyncio_guest,
    "uvloop, thread": _by_uvloop,
    "uvloop, guest mode": _by_uvloop_guest,
}


def _ids(events: int) -> list[str]:
    return [f"job-{number}" for number in range(events)]


def _delay(event: JobEvent) -> float:
    return time.monotonic() - float(event.job.logs[0])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cost(times: list[float], delays: list[float], cpu: float, start: float) -> Cost:
    # The first ones include the cost of connections and caches.
    delays = delays[len(delays) // 5 :]
    return Cost(
        hop=1e6 * statistics.median(times),
        hop99=1e6 * statistics.quantiles(times, n=100)[98],
        items=len(times) / sum(times),
        delay=1e3 * statistics.median(delays),
        delay99=1e3 * statistics.quantiles(delays, n=100)[98],
        cpu=1e3 * cpu,
        start=1e3 * start,
    )


def main() -> None:
    """Measure all ways in turns, and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance.bridges")
    parser.add_argument("--quick", action="store_true", help="one short round")
    rounds, events, hops = (1, 1000, 1000) if parser.parse_args().quick else (5, 3000, 5000)
    costs: dict[str, list[Cost]] = {name: [] for name in _WAYS}
    with served(latency._serve) as base_url:  # noqa: SLF001 - the same server
        for number in range(rounds):
            for name in list(_WAYS)[:: -1 if number % 2 else 1]:
                costs[name].append(child(_WAYS[name], base_url, events, hops))
    print("| way | hop, µs (99th) | items/s | delay, ms (99th) | CPU, ms/event | start, ms |")
    print("|---|---|---|---|---|---|")
    for name, several in costs.items():
        median = {
            field.name: statistics.median(getattr(cost, field.name) for cost in several)
            for field in attrs.fields(Cost)
        }
        print(
            "| {name} | {hop:.0f} ({hop99:.0f}) | {items:,.0f} | {delay:.2f} ({delay99:.1f})"
            " | {cpu:.2f} | {start:.1f} |".format(name=name, **median)
        )


if __name__ == "__main__":
    main()
