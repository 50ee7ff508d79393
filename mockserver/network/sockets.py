"""Serving the application on a socket, by hypercorn's Trio worker."""

from __future__ import annotations

import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import hypercorn.trio
import trio
from hypercorn.config import Config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

_BACKLOG = 1024
# Requests that are under way when the server is told to stop get this long, in seconds.
_GRACE = 1.0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def _config(listener: socket.socket) -> Config:
    config = Config()
    # Bound here rather than by hypercorn, so that a port in use is a plain OSError.
    config.bind = [f"fd://{listener.detach()}"]
    config.backlog = _BACKLOG
    config.graceful_timeout = _GRACE
    config.keep_alive_timeout = 60.0
    # The API closes no connection after so many requests, and a benchmark makes many.
    config.keep_alive_max_requests = 2**31
    # The date is the world's, and the server is a mock of another.
    config.include_date_header = False
    config.include_server_header = False
    config.loglevel = "ERROR"
    return config


@contextlib.asynccontextmanager
async def serve_app(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Serve `app` for as long as the context is open.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port; 0 for any that is free.

    Yields:
        The URL.

    Raises:
        OSError: The address can't be listened on.
    """
    listener = _listen(host, port)
    bound_to = listener.getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    stop = trio.Event()
    raised: BaseException | None = None
    async with trio.open_nursery() as nursery:
        await nursery.start(
            partial(
                hypercorn.trio.serve,
                cast("Any", app),  # hypercorn has its own names for the types of ASGI
                _config(listener),
                shutdown_trigger=stop.wait,
                mode="asgi",
            )
        )
        try:
            yield f"http://{name}:{bound_to}"
        except Exception as error:  # noqa: BLE001 - raised again below, outside of the nursery
            raised = error
        finally:
            stop.set()
    if raised is not None:
        # What the body raised comes out as it was, not in the nursery's group.
        raise raised
