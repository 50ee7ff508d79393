"""Waiting for the Trio side under asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from legnext_stream._bridges.trio_thread import Call, Lease
from legnext_stream.errors import ConfigurationError

T = TypeVar("T")

INTERRUPTION: Final = asyncio.CancelledError
"""What interrupts a wait."""


def running_loop(what: str) -> asyncio.AbstractEventLoop:
    """Return the running event loop, or raise an error that says what needs one."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise ConfigurationError(
        f"{what} needs a running asyncio loop: on Trio use legnext_stream itself, in synchronous code legnext_stream.sync"
    )


async def settle(call: Call[T], lease: Lease) -> None:
    """Wait until a call is done. If the wait is cancelled, or fails otherwise, cancel the call."""
    try:
        await _arrival(call.outcome)
    except BaseException:
        lease.call_off(call)
        raise


async def result(call: Call[T], lease: Lease) -> T:
    """Wait for what a call returns or raises. If the wait is cancelled, the call is done before it raises.

    Raises:
        Withdrawn: The lease has ended meanwhile.
    """
    try:
        await settle(call, lease)
    except asyncio.CancelledError:
        await wait_for(call.outcome)
        raise
    return call.outcome.result()


async def wait_for(outcome: Future[Any]) -> None:
    """Wait until something that takes only seconds is done, even if the task is cancelled meanwhile.

    asyncio doesn't cancel again at the next `await`, so the cancellation is raised at the end.
    """
    cancellation: asyncio.CancelledError | None = None
    while not outcome.done():
        try:
            await _arrival(outcome)
        except asyncio.CancelledError as error:  # noqa: ASYNC103 - raised when it is done
            cancellation = error
    if cancellation is not None:
        raise cancellation


async def end(lease: Lease) -> None:
    """End a lease, and wait until everything is closed that was opened through it."""
    ended = lease.end()
    await wait_for(ended)
    ended.result()


async def _arrival(outcome: Future[Any]) -> None:
    """Wait in the running event loop until there is an outcome."""
    loop = running_loop("legnext_stream.aio")
    arrived = loop.create_future()

    def note() -> None:
        if not arrived.done():
            arrived.set_result(None)

    def wake(_: Future[Any]) -> None:
        # The loop may have been closed meanwhile; then there is no task to wake.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(note)

    outcome.add_done_callback(wake)
    await arrived
