"""Serving on a socket, by the same server as in memory: accepting connections, and closing them."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from mockserver._serving.network.faulty import FaultyStream
from mockserver._serving.network.server import Patience, serve_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp

    from mockserver._serving.network.acceptor import Door

IDLE_SECONDS: Final = 60.0
"""How long a client may take for the head of a request, and for each part of a body, in seconds."""
MAX_CONNECTIONS: Final = 10_000
"""The most connections at once; further ones are reset."""
# How long requests in progress have when the server stops, in seconds.
_GRACE: Final = 1.0


@contextlib.asynccontextmanager
async def serve_app(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    on_crash: Callable[[Exception], None],
    door: Door,
    idle_seconds: float = IDLE_SECONDS,
) -> AsyncIterator[str]:
    """Serve `app` while the context is open, and yield its URL.

    On leaving, idle connections end at once, and requests in progress within a second.

    Raises:
        OSError: As `listen` does.
    """
    patience = Patience(idle_seconds)

    async def handle(stream: FaultyStream) -> None:
        await serve_connection(app, stream, on_crash, patience)

    async with listen(handle, door, host, port, on_leaving=patience.end, grace=_GRACE) as address:
        yield f"http://{address}"


@contextlib.asynccontextmanager
async def listen(
    handle: Callable[[FaultyStream], Awaitable[None]],
    door: Door,
    host: str,
    port: int,
    *,
    on_leaving: Callable[[], None] = lambda: None,
    grace: float = 0.0,
    max_connections: int = MAX_CONNECTIONS,
) -> AsyncIterator[str]:
    """Listen while the context is open, and yield host and port as in a URL; port 0 is any.

    `handle` serves one connection to its end. On leaving, no more are accepted, `on_leaving` is
    called, and the remaining connections have `grace` seconds.

    Raises:
        OSError: The address isn't available. It can also be raised later, if another program
            takes the address while a fault keeps the socket closed.
    """
    listeners = await _open(host, port)
    bound_to: int = listeners[0].socket.getsockname()[1]
    raised: BaseException | None = None
    served = 0

    async def serve(stream: trio.SocketStream) -> None:
        nonlocal served
        faulty = FaultyStream(stream, door.admit())
        if served >= max_connections:
            await faulty.reset()
            return
        served += 1
        try:
            await handle(faulty)
        finally:
            served -= 1

    async def accept() -> None:
        """Accept connections, except while the door is shut."""
        nonlocal listeners, raised
        try:
            while True:
                async with trio.open_nursery() as accepting:
                    # `serve_listeners` closes the listeners when it is cancelled.
                    accepting.start_soon(
                        partial(trio.serve_listeners, serve, listeners, handler_nursery=connections)
                    )
                    await door.until_shut()
                    accepting.cancel_scope.cancel()
                await door.until_open()
                listeners = await _open(host, bound_to)
        except OSError as error:
            raised = error
            acceptor.cancel_scope.cancel()

    try:
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as acceptor:
                acceptor.start_soon(accept)
                try:
                    yield f"[{host}]:{bound_to}" if ":" in host else f"{host}:{bound_to}"
                except BaseException as error:  # noqa: ASYNC103, BLE001 - raised again below
                    raised = raised or error
                acceptor.cancel_scope.cancel()
            on_leaving()
            connections.cancel_scope.deadline = trio.current_time() + grace
    finally:
        if raised is not None:
            # The exception of the body comes out as it was, not in the nursery's group.
            raise raised


async def _open(host: str, port: int) -> list[trio.SocketListener]:
    listeners = await trio.open_tcp_listeners(port, host=host)
    if port == 0:
        # A name can have several addresses, each of which would get another port.
        while len(listeners) > 1:
            await listeners.pop().aclose()
    return listeners
