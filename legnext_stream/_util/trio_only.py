"""A clear word for those who call from asyncio, or from no event loop at all."""

from __future__ import annotations

import sys

import trio

from legnext_stream.errors import NotTrioError


def require_trio(what: str) -> None:
    """Check that a Trio run is under way.

    Raises:
        NotTrioError: There is none; the message says how to start one.
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
    msg = f"{what} was used {where}; {bridge}, and legnext_stream itself runs on Trio: put it in an async function and start that with trio.run(main)"
    raise NotTrioError(msg)


def time_now() -> float | None:
    """The time of the Trio run, seconds; None outside of one."""
    return trio.current_time() if trio.lowlevel.in_trio_run() else None
