"""Clients that poll jobs as fast as they can, with a number of requests in flight.

Each is measured for some seconds, after it has opened its connections, in its own process.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - what the vendor's client is used with
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

import httpcore
import httpx
import legnext
import trio

from legnext_stream import EventStream, LegnextClient, Pacing
from legnext_stream._core.answers import PollMeaning, read_poll

_PATIENCE: Final = 60.0
"""How long a request may take, in seconds: the vendor's default."""
_LEARNING: Final = 3.0
"""How long a watch takes to learn its rate, in seconds."""
_JOBS: Final = 1000
_IDS: Final = [str(UUID(int=number)) for number in range(_JOBS)]
_KEY: Final = "benchmark"

Ask: TypeAlias = Callable[[str], Awaitable[None]]
"""Polls a job, and decodes the answer."""
Asking: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Callable[[], Ask]]]
"""From the base URL and the number of workers: a function that makes each worker's poll."""


def requests_a_second(
    client: str, base_url: str, in_flight: int, seconds: float, certificates: str = ""
) -> float:
    """Measure a client by its name; run it in a process of its own.

    Args:
        client: Its name, in `CLIENTS`.
        base_url: Where the server is.
        in_flight: How many requests are in flight.
        seconds: For how long.
        certificates: A file with the certificates to trust, for https.
    """
    if certificates:
        os.environ["SSL_CERT_FILE"] = certificates
    return CLIENTS[client](base_url, in_flight, seconds)


def _by_workers(asking: Asking) -> Callable[[str, int, float], float]:
    """Measure Trio workers, one for each request in flight."""

    async def measured(base_url: str, in_flight: int, seconds: float) -> float:
        async with asking(base_url, in_flight) as worker:
            asks = [worker() for _ in range(in_flight)]
            # The first worker warms up, then all open their connections.
            await asks[0](_IDS[0])
            async with trio.open_nursery() as nursery:
                for ask in asks:
                    nursery.start_soon(ask, _IDS[0])
            return await _counted(asks, seconds)

    return lambda base_url, in_flight, seconds: trio.run(measured, base_url, in_flight, seconds)


async def _counted(asks: list[Ask], seconds: float) -> float:
    answers = 0
    began = time.perf_counter()

    async def work(ask: Ask, number: int) -> None:
        nonlocal answers
        while time.perf_counter() - began < seconds:
            await ask(_IDS[number % _JOBS])
            answers += 1
            number += len(asks)

    async with trio.open_nursery() as nursery:
        for number, ask in enumerate(asks):
            nursery.start_soon(work, ask, number)
    return answers / (time.perf_counter() - began)


def _ours(*, http2: bool) -> Asking:
    """As in a watch: the account's lanes, and decoding the answer."""

    @asynccontextmanager
    async def asking(base_url: str, in_flight: int) -> AsyncIterator[Callable[[], Ask]]:
        del in_flight
        async with LegnextClient(_KEY, base_url, http2=http2, request_timeout=_PATIENCE) as client:
            account = client._account  # noqa: SLF001 - the very part that is measured

            async def ask(job_id: str) -> None:
                seen = read_poll(job_id, await account.poll(job_id))
                if seen.meaning is not PollMeaning.SEEN:
                    raise RuntimeError(str(seen.error))

            yield lambda: ask

    return asking


def _watching(base_url: str, in_flight: int, seconds: float) -> float:
    """A whole watch of jobs that never end, with unlimited settings."""
    pacing = Pacing(
        min_interval=0.01,
        max_interval=0.01,
        max_rate=1e5,
        initial_rate=1e5,
        max_in_flight=in_flight,
    )

    async def read_on(events: EventStream) -> None:
        # Each job has one event. Without a consumer, polling would stop.
        async for _ in events:
            pass

    async def measured() -> float:
        async with LegnextClient(_KEY, base_url, pacing=pacing) as client:
            async with client.watch(_IDS, timeout=None) as events, trio.open_nursery() as nursery:
                nursery.start_soon(read_on, events)
                # The number of requests in flight is learned: it grows as long as that helps.
                await trio.sleep(_LEARNING)
                before, began = client.stats.polls, time.perf_counter()
                await trio.sleep(seconds)
                stats, took = client.stats, time.perf_counter() - began
                nursery.cancel_scope.cancel()
            if stats.troubles or stats.rate_limited:
                raise RuntimeError(f"{stats.troubles} polls failed: {stats.last_error}")
            return (stats.polls - before) / took

    return trio.run(measured)


@asynccontextmanager
async def _httpx_each(base_url: str, in_flight: int) -> AsyncIterator[Callable[[], Ask]]:
    """One httpx client for each worker, with one SSL context."""
    context = httpx.create_ssl_context()
    clients = [
        httpx.AsyncClient(
            base_url=base_url, headers={"x-api-key": _KEY}, verify=context, timeout=_PATIENCE
        )
        for _ in range(in_flight)
    ]
    asks = iter([_httpx_ask(client) for client in clients])
    yield lambda: next(asks)
    for client in clients:
        await client.aclose()


@asynccontextmanager
async def _httpx_shared(base_url: str, in_flight: int) -> AsyncIterator[Callable[[], Ask]]:
    """One httpx client for all workers, with enough connections."""
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(
        base_url=base_url, headers={"x-api-key": _KEY}, limits=limits, timeout=_PATIENCE
    ) as client:
        ask = _httpx_ask(client)
        yield lambda: ask


def _httpx_ask(client: httpx.AsyncClient) -> Ask:
    async def ask(job_id: str) -> None:
        (await client.get(f"/api/v1/job/{job_id}")).json()

    return ask


@asynccontextmanager
async def _httpcore_each(base_url: str, in_flight: int) -> AsyncIterator[Callable[[], Ask]]:
    """A pool of one connection for each worker, without httpx."""
    pools = [httpcore.AsyncConnectionPool(max_connections=1) for _ in range(in_flight)]
    left = iter(pools)

    def worker() -> Ask:
        pool = next(left)

        async def ask(job_id: str) -> None:
            url = f"{base_url}/api/v1/job/{job_id}"
            json.loads((await pool.request("GET", url, headers={"x-api-key": _KEY})).content)

        return ask

    yield worker
    for pool in pools:
        await pool.aclose()


def _vendors(base_url: str, in_flight: int, seconds: float) -> float:
    """The vendor's client as its documentation uses it: `gather` over jobs, repeatedly."""

    async def measured() -> float:
        async with legnext.AsyncClient(_KEY, base_url=f"{base_url}/api") as client:

            async def round_of_jobs() -> None:
                await asyncio.gather(*(client.tasks.get(job_id) for job_id in _IDS[:in_flight]))

            await round_of_jobs()
            answers = 0
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                await round_of_jobs()
                answers += in_flight
            return answers / (time.perf_counter() - began)

    return asyncio.run(measured())


def _sockets(base_url: str, in_flight: int, seconds: float) -> float:
    """Plain sockets with all connections kept busy: the limit of the server."""
    address = urlsplit(base_url)
    head = f"GET /api/v1/job/{_IDS[0]} HTTP/1.1\r\nhost: {address.netloc}\r\n\r\n".encode()
    with _connections((address.hostname, address.port), in_flight) as connections:
        answers = 0
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for connection in connections:
                connection.sendall(head)
            for connection in connections:
                connection.recv(65536)
            answers += in_flight
        return answers / (time.perf_counter() - began)


@contextmanager
def _connections(
    address: tuple[str | None, int | None], count: int
) -> Iterator[list[socket.socket]]:
    connections = [socket.create_connection(address) for _ in range(count)]
    yield connections
    for connection in connections:
        connection.close()


OURS: Final = "ours"
OURS_HTTP2: Final = "ours, HTTP/2 over TLS"
OURS_TLS: Final = "ours, HTTP/1.1 over TLS"
"""The name of `OURS` when it uses TLS."""
WATCH: Final = "ours, a whole watch"
VENDORS: Final = "the vendor's SDK, gather"
HTTPX_EACH: Final = "httpx, one client per worker"
HTTPX_SHARED: Final = "httpx, one client for all"
HTTPCORE_EACH: Final = "httpcore, one pool per worker"
SOCKETS: Final = "bare sockets"

CLIENTS: Final[Mapping[str, Callable[[str, int, float], float]]] = MappingProxyType(
    {
        OURS: _by_workers(_ours(http2=False)),
        OURS_HTTP2: _by_workers(_ours(http2=True)),
        WATCH: _watching,
        VENDORS: _vendors,
        HTTPX_EACH: _by_workers(_httpx_each),
        HTTPX_SHARED: _by_workers(_httpx_shared),
        HTTPCORE_EACH: _by_workers(_httpcore_each),
        SOCKETS: _sockets,
    }
)
