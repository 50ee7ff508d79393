"""Serving a mock until a signal comes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import trio

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and the number of the signal, as shells have it."""
FAILED = 1
"""The exit status where it can't be done."""
WRONG_USAGE = 2
"""The exit status where the options can't be as they are."""


class CantServeError(Exception):
    """What is to be served can't be, for a reason of its own; the message is for the user."""


def complain(problem: str) -> None:
    """Say on standard error what is wrong; each line by itself."""
    for line in problem.splitlines():
        print(f"legnext-mock: {line}", file=sys.stderr)  # noqa: T201 - a command's own voice


def serve_until_told(
    serve: Callable[[str, int], AbstractAsyncContextManager[str]], host: str, port: int
) -> int:
    """Serve, with the URL as the only line of output, and return the exit status.

    Args:
        serve: Serves on a host and a port as long as its context is open, and gives the URL.
        host: The address to listen on.
        port: The port; 0 for any that is free.
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
    # The handlers stand before the first line is out: who has read it may send a signal.
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with serve(host, port) as url:
            print(url, flush=True)  # noqa: T201 - this is what the command says
            received = await anext(signals)
    return INTERRUPTED if received == signal.SIGINT else 0
