"""A nursery for background tasks that lives as long as a block."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def background(close: Callable[[], Awaitable[None]]) -> AsyncIterator[trio.Nursery]:
    """Open a nursery for a block. Leaving the block cancels its tasks, then calls `close`.

    An error of the block is raised unchanged.
    """
    failure: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            # The nursery must not see the body's error, or it would raise it in a group.
            try:
                yield nursery
            except BaseException as error:  # noqa: BLE001, ASYNC103 - raised again below
                failure = error
            nursery.cancel_scope.cancel()
    finally:
        await close()  # noqa: ASYNC102 - the caller's, which bounds itself
        # Here, so that it is raised alone even while the task is being cancelled.
        if failure is not None:
            raise failure
