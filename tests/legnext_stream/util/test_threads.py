"""Blocking calls, and where they run."""

from __future__ import annotations

import threading

import trio

from legnext_stream._util.threads import run_blocking


def test_in_real_time_it_works_in_a_thread() -> None:
    """A blocking call doesn't block the event loop."""
    where = trio.run(run_blocking, threading.current_thread)
    assert where is not threading.main_thread()


async def test_in_virtual_time_it_works_at_once() -> None:
    """A virtual clock doesn't advance during a blocking call."""
    with trio.move_on_after(3600):
        assert await run_blocking(threading.current_thread) is threading.main_thread()
    assert trio.current_time() < 1
