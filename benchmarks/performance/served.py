"""A server in a process of its own, so that it shares no interpreter with what is measured."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final

HOST: Final = "127.0.0.1"
"""Where such a server listens."""


@contextmanager
def served(serve: Callable[[Connection], None]) -> Iterator[str]:
    """The server's base URL, as long as this lasts.

    Args:
        serve: A function of a module. It listens on `HOST`, sends its port, and serves for ever.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://{HOST}:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
