"""Blocking calls in threads, so that polling and the consumer go on meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import trio

_T = TypeVar("_T")


async def run_blocking(work: Callable[[], _T]) -> _T:
    """Run a blocking function in a thread.

    It can't be cancelled once it has begun, because its outcome has to be known. Under a virtual clock
    it runs in this thread: the clock would take the wait for idleness, and jump ahead.
    """
    testing = sys.modules.get("trio.testing")
    if testing is not None and isinstance(trio.lowlevel.current_clock(), testing.MockClock):
        await trio.lowlevel.checkpoint()
        return work()
    return await trio.to_thread.run_sync(work)
