"""The consumer's side of a watch: how its events are read, picked and acknowledged, and how it is left."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import trio

from legnext_stream._core.model.events import Event, Event_co, JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.reasons import Explanation
from legnext_stream._core.stats import Stats
from legnext_stream._engine.account import Account
from legnext_stream._engine.delivery import Policy, Subscription
from legnext_stream._engine.engine import Engine
from legnext_stream._engine.extension import Extension
from legnext_stream._engine.sources import Jobs, check_jobs
from legnext_stream._util.trio_only import require_trio, time_now
from legnext_stream.errors import StreamClosedError

# How long leaving waits for the engine to close its connections, seconds.
_LEAVING = 5.0

T_co = TypeVar("T_co", covariant=True)


class EventStream(Generic[Event_co]):
    """The status changes of many jobs: an async iterator of `JobEvent`, or of `PromptEvent` by `generate`.

    Each job's events come in order and end with exactly one terminal event. The stream ends when all
    jobs have ended and no more can come. Use it in `async for` directly, or in `async with` to be sure
    that polling has stopped when the block is left.

    `watch`, `generate` and the methods of `LegnextClient` make it.
    """

    # A class and not an async generator, because no nursery may be open across a `yield`. The engine
    # runs in a nursery that is not the consumer's, and ends when the stream is closed, left, or lost.

    def __init__(
        self,
        jobs: Jobs,
        *,
        account: Account,
        open_nursery: Callable[[], trio.Nursery] | None,
        timeout: float | None,
        pacing: Pacing,
        extensions: Sequence[Extension] = (),
    ) -> None:
        _check(jobs, timeout)
        self._engine = Engine(
            account,
            jobs,
            timeout=timeout,
            pacing=pacing,
            owns_account=open_nursery is None,
            extensions=extensions,
        )
        # What the consumer has in hand, and whether an acknowledgement has not been flushed yet.
        self._delivered: JobEvent | None = None
        self._owes_flush = False
        self._account = account
        self._open_nursery = open_nursery
        self._is_started = False
        self._is_closed = False
        self._is_busy = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event_co:
        """Wait for the next event. A call that is cancelled loses nothing: iterate again.

        Asking for the next event acknowledges the one before. With a journal, the acknowledgement is
        on the disk before the next event is delivered.

        Raises:
            StopAsyncIteration: All jobs have ended and no more can come.
            StreamClosedError: The stream was closed, or the client it belongs to.
            trio.BusyResourceError: Another task is waiting for the next event.
            JournalError: The journal can't be written.
            LegnextError: What ended the watch as a whole; the same error at each further call.
        """
        self._start()
        with self._alone():
            await self._acknowledge()
            try:
                event = await self._engine.buffer.get()
            except Exception:
                # The end, good or bad: a journal is closed before the consumer learns of it.
                self._engine.release()
                with trio.move_on_after(_LEAVING, shield=True):
                    await self._engine.finished.wait()
                raise
            self._delivered = event
            return cast("Event_co", event)

    async def ack(self) -> None:
        """Acknowledge the event that was delivered last, before asking for the next.

        With a journal, this returns when the acknowledgement is on the disk. From then on the event
        will not be delivered again, whatever happens. Without a journal it does nothing.

        Raises:
            StreamClosedError: The stream was closed.
            trio.BusyResourceError: Another task is waiting for the next event.
            JournalError: The journal can't be written.
        """
        self._start()
        with self._alone():
            await trio.lowlevel.checkpoint()
            await self._acknowledge()

    async def _acknowledge(self) -> None:
        """Tell the extensions that the consumer is done with the event delivered last."""
        engine = self._engine
        if not engine.is_acknowledged or engine.finished.is_set():
            return
        if self._delivered is not None:
            engine.acknowledge(self._delivered)
            self._delivered = None
            self._owes_flush = True
        # Also for an earlier call that was cancelled meanwhile.
        if self._owes_flush:
            await engine.flush()
            self._owes_flush = False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._is_busy:
            raise trio.BusyResourceError("another task is waiting for this stream's next event")
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    async def __aenter__(self) -> Self:
        require_trio("an event stream")
        # Before the start, because `__aexit__` is not called if the entry is cancelled.
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
        # Not if there is an error: a cancellation would replace it.
        if error is None:
            await trio.lowlevel.checkpoint()  # noqa: ASYNC102 - all is closed; it may be cancelled

    async def aclose(self) -> None:
        """Stop polling and close what was opened. May be called again, and under cancellation."""
        await self._close()
        await trio.lowlevel.checkpoint()

    async def _close(self) -> None:
        self._is_closed = True
        self._engine.stop()
        if self._is_started:
            with trio.move_on_after(_LEAVING, shield=True):
                await self._engine.finished.wait()

    def add(self, jobs: Jobs) -> None:
        """Watch more jobs.

        A stream ends when all its jobs have ended and no more can come. To add jobs for as long as you
        like, watch a Trio channel instead.

        Args:
            jobs: Job ids or `Job`s: any iterable or async iterable. A job that is or was watched
                already changes nothing.

        Raises:
            InvalidJobId: One of the first 10,000 items of a collection can't be a job id. A later item,
                or one of another iterable, ends the watch with this error instead.
            TypeError: `jobs` is not iterable, or one string.
            StreamClosedError: The stream has ended or was closed.
        """
        check_jobs(jobs)
        self._start()
        self._engine.add(jobs)

    def remove(self, job_id: str) -> None:
        """Stop watching a job. No more of its events are delivered, not even unread ones.

        It may be added again, and is then watched as if for the first time.

        Raises:
            KeyError: It isn't watched: it has not come in yet, or has ended.
            StreamClosedError: The stream was closed.
        """
        self._start()
        self._engine.remove(job_id)
        if self._delivered is not None and self._delivered.job_id == job_id:
            self._delivered = None

    def subscribe(self, policy: Policy = "block") -> Subscription[Event_co]:
        """Give the events to one more consumer, which reads them at its own speed.

        A subscription gets every event from now on, with sequence numbers of its own. A slow consumer
        does not slow the others down: the unread changes of a job are merged into one event, and its
        end is never lost.

        Args:
            policy: `"block"`: polling pauses while this consumer, and all others, have 1,000 unread
                events, or fewer that were made from very large answers. `"latest"`: polling never
                waits for this consumer; its unread events are merged.

        Raises:
            StreamClosedError: The stream was closed.
            ValueError: There is no such policy.
        """
        self._start()
        return Subscription(self._engine.delivery, policy)

    def terminal(self) -> Selection[Event_co]:
        """Pick the terminal event of each job: an async iterator over this same stream.

        Events that it skips are acknowledged like those that it returns: by asking for the next.
        """
        return _only(self, frozenset(status for status in JobStatus if status.is_terminal))

    def only(self, *statuses: JobStatus | str) -> Selection[Event_co]:
        """Pick the events with one of these statuses: an async iterator over this same stream.

        An unread change is merged into the job's next one, so a status that is not terminal may be
        missing. Events that it skips are acknowledged like those that it returns: by asking for the
        next.

        Args:
            statuses: `JobStatus` members or their values, such as `"completed"`.

        Raises:
            ValueError: There is no such status, or none was given.
        """
        if not statuses:
            raise ValueError("only() takes the statuses to let through, and was given none")
        return _only(self, frozenset(map(JobStatus, statuses)))

    @property
    def stats(self) -> Stats:
        """The numbers of this watch, up to now."""
        tracker = self._engine.tracker
        return tracker.tally.snapshot(
            pacer=self._account.pacer,
            durations=self._account.durations,
            price=tracker.price,
            left=tracker.time_left(time_now()),
            server_speed=tracker.server_speed,
        )

    def explain(self, job_id: str) -> Explanation:
        """Explain when a job of this stream is polled next, and why.

        Raises:
            KeyError: The job is not watched, or has not come in yet.
        """
        require_trio("EventStream.explain")
        return self._engine.tracker.explain(trio.current_time(), job_id)

    def _start(self) -> None:
        """Start the engine at the first use, because there may be no Trio run before."""
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
        # If the consumer just stops iterating, the engine ends with the last reference to the stream.
        lost = weakref.finalize(self, _stop, trio.lowlevel.current_trio_token(), engine.stop)
        lost.atexit = False


class Selection(Generic[T_co]):
    """Some of what a stream delivers: an async iterator over the same stream.

    `EventStream.terminal`, `EventStream.only` and `as_completed` make it. It ends when the stream does,
    raises what the stream raises, and is left as the stream is: use it in `async for` directly, or in
    `async with` to be sure that polling has stopped when the block is left. An event that it skips is
    acknowledged like one that it returns: by asking for the next.

    Attributes:
        stream: The stream behind it, for its `stats`, `explain`, `add` and `remove`. Events that are
            taken from the stream itself are missing from the selection.
    """

    def __init__(
        self, stream: EventStream[Event_co], pick: Callable[[Event_co], T_co | None]
    ) -> None:
        self.stream: EventStream = stream
        self._pick: Callable[[Any], T_co | None] = pick

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        """Wait for the next item. A cancelled call loses nothing: iterate again.

        Raises:
            StopAsyncIteration: All jobs have ended and no more can come.
            LegnextError: What `EventStream.__anext__` raises.
            trio.BusyResourceError: Another task is waiting for the stream's next event.
        """
        while True:
            item = self._pick(await anext(self.stream))
            if item is not None:
                return item

    async def __aenter__(self) -> Self:
        await self.stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stream.__aexit__(kind, error, traceback)  # noqa: ASYNC102 - it bounds itself

    async def aclose(self) -> None:
        """Close the stream. May be called again, and under cancellation."""
        await self.stream.aclose()


def _only(stream: EventStream[Event], statuses: frozenset[JobStatus]) -> Selection[Event]:
    return Selection(stream, lambda event: event if event.status in statuses else None)


def _stop(token: trio.lowlevel.TrioToken, stop: Callable[[], None]) -> None:
    """Stop an engine from whichever thread the garbage collector runs in."""
    try:
        token.run_sync_soon(stop)
    except trio.RunFinishedError:
        return  # and the engine with it


def _check(jobs: object, timeout: object) -> None:
    """Refuse bad arguments before any request is sent."""
    check_jobs(jobs)
    if timeout is not None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float):
            msg = f"timeout takes seconds or None, not {timeout!r}"
            raise TypeError(msg)
        if not timeout > 0:
            msg = f"timeout must be above 0 seconds, or None for never, not {timeout!r}"
            raise ValueError(msg)
