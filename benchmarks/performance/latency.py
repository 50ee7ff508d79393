"""The delay from an answer to the consumer, at five hundred status changes a second.

A server in its own process writes the time of sending into each answer, by the machine's monotonic
clock, which both processes share. The consumer reads that clock when it gets the event. So the figure
includes everything in between: the kernel, HTTP, decoding, the tracker, delivery, and Trio's scheduling.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Final

import attrs
import trio

from benchmarks.performance.rounds import Row, child, figure_row
from benchmarks.performance.served import HOST, served
from legnext_stream import LegnextClient, Pacing

_EVENTS_A_SECOND: Final = 500
# The pacer stays a little below its limit, so the limit is above the wanted rate.
_PACING: Final = Pacing(max_rate=1.2 * _EVENTS_A_SECOND, initial_rate=1.2 * _EVENTS_A_SECOND)


@attrs.frozen
class Delays:
    """The delays of one round.

    Attributes:
        median: The median, milliseconds.
        p99: The 99th percentile, milliseconds.
    """

    median: float
    p99: float


def measure(quick: bool) -> list[Row]:  # noqa: FBT001 - every subject's signature
    """Run rounds of some seconds, each in its own process."""
    seconds, rounds = (2, 1) if quick else (8, 5)
    with served(_serve) as base_url:
        done = [child(_round, base_url, seconds * _EVENTS_A_SECOND) for _ in range(rounds)]
    name = f"answer sent → consumer continues, {_EVENTS_A_SECOND} events per second"
    return [
        figure_row(
            f"{name}, median",
            [one.median for one in done],
            unit="ms",
            target=1.0,
            at_least=False,
            quick_bound=20.0,
        ),
        figure_row(
            f"{name}, 99th percentile",
            [one.p99 for one in done],
            unit="ms",
            target=5.0,
            at_least=False,
        ),
    ]


def _round(base_url: str, events: int) -> Delays:
    return trio.run(_watch, base_url, events)


async def _watch(base_url: str, events: int) -> Delays:
    """Watch jobs that have all ended by the time they are polled: each poll makes an event."""
    # The first events include the cost of connections and caches.
    passed_over = events // 5
    ids = [f"job-{number}" for number in range(passed_over + events)]
    async with LegnextClient("benchmark", base_url, pacing=_PACING) as client:
        delays = [
            1000 * (time.monotonic() - float(event.job.logs[0]))
            async for event in client.watch(ids)
        ]
    return _summed_up(delays[passed_over:])


def _summed_up(delays: Sequence[float]) -> Delays:
    hundredths = statistics.quantiles(delays, n=100)
    return Delays(median=hundredths[49], p99=hundredths[98])


def _serve(starter: Connection) -> None:
    trio.run(_serve_all, starter)


async def _serve_all(starter: Connection) -> None:
    (listener,) = await trio.open_tcp_listeners(0, host=HOST)
    starter.send(listener.socket.getsockname()[1])
    await trio.serve_listeners(_answer, [listener])


async def _answer(stream: trio.SocketStream) -> None:
    """Answer the requests of one connection: the job is completed, and the answer was sent now."""
    try:
        # A request is small and arrives in one piece, and the next only after the answer.
        async for request in stream:
            job_id = request.split(b" ", 2)[1].rpartition(b"/")[2].decode()
            job = {"job_id": job_id, "status": "completed", "logs": [repr(time.monotonic())]}
            body = json.dumps(job).encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
            await stream.send_all(head.encode() + body)
    except trio.BrokenResourceError:
        return  # the client has closed the connection
