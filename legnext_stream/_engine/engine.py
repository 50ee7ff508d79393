"""The engine of one watch: sends polls and takes in answers. Thin; the tracker decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

import trio

from legnext_stream._core.answers import Reply, read_poll
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker
from legnext_stream._engine.account import Account
from legnext_stream._engine.delivery import Buffer, Delivery
from legnext_stream._engine.extension import Extension, Hooks
from legnext_stream._engine.sources import Jobs, take_in
from legnext_stream.errors import StreamClosedError


class Engine:
    """Drives one tracker until all its jobs have ended and no more can come.

    It runs as a task of a nursery that is not the consumer's, and holds no reference to the stream
    it works for, so that losing the stream can end it.
    """

    def __init__(
        self,
        account: Account,
        jobs: Jobs,
        *,
        timeout: float | None,
        pacing: Pacing,
        owns_account: bool,
        extensions: Sequence[Extension] = (),
    ) -> None:
        self.scope: trio.CancelScope = trio.CancelScope()
        self.delivery: Delivery = Delivery()
        self.buffer: Buffer = self.delivery.open()
        self.finished: trio.Event = trio.Event()  # set when all is closed
        self.tracker: Tracker = Tracker(
            pacing=pacing, timeout=timeout, pacer=account.pacer, durations=account.durations
        )
        self._account = account
        self._owns_account = owns_account
        self._extensions = (*account.extensions(), *extensions)
        for extension in self._extensions:
            extension.watch = self
        self._hooks = Hooks(self._extensions)
        # The sources of ids: those that have not begun to come in, and how many may bring more.
        self._coming = [jobs]
        self._sources = 1
        self._is_over = False
        self._changed = trio.Event()
        # Events that an extension delays, and the nursery where it completes them.
        self._delayed = 0
        self._nursery: trio.Nursery | None = None
        self._released = trio.Event()

    def stop(self) -> None:
        """End the work at once."""
        self.scope.cancel()
        self._released.set()

    def release(self) -> None:
        """The consumer has met the end: it will acknowledge nothing more."""
        self._released.set()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Run to the end, or until the scope is cancelled; never raises anything else.

        An error goes to the consumers, who meet it at their loops.
        """
        failure: Exception | None = StreamClosedError("the stream was closed before its end")
        self._account.count_in(self, self.tracker)
        try:
            with self.scope:
                await self._work()
                failure = None
        # Starred, because an error can come together with a cancellation, which has to propagate: when
        # a source of ids fails while it is being closed, for example.
        except* Exception as errors:  # noqa: BLE001 - raised again, at the consumer's loop
            failure = bare(errors)
        finally:
            self._is_over = True
            if self._owns_account:
                await self._account.aclose()
            self._account.count_out(self, failure)
            for extension in self._extensions:
                extension.ended()
            self.delivery.close(failure)
            try:
                await self._close()  # noqa: ASYNC102 - to wait for the consumer; see there
            finally:
                self.finished.set()

    async def _close(self) -> None:
        """Close the extensions when the consumer has read, and acknowledged, to the end."""
        if not self._hooks.close:
            return
        try:
            await self._released.wait()
        finally:
            for close in self._hooks.close:
                await close()  # noqa: ASYNC102 - it shields itself

    async def _work(self) -> None:
        for extension in self._extensions:
            await extension.open()
        async with trio.open_nursery() as background:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                for extension in self._extensions:
                    for event in await extension.restore():
                        self._hand_out(self._annotated(event))
                for run in self._hooks.run:
                    background.start_soon(_protected, run)
                for produce in self._hooks.produce:
                    self._sources += 1
                    nursery.start_soon(self._produce, produce)
                await self._dispatch(nursery)
            background.cancel_scope.cancel()

    @trio.lowlevel.enable_ki_protection
    async def _produce(self, produce: Callable[[], Awaitable[None]]) -> None:
        await produce()
        self._source_ended()

    def _source_ended(self) -> None:
        self._sources -= 1
        if not self._sources:
            self.tracker.arrivals.expected = None
        self.wake()

    def add(self, jobs: Jobs) -> None:
        """Watch more jobs, from another source.

        Raises:
            StreamClosedError: The watch has ended.
        """
        if self._is_over:
            raise StreamClosedError("the watch has ended: its jobs had, and no more could come")
        self._sources += 1
        self._coming.append(jobs)
        self.wake()

    def remove(self, job_id: str) -> None:
        """Watch a job no longer, and discard its unread events.

        Raises:
            KeyError: It isn't watched.
        """
        self.tracker.remove(job_id)
        self.delivery.discard(job_id)
        for removed in self._hooks.removed:
            removed(job_id)
        self.wake()

    @trio.lowlevel.enable_ki_protection
    async def _take_in(self, jobs: Jobs) -> None:
        """Bring the ids of a source in, as they come."""
        self.tracker.arrivals.expect(jobs)
        await take_in(jobs, self._add)
        self._source_ended()

    async def _add(self, item: str | Job) -> None:
        tracker, hooks = self.tracker, self._hooks.taken
        known = tracker.known if hooks else 0
        events = tracker.add(trio.current_time(), item)
        if hooks and tracker.known > known:
            for taken in hooks:
                taken(item)
        if events:
            await self.delivery.wait_for_room()
        self.deliver(events)

    async def _dispatch(self, nursery: trio.Nursery) -> None:
        """Start each poll when the tracker says so; return when there is nothing left to watch."""
        # A poll goes to a task that waits here because its last one has ended. Only if there is none,
        # a new task is started, which costs more.
        idle, polls = trio.open_memory_channel[Poll](0)
        with idle:
            while self._sources or self.tracker.active or self._delayed:
                while self._coming:
                    nursery.start_soon(self._take_in, self._coming.pop(0))
                if self.delivery.is_full:
                    since = trio.current_time()
                    await self.delivery.wait_for_room()
                    self.tracker.resume(trio.current_time() - since)
                for before_step in self._hooks.before_step:
                    before_step()
                step = self.tracker.due(trio.current_time())
                if isinstance(step, Poll):
                    try:
                        idle.send_nowait(step)
                    except trio.WouldBlock:
                        nursery.start_soon(self._carry_out, step, polls)
                    continue
                if step == float("inf"):
                    # Other requests of the account may have used up the limit of requests in flight.
                    self._account.call_when_free(self.wake)
                with trio.move_on_at(step):
                    await self._changed.wait()
                self._changed = trio.Event()
        self._is_over = True

    @trio.lowlevel.enable_ki_protection
    async def _carry_out(self, poll: Poll, polls: trio.MemoryReceiveChannel[Poll]) -> None:
        """Send a poll, and those that come after it, until no more will come."""
        await self._poll(poll)
        async for another in polls:
            await self._poll(another)

    async def _poll(self, poll: Poll) -> None:
        try:
            answer = await self._account.poll(poll.job_id)
        except BaseException:
            self.tracker.abandon(trio.current_time(), poll)
            raise
        finally:
            self._account.free()
        seen = read_poll(poll.job_id, answer)
        size = len(answer.content) if isinstance(answer, Reply) else 0
        self.deliver(self.tracker.observe(trio.current_time(), seen), size)

    def deliver(self, events: Sequence[JobEvent], size: int = 0) -> None:
        """Take new events to the extensions and to the consumers; see `Watch.deliver`."""
        for event in events:
            annotated = self._annotated(event)
            for observed in self._hooks.observed:
                observed(annotated)
            self._hand_out(annotated, size)
        self.wake()

    def _annotated(self, event: JobEvent) -> JobEvent:
        for annotate in self._hooks.annotate:
            event = annotate(event)
        return event

    def _hand_out(self, event: JobEvent, size: int = 0) -> None:
        """Deliver an event, at once or when the extensions that delay it have completed it."""
        delaying = [each for each in self._hooks.delays if each.delays(event)]
        if delaying and self._nursery is not None:
            self._delayed += 1
            self._nursery.start_soon(self._complete, delaying, event, size)
        else:
            self.delivery.put(event, size)

    @trio.lowlevel.enable_ki_protection
    async def _complete(self, delaying: Sequence[Extension], event: JobEvent, size: int) -> None:
        for extension in delaying:
            event = await extension.complete(event)
        self.delivery.put(event, size)
        self._delayed -= 1
        self.wake()

    def wake(self) -> None:
        """Have the next step decided again: something has changed."""
        self._changed.set()

    @property
    def is_acknowledged(self) -> bool:
        """Whether an extension wants to know which events the consumer is done with."""
        return bool(self._hooks.acknowledged)

    def acknowledge(self, event: JobEvent) -> None:
        """The consumer is done with an event."""
        for acknowledged in self._hooks.acknowledged:
            acknowledged(event)

    async def flush(self) -> None:
        """Return when all acknowledgements have taken effect for good."""
        for flush in self._hooks.flush:
            await flush()


@trio.lowlevel.enable_ki_protection
async def _protected(run: Callable[[], Awaitable[None]]) -> None:
    await run()


def bare(error: Exception) -> Exception:
    """Return the one error of an error group, or the group if there really are several.

    When the API refuses the key, each poll under way is refused: that is one error to the consumer.
    """
    if not isinstance(error, ExceptionGroup):
        return error
    leaves = list(_leaves(error))
    kinds = {type(leaf) for leaf in leaves}
    return leaves[0] if len(kinds) == 1 else error


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
