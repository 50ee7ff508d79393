"""Serving the application on a socket, by the same server as in memory."""

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
"""How long a client may take for the head of a request, and for each portion of a body."""
# Requests that are under way when the server is told to stop get this long, in seconds.
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
    """Serve `app` for as long as the context is open.

    On leaving, idle connections end at once; requests that are under way have a second left.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 for any that is free.
        on_crash: Is told of the application's exceptions.
        door: Decides about each connection.
        idle_seconds: How long a client may take for the head of a request, from the connection or
            the last answer on, and for each portion of a body.

    Yields:
        The URL.

    Raises:
        OSError: The address can't be listened on.
    """
    patience = Patience(idle_seconds)

    async def handle(line: FaultyStream) -> None:
        await serve_connection(app, line, on_crash, patience)

    listening = Listening(handle, door, on_leaving=patience.end, grace=_GRACE)
    async with listening.on(host, port) as address:
        yield f"http://{address}"
