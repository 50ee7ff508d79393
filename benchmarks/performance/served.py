"""Servers in their own processes, so that they share no interpreter with the measured code."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final

HOST: Final = "127.0.0.1"
"""The address on which they listen."""


@contextmanager
def served(serve: Callable[[Connection], None]) -> Iterator[str]:
    """Run a server, and return its base URL.

    Args:
        serve: A module-level function that listens on `HOST`, sends its port, and serves forever.
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
