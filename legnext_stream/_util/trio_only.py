"""A clear error for calls from asyncio, or from outside any event loop."""

from __future__ import annotations

import sys

import trio

from legnext_stream.errors import NotTrioError


def require_trio(what: str) -> None:
    """Check that Trio is running where `what` was called.

    Raises:
        NotTrioError: It isn't; the message says what to do.
    """
    if trio.lowlevel.in_trio_run():
        return
    asyncio = sys.modules.get("asyncio")
    inside_asyncio = asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - the public get_running_loop raises instead of answering
    where, bridge = (
        ("under asyncio", "legnext_stream.aio has the same for asyncio")
        if inside_asyncio
        else ("outside an event loop", "legnext_stream.sync has the same for plain code")
    )
    msg = f"{what} was used {where}; {bridge}. legnext_stream itself runs on Trio: put the call in an async function and start that with trio.run(main)"
    raise NotTrioError(msg)


def time_now() -> float | None:
    """The current Trio time in seconds; None outside of a Trio run."""
    return trio.current_time() if trio.lowlevel.in_trio_run() else None
