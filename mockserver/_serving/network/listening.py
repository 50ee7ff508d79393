"""Listening on a socket: accepting connections, bounding their number, and closing."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import trio

from mockserver._serving.network.faulty import FaultyStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from mockserver._serving.network.acceptor import Door

MAX_CONNECTIONS: Final = 10_000
"""The most connections at once; further ones are reset."""


@attrs.define
class Listening:
    """A listening socket, and what happens to its connections.

    Attributes:
        handle: Serves one connection to its end.
        door: Chooses the faults of each connection, and when the socket doesn't listen.
        on_leaving: Called when no more connections are accepted.
        grace: How long the remaining connections then have, in seconds.
        max_connections: The most connections at once; further ones are reset.
    """

    handle: Callable[[FaultyStream], Awaitable[None]]
    door: Door
    on_leaving: Callable[[], None] = lambda: None
    grace: float = 0.0
    max_connections: int = MAX_CONNECTIONS
    _connections: int = attrs.field(default=0, init=False)

    @contextlib.asynccontextmanager
    async def on(self, host: str, port: int) -> AsyncIterator[str]:
        """Listen for as long as the context is open.

        Args:
            host: The address.
            port: The port; 0 for any that is free.

        Yields:
            Host and port, as in a URL.

        Raises:
            OSError: The address isn't available. It can also be raised later, if another program
                takes the address while a fault keeps the socket closed.
        """
        listeners = await _open(host, port)
        bound_to: int = listeners[0].socket.getsockname()[1]
        raised: BaseException | None = None

        async def keep_door() -> None:
            nonlocal raised
            try:
                await self._keep_door(listeners, host, bound_to, connections)
            except OSError as error:
                raised = error
                acceptor.cancel_scope.cancel()

        try:
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as acceptor:
                    acceptor.start_soon(keep_door)
                    try:
                        yield f"[{host}]:{bound_to}" if ":" in host else f"{host}:{bound_to}"
                    except BaseException as error:  # noqa: ASYNC103, BLE001 - raised again below
                        raised = raised or error
                    acceptor.cancel_scope.cancel()
                self.on_leaving()
                connections.cancel_scope.deadline = trio.current_time() + self.grace
        finally:
            if raised is not None:
                # The exception of the body comes out as it was, not in the nursery's group.
                raise raised

    async def _keep_door(
        self,
        listeners: list[trio.SocketListener],
        host: str,
        port: int,
        connections: trio.Nursery,
    ) -> None:
        """Accept connections, except while the door is shut."""
        while True:
            async with trio.open_nursery() as accepting:
                # `serve_listeners` closes the listeners when it is cancelled.
                accepting.start_soon(
                    partial(
                        trio.serve_listeners,
                        self._serve,
                        listeners,
                        handler_nursery=connections,
                    )
                )
                await self.door.until_shut()
                accepting.cancel_scope.cancel()
            await self.door.until_open()
            listeners = await _open(host, port)

    async def _serve(self, stream: trio.SocketStream) -> None:
        faulty = FaultyStream(stream, self.door.admit())
        if self._connections >= self.max_connections:
            await faulty.reset()
            return
        self._connections += 1
        try:
            await self.handle(faulty)
        finally:
            self._connections -= 1


async def _open(host: str, port: int) -> list[trio.SocketListener]:
    listeners = await trio.open_tcp_listeners(port, host=host)
    if port == 0:
        # A name can have several addresses, each of which would get another port.
        while len(listeners) > 1:
            await listeners.pop().aclose()
    return listeners
