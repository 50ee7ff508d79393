"""What blocks, and where it does."""

from __future__ import annotations

import threading

import trio

from legnext_stream._util.threads import off_the_event_path


def test_in_real_time_it_works_in_a_thread() -> None:
    """The disk's time is not taken from the event loop."""
    where = trio.run(off_the_event_path, threading.current_thread)
    assert where is not threading.main_thread()


async def test_in_virtual_time_it_works_at_once() -> None:
    """No hour passes on a virtual clock because a disk takes a millisecond."""
    with trio.move_on_after(3600):
        assert await off_the_event_path(threading.current_thread) is threading.main_thread()
    assert trio.current_time() < 1
