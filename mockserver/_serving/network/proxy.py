"""A TCP proxy that simulates a bad network in front of any server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from typing import Final

import httpx
import trio

from mockserver._faults import Fault, Faults, Rule
from mockserver._serving.clocks import WorldClock
from mockserver._serving.network.acceptor import Door
from mockserver._serving.network.destinations import why_refused
from mockserver._serving.network.faulty import GONE, FaultyStream
from mockserver._serving.network.sockets import listen
from mockserver._world.randomness import Randomness

_MAX_BYTES: Final = 65536
_PORTS: Final = {"http": 80, "https": 443}


class FaultProxy:
    """Forwards connections to a server, with the faults that its rules choose.

    It knows bytes but no requests, so it works with any server over TCP. A rule can choose
    connections by number (`nth`, `every`), by probability and by time; a rule with a route, a
    method or a job chooses none.

        proxy = FaultProxy("http://127.0.0.1:8080", [Rule(Reset(after_bytes=100), When(every=3))])
        async with proxy.serve() as url:
            ...

    Args:
        upstream: The URL of the server.
        faults: The rules; a bare fault applies to all connections.
        seed: The seed of the probabilities.
        clock: Gives the seconds for the rules; None for Trio's clock.
        allowed_hosts: Hosts that `upstream` may name, in addition to this machine.

    Raises:
        ValueError: `upstream` isn't a URL, or names a host that isn't allowed.
    """

    def __init__(
        self,
        upstream: str,
        faults: Iterable[Rule | Fault] = (),
        *,
        seed: int = 0,
        clock: Callable[[], float] | None = None,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        if (reason := why_refused(upstream, allowed_hosts)) is not None:
            raise ValueError(f"no proxy to {upstream}: {reason}")
        url = httpx.URL(upstream)
        self._scheme = url.scheme
        self._host = url.host
        self._port = url.port or _PORTS[url.scheme]
        self._faults = Faults(faults, Randomness(seed))
        self._door = Door(self._faults, WorldClock(clock, 1.0), knows_requests=False)

    @property
    def faults(self) -> Faults:
        """The rules; changes apply to later connections."""
        return self._faults

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Listen while the context is open; on leaving, all connections end.

        Args:
            host: The address to listen on.
            port: The port; 0 for any that is free.

        Yields:
            The URL of the proxy.

        Raises:
            OSError: The address isn't available.
        """
        async with listen(self._forward, self._door, host, port) as address:
            yield f"{self._scheme}://{address}"

    async def _forward(self, client: FaultyStream) -> None:
        """Forward one connection."""
        if client.is_silent:
            await client.receive_some()
            return
        try:
            upstream = await trio.open_tcp_stream(self._host, self._port)
        except OSError:
            await client.reset()
            return
        async with upstream, trio.open_nursery() as nursery:
            nursery.start_soon(_forward_requests, client, upstream, nursery.cancel_scope)
            with contextlib.suppress(*GONE):
                await _forward_answers(upstream, client)
            nursery.cancel_scope.cancel()
        await client.aclose()


async def _forward_requests(
    client: FaultyStream, upstream: trio.SocketStream, both: trio.CancelScope
) -> None:
    try:
        while data := await client.receive_some(_MAX_BYTES):
            # How the server ended shows where its answers are read.
            with contextlib.suppress(*GONE):
                await upstream.send_all(data)
    except GONE:
        both.cancel()
        return
    # The client may still be waiting for answers.
    with contextlib.suppress(*GONE):
        await upstream.send_eof()


async def _forward_answers(upstream: trio.SocketStream, client: FaultyStream) -> None:
    while True:
        try:
            data = await upstream.receive_some(_MAX_BYTES)
        except trio.BrokenResourceError:
            # A reset by the server is passed on to the client.
            await client.reset()
            return
        if not data:
            return
        await client.send_all(data)
