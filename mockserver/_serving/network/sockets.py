"""Serving an application on a socket, by the same server as in memory."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from mockserver._serving.network.listening import Listening
from mockserver._serving.network.server import Patience, serve_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

    from mockserver._serving.network.acceptor import Door
    from mockserver._serving.network.faulty import FaultyStream

IDLE_SECONDS: Final = 60.0
"""How long a client may take for the head of a request, and for each part of a body, in seconds."""
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
    """Serve `app` while the context is open.

    On leaving, idle connections end at once, and requests in progress within a second.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 for any that is free.
        on_crash: Called with the exceptions of the application.
        door: Chooses the faults of each connection.
        idle_seconds: How long a client may take for the head of a request, after the connection or
            the last answer, and for each part of a body.

    Yields:
        The URL.

    Raises:
        OSError: The address isn't available.
    """
    patience = Patience(idle_seconds)

    async def handle(stream: FaultyStream) -> None:
        await serve_connection(app, stream, on_crash, patience)

    listening = Listening(handle, door, on_leaving=patience.end, grace=_GRACE)
    async with listening.on(host, port) as address:
        yield f"http://{address}"
