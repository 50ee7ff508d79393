"""Waiting, under asyncio, for what is done on the Trio side."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from legnext_stream._bridges.trio_thread import Call, Lease
from legnext_stream.errors import ConfigurationError

T = TypeVar("T")

INTERRUPTION: Final = asyncio.CancelledError
"""What ends a wait from outside."""


def running_loop(what: str) -> asyncio.AbstractEventLoop:
    """The running event loop.

    Raises:
        ConfigurationError: There is none.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise ConfigurationError(
        f"{what} needs a running asyncio loop: on Trio use legnext_stream itself, in plain code legnext_stream.sync"
    )


async def settle(call: Call[T], lease: Lease) -> None:
    """Wait until a call has an outcome. A cancellation, or whatever else ends that, calls it off."""
    try:
        await _arrival(call.outcome)
    except BaseException:
        lease.call_off(call)
        raise


async def result(call: Call[T], lease: Lease) -> T:
    """Wait for what a call returns, or raises. When that is cancelled, the call is over, too.

    Raises:
        Withdrawn: The lease has ended meanwhile.
    """
    try:
        await settle(call, lease)
    except asyncio.CancelledError:
        await over(call.outcome)
        raise
    return call.outcome.result()


async def over(outcome: Future[Any]) -> None:
    """Wait for the end of something that bounds itself, whatever it is; a cancellation comes after.

    asyncio cancels once, and not again at the next wait, so it must not be swallowed.
    """
    cancellation: asyncio.CancelledError | None = None
    while not outcome.done():
        try:
            await _arrival(outcome)
        except asyncio.CancelledError as error:  # noqa: ASYNC103 - raised when it is over
            cancellation = error
    if cancellation is not None:
        raise cancellation


async def end(lease: Lease) -> None:
    """End a lease, and wait until all is closed that was opened through it."""
    ended = lease.end()
    await over(ended)
    ended.result()


async def _arrival(outcome: Future[Any]) -> None:
    """Wait, in whatever loop this is, until there is an outcome."""
    loop = running_loop("legnext_stream.aio")
    arrived = loop.create_future()

    def note() -> None:
        if not arrived.done():
            arrived.set_result(None)

    def wake(_: Future[Any]) -> None:
        # The loop may have been closed over whoever waited here; then nobody does.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(note)

    outcome.add_done_callback(wake)
    await arrived
