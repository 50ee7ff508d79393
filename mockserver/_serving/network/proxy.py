"""A proxy that puts a bad network before any server: the faults of connections, chosen by rules."""

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
from mockserver._serving.network.listening import Listening
from mockserver._world import Randomness

_MAX_BYTES: Final = 65536
_PORTS: Final = {"http": 80, "https": 443}


class FaultProxy:
    """Carries connections to a server, as badly as its rules have it.

    It knows bytes and no requests, so it will do for any server that speaks over TCP. A rule can
    choose connections by number (`nth`, `every`), by chance and by time; one that asks for a route,
    a method or a job meets none.

        proxy = FaultProxy("http://127.0.0.1:8080", [Rule(Reset(after_bytes=100), When(every=3))])
        async with proxy.serve() as url:
            ...

    Args:
        upstream: The URL of the server.
        faults: The rules; a bare fault meets every connection.
        seed: Decides what happens with a probability.
        clock: Gives the seconds by which the rules go; None for Trio's clock.
        allowed_hosts: Hosts of servers that it may lead to, beyond those of this machine.

    Raises:
        ValueError: `upstream` is no URL, or leads to a host that isn't allowed.
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
        """The rules; they can be changed at any time, for the connections that come after."""
        return self._faults

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Listen for as long as the context is open; on leaving, all connections end.

        Args:
            host: The address to listen on.
            port: The port; 0 for any that is free.

        Yields:
            The URL that now leads to the server.

        Raises:
            OSError: The address can't be listened on.
        """
        async with Listening(self._carry, self._door).on(host, port) as address:
            yield f"{self._scheme}://{address}"

    async def _carry(self, line: FaultyStream) -> None:
        """Carry one connection."""
        if line.is_silent:
            await line.receive_some()
            return
        try:
            upstream = await trio.open_tcp_stream(self._host, self._port)
        except OSError:
            await line.reset()
            return
        async with upstream, trio.open_nursery() as nursery:
            nursery.start_soon(_carry_requests, line, upstream, nursery.cancel_scope)
            with contextlib.suppress(*GONE):
                await _carry_answers(upstream, line)
            nursery.cancel_scope.cancel()
        await line.aclose()


async def _carry_requests(
    line: FaultyStream, upstream: trio.SocketStream, both: trio.CancelScope
) -> None:
    try:
        while data := await line.receive_some(_MAX_BYTES):
            # How the server ends is for its answers to tell.
            with contextlib.suppress(*GONE):
                await upstream.send_all(data)
    except GONE:
        both.cancel()
        return
    # The client may still wait for answers.
    with contextlib.suppress(*GONE):
        await upstream.send_eof()


async def _carry_answers(upstream: trio.SocketStream, line: FaultyStream) -> None:
    while True:
        try:
            data = await upstream.receive_some(_MAX_BYTES)
        except trio.BrokenResourceError:
            # What the server does to the proxy, the proxy does to the client.
            await line.reset()
            return
        if not data:
            return
        await line.send_all(data)
