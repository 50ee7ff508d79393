"""The consumer's side of a watch: iterate it, leave it in any way, lose nothing."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

import trio

from legnext_stream.account import Account
from legnext_stream.core.events import JobEvent
from legnext_stream.core.explanation import Explanation
from legnext_stream.core.ids import check_job_id
from legnext_stream.core.jobs import Job
from legnext_stream.core.pacing import Pacing
from legnext_stream.core.stats import Stats
from legnext_stream.engine import Engine, Jobs
from legnext_stream.errors import StreamClosedError
from legnext_stream.trio_only import require_trio

# How long leaving waits for the engine to close its connections, seconds.
_LEAVING = 5.0


class EventStream:
    """The status changes of many jobs, as they are seen: an async iterator of `JobEvent`.

    Each job's events come in order and end with exactly one terminal event; the stream ends when
    all jobs have ended and no more can come. Use it in `async for` directly, or in `async with` to
    be sure that polling has stopped when the block is left.

    It is not made directly but by `watch` and `LegnextClient.watch`. It is a class and not an async
    generator because no nursery may be open across a `yield`: the engine runs in a nursery that is
    not the consumer's, and ends when the stream is closed, left, or lost.
    """

    def __init__(
        self,
        jobs: Jobs,
        *,
        account: Account,
        open_nursery: Callable[[], trio.Nursery] | None,
        timeout: float | None,
        pacing: Pacing,
    ) -> None:
        _check(jobs, timeout)
        self._engine = Engine(
            account, jobs, timeout=timeout, pacing=pacing, owns_account=open_nursery is None
        )
        self._account = account
        self._open_nursery = open_nursery
        self._is_started = False
        self._is_closed = False
        self._is_busy = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JobEvent:
        """The next event. A call that is cancelled loses nothing: iterate again and go on.

        Raises:
            StopAsyncIteration: All jobs have ended and no more can come.
            StreamClosedError: The stream was closed, or the client it belongs to.
            trio.BusyResourceError: Another task is waiting for the next event.
            LegnextError: What ended the watch as a whole; the same again at each further call.
        """
        self._start()
        if self._is_busy:
            raise trio.BusyResourceError("another task is waiting for this stream's next event")
        self._is_busy = True
        try:
            return await self._engine.mailbox.get()
        finally:
            self._is_busy = False

    async def __aenter__(self) -> Self:
        require_trio("an event stream")
        # Before the start: after a cancelled entry nobody would call `__aexit__`.
        await trio.lowlevel.checkpoint()
        self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close()  # noqa: ASYNC102 - it shields and bounds itself
        # Not where an error is on its way out: a cancellation would take its place.
        if error is None:
            await trio.lowlevel.checkpoint()  # noqa: ASYNC102 - all is closed; it may be cancelled

    async def aclose(self) -> None:
        """Stop polling and close what was opened. May be called again, and under cancellation."""
        await self._close()
        await trio.lowlevel.checkpoint()

    async def _close(self) -> None:
        self._is_closed = True
        self._engine.scope.cancel()
        if self._is_started:
            with trio.move_on_after(_LEAVING, shield=True):
                await self._engine.finished.wait()

    @property
    def stats(self) -> Stats:
        """The numbers of this watch, up to now."""
        tracker = self._engine.tracker
        return tracker.tally.snapshot(
            pacer=self._account.pacer,
            durations=self._account.durations,
            price=tracker.price,
            remaining=tracker.remaining,
        )

    def explain(self, job_id: str) -> Explanation:
        """Say why a job of this stream is next polled when it is.

        Raises:
            KeyError: The job is not watched, or has not come in yet.
        """
        require_trio("EventStream.explain")
        return self._engine.tracker.explain(trio.current_time(), job_id)

    def _start(self) -> None:
        """Start the engine, at the first use: only then is there surely a Trio run to start it in."""
        require_trio("an event stream")
        if self._is_closed:
            raise StreamClosedError("this stream was closed")
        if self._is_started:
            return
        engine = self._engine
        if self._open_nursery is None:
            trio.lowlevel.spawn_system_task(engine.run, name="legnext_stream.watch")
        else:
            self._open_nursery().start_soon(engine.run, name="legnext_stream.watch")
        self._is_started = True
        # For those who just stop iterating: the last reference goes, and the engine with it.
        lost = weakref.finalize(self, _cancel, trio.lowlevel.current_trio_token(), engine.scope)
        lost.atexit = False


def _cancel(token: trio.lowlevel.TrioToken, scope: trio.CancelScope) -> None:
    """Cancel from wherever the garbage collector happens to run."""
    try:
        token.run_sync_soon(scope.cancel)
    except trio.RunFinishedError:
        return  # and the engine with it


def _check(jobs: object, timeout: object) -> None:
    """Refuse what can't work before any request is sent."""
    if isinstance(jobs, str | bytes):
        msg = "watch() takes many job ids, not one string: write watch([job_id]), or wait(job_id)"
        raise TypeError(msg)
    if not (hasattr(jobs, "__iter__") or hasattr(jobs, "__aiter__")):
        msg = f"watch() takes an iterable or async iterable of job ids, not {jobs!r}"
        raise TypeError(msg)
    if timeout is not None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float):
            msg = f"timeout takes seconds or None, not {timeout!r}"
            raise TypeError(msg)
        if not timeout > 0:
            msg = f"timeout must be above 0 seconds, or None for never, not {timeout!r}"
            raise ValueError(msg)
    # A collection can be looked through twice; what comes one by one is checked as it comes.
    if isinstance(jobs, Collection):
        for item in jobs:
            check_job_id(item.job_id if isinstance(item, Job) else item)
