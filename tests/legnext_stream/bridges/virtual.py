"""Virtual time for code off Trio: it passes only while all of it waits for the Trio side."""

from __future__ import annotations

import asyncio  # noqa: TID251 - `legnext_stream.aio` runs on it
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from unittest import mock

import pytest
import trio
import trio.testing

from legnext_stream._bridges import trio_thread, waiting_aio, waiting_sync
from mockserver._virtual import repeatable_scheduling

T = TypeVar("T")


class Interrupt(KeyboardInterrupt):
    """Like Ctrl-C, but can't be confused with a real one."""


class Outside:
    """The clock of the Trio run in the other thread, and ways to wait by it.

    The clock jumps only while all `parties` wait for calls, and not between the end of a call and
    the start of the next. So code off Trio may take as long as it likes.

    Attributes:
        parties: How many threads and tasks there are off Trio.
    """

    def __init__(self) -> None:
        self.parties = 1
        self.clock = trio.testing.MockClock()
        self._waiting = 0
        self._is_held = False
        self._sources = 0

    def begin(self) -> None:
        """Begin the Trio run, and keep it to the end, so that there is only one clock."""
        self._lease = trio_thread.Lease()

    def enter(self) -> None:
        """Count one more that waits. On the Trio side, like all that changes the clock."""
        self._waiting += 1
        self._is_held = False
        self._set()

    def leave(self) -> None:
        """Count one less that waits."""
        self._waiting -= 1
        self._set()

    def _set(self) -> None:
        may_jump = self._waiting >= self.parties and not self._is_held and not self._sources
        self.clock.autojump_threshold = 0 if may_jump else float("inf")

    def now(self) -> float:
        """The time, seconds."""
        return self._lease.run_sync(trio.current_time)

    def on_trio(self, work: Callable[[], Awaitable[T]]) -> T:
        """Call an async function on the Trio side, and wait for it."""
        return waiting_sync.result(self._lease.call(work), self._lease)

    def sleep(self, seconds: float) -> None:
        """Sleep, in synchronous code."""
        self.on_trio(partial(trio.sleep, seconds))

    async def asleep(self, seconds: float) -> None:
        """Sleep, under asyncio."""
        await waiting_aio.result(self._lease.call(partial(trio.sleep, seconds)), self._lease)

    @contextmanager
    def alarm(self, seconds: float) -> Iterator[trio_thread.Call[None]]:
        """Ring after a while, and stop the clock until the next call begins."""

        async def ring() -> None:
            await trio.sleep(seconds)
            self._is_held = True
            self._set()

        call = Uncounted(ring)
        self._lease._run.begin(self._lease._scope, call)  # type: ignore[arg-type]
        try:
            yield call
        finally:
            self._lease.call_off(call)

    def nap(self, seconds: float) -> trio_thread.Call[None]:
        """Sleep in a source. Between the end of one nap and the start of the next, the clock stands still."""

        async def sleep() -> None:
            self._sources = 0
            self._set()
            await trio.sleep(seconds)
            self._sources = 1
            self._set()

        call = Uncounted(sleep)
        self._lease._run.begin(self._lease._scope, call)  # type: ignore[arg-type]
        return call

    def no_more_naps(self) -> None:
        """Let the clock run again after the last nap."""

        def release() -> None:
            self._sources = 0
            self._set()

        self._lease._run.post(release)

    def end(self) -> None:
        """End the Trio run, and check that it ends: that nothing was left open."""
        run = self._lease._run
        self._lease.end().result()
        run.thread.join(10)
        if run.thread.is_alive():
            run.post(run.stop)  # or the next would begin in this one, whose time stands still
            run.thread.join(10)
            pytest.fail(f"{run.leases} have left something open")


class Uncounted(trio_thread.Call[T]):
    """A call that is not waited for."""


@contextmanager
def virtual_time() -> Iterator[Outside]:
    """Run Trio in virtual time, which stands still while code off Trio works."""
    real_run = trio.run
    outside = Outside()

    class Counted(trio_thread.Call[T]):
        """A call that is waited for."""

        async def run(self) -> None:
            """Call the function, while the clock may jump."""
            outside.enter()
            try:
                await super().run()
            finally:
                outside.leave()

    def run(main: Callable[[], Awaitable[None]]) -> None:
        real_run(main, clock=outside.clock)

    with (
        repeatable_scheduling(),
        mock.patch.object(trio, "run", run),
        mock.patch.object(trio_thread, "Call", Counted),
    ):
        outside.begin()
        try:
            yield outside
        finally:
            outside.end()


def first_of(call: trio_thread.Call[Any], alarm: trio_thread.Call[None]) -> bool:
    """Wait, in synchronous code, for a call or an alarm. Return whether the call is done."""
    some = threading.Event()
    for one in (call, alarm):
        one.outcome.add_done_callback(lambda _: some.set())
    some.wait()
    return call.outcome.done()


async def within(alarm: trio_thread.Call[None], work: Awaitable[T]) -> T:
    """Await something under asyncio, and cancel it when the alarm rings.

    Raises:
        TimeoutError: It rang, and the work was cancelled.
    """
    task = asyncio.ensure_future(work)
    ringing = asyncio.wrap_future(alarm.outcome)
    both: list[asyncio.Future[Any]] = [task, ringing]
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        # Whatever comes of the alarm now.
        ringing.add_done_callback(lambda future: future.cancelled() or future.exception())
    else:
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:  # noqa: ASYNC103 - it was ours
        pass
    raise TimeoutError
