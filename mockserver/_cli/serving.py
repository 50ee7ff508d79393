"""Serving until a signal arrives."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import trio

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 plus the number of the signal, as in shells."""
FAILED = 1
"""The exit status if the server can't start."""
WRONG_USAGE = 2
"""The exit status if an option or a file is wrong."""
CLOSED_PIPE = 141
"""The exit status if the reader of the output has gone away: a shell shows SIGPIPE so."""


class CantServeError(Exception):
    """Serving isn't possible; the message is for the user."""


def complain(problem: str) -> None:
    """Write a problem to standard error, line by line."""
    for line in problem.splitlines():
        print(f"legnext-mock: {line}", file=sys.stderr)  # noqa: T201 - a command's own voice


def serve_until_signal(
    serve: Callable[[str, int], AbstractAsyncContextManager[str]], host: str, port: int
) -> int:
    """Serve, with the URL as the only line of output, and return the exit status.

    `serve` serves on a host and a port while its context is open, and yields the URL.
    """
    try:
        return trio.run(_serve, serve, host, port)
    except CantServeError as error:
        complain(str(error))
        return FAILED
    except OSError as error:
        complain(f"can't listen on {host} port {port}: {error.strerror or error}")
        return FAILED


async def _serve(
    serve: Callable[[str, int], AbstractAsyncContextManager[str]], host: str, port: int
) -> int:
    # The handlers are installed before the first line of output: its reader may send a signal.
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with serve(host, port) as url:
            try:
                print(url, flush=True)  # noqa: T201 - this is what the command says
            except BrokenPipeError:
                return CLOSED_PIPE
            received = await anext(signals)
    return INTERRUPTED if received == signal.SIGINT else 0
