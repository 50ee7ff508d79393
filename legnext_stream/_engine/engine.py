"""The engine of one watch: carries polls out and observations in. Thin; the tracker decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import trio

from legnext_stream._core.answers import Reply, read_poll
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker
from legnext_stream._engine.account import Account
from legnext_stream._engine.delivery import Buffer, Delivery
from legnext_stream._engine.sources import Jobs, take_in
from legnext_stream._log import journal_resumed
from legnext_stream.errors import StreamClosedError

if TYPE_CHECKING:
    from legnext_stream._generate import Batch
    from legnext_stream._journal import Keeper
    from legnext_stream._webhooks import WebhookReceiver


class Engine:
    """Drives one tracker until all its jobs have ended and no more can come.

    It runs as a task of a nursery that is not the consumer's, and holds no reference to the stream
    it works for, so that losing the stream can end it.

    Args:
        account: Whose lanes and pace to use.
        jobs: The ids to watch.
        timeout: See `Tracker`.
        pacing: See `Tracker`.
        owns_account: Whether to close the account's lanes at the end.
        keeper: Keeps the watch's journal, or None. It stays open until `let_go` or `stop`.
        webhooks: Takes the API's callbacks, or None.
        batch: Submits jobs while they are watched, or None.
    """

    def __init__(
        self,
        account: Account,
        jobs: Jobs,
        *,
        timeout: float | None,
        pacing: Pacing,
        owns_account: bool,
        keeper: Keeper | None = None,
        webhooks: WebhookReceiver | None = None,
        batch: Batch | None = None,
    ) -> None:
        self.scope: trio.CancelScope = trio.CancelScope()
        self.delivery: Delivery = Delivery()
        self.buffer: Buffer = self.delivery.open()
        self.finished: trio.Event = trio.Event()
        self.tracker: Tracker = Tracker(
            pacing=pacing,
            timeout=timeout,
            pacer=account.pacer,
            durations=account.durations,
            callbacks=None if webhooks is None else webhooks.callbacks(),
        )
        self._ear = (
            None if webhooks is None else webhooks.ear(self.tracker, self._deliver, self._wake)
        )
        self._account = account
        self._owns_account = owns_account
        # The sources of ids: those that have not begun to come in, and how many may bring more.
        self._coming = [jobs]
        self._sources = 1
        self._is_over = False
        self._changed = trio.Event()
        self._is_called_when_free = False
        self._keeper = keeper
        self._batch = batch
        # Jobs whose end is told once their files are saved, and where that is done.
        self._saves = 0
        self._savers: trio.Nursery | None = None
        self._let_go = trio.Event()

    def stop(self) -> None:
        """End the work at once."""
        self.scope.cancel()
        self._let_go.set()

    def let_go(self) -> None:
        """The consumer has met the end: nothing more will be acknowledged."""
        self._let_go.set()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Run to the end, or until the scope is cancelled; never raises anything else.

        What goes wrong is left in the buffer, for the consumer to meet at its loop.
        """
        failure: Exception | None = StreamClosedError("the stream was closed before its end")
        self._account.count_in(self, self.tracker)
        if self._ear is not None:
            self._ear.open()
        try:
            with self.scope:
                await self._work()
                failure = None
        # Starred, for an error can come together with a cancellation, which has to go on: a source
        # of ids that fails while it is being closed, for example.
        except* Exception as errors:  # noqa: BLE001 - raised again, at the consumer's loop
            failure = bare(errors)
        finally:
            self._is_over = True
            if self._ear is not None:
                self._ear.close()
            if self._owns_account:
                await self._account.aclose()
            self._account.count_out(self, failure)
            self.delivery.close(failure)
            try:
                await self._close_journal()  # noqa: ASYNC102 - to wait for the consumer; see there
            finally:
                self.finished.set()

    async def _close_journal(self) -> None:
        """Close the journal when the consumer has read, and acknowledged, to the end."""
        if self._keeper is None:
            return
        try:
            await self._let_go.wait()
        finally:
            await self._keeper.close()  # noqa: ASYNC102 - it shields itself

    async def _work(self) -> None:
        async with trio.open_nursery() as nursery:
            self._savers = nursery
            if self._keeper is not None:
                await self._open_journal(self._keeper)
                nursery.start_soon(self._keeper.keep_up)
            if self._batch is not None:
                self._sources += 1
                nursery.start_soon(self._generate, self._batch)
            await self._dispatch(nursery)
            if self._keeper is not None:
                nursery.cancel_scope.cancel()

    async def _open_journal(self, keeper: Keeper) -> None:
        """Go on from where an earlier watch was."""
        await keeper.open()
        for name in self._account.learned():
            state = await keeper.learned(name)
            if state is not None:
                self._account.remember(name, state)
        if self._batch is not None:
            for event in await self._batch.restore(keeper):
                self.delivery.put(event)
        for event in await keeper.restore(self.tracker):
            self._tell(self._dressed(event))
        if self.tracker.known:
            journal_resumed(self.tracker.known, self.tracker.active)

    @trio.lowlevel.enable_ki_protection
    async def _generate(self, batch: Batch) -> None:
        await batch.run(self.tracker, self.delivery, self._deliver)
        self._sources -= 1
        self._wake()

    def add(self, jobs: Jobs) -> None:
        """Watch more jobs, from another source.

        Raises:
            StreamClosedError: The watch has ended.
        """
        if self._is_over:
            raise StreamClosedError("the watch has ended: its jobs had, and no more could come")
        self._sources += 1
        self._coming.append(jobs)
        self._wake()

    def remove(self, job_id: str) -> None:
        """Watch a job no longer; nothing more is told of it.

        Raises:
            KeyError: It isn't watched.
        """
        self.tracker.remove(job_id)
        self.delivery.discard(job_id)
        if self._batch is not None:
            self._batch.forget(job_id)
        if self._keeper is not None:
            self._keeper.removed(job_id)
        self._wake()

    @trio.lowlevel.enable_ki_protection
    async def _take_in(self, jobs: Jobs) -> None:
        """Bring the ids of a source in, as they come."""
        await take_in(jobs, self._add)
        self._sources -= 1
        self._wake()

    async def _add(self, item: str | Job) -> None:
        tracker, keeper = self.tracker, self._keeper
        known = 0 if keeper is None else tracker.known
        events = tracker.add(trio.current_time(), item)
        if keeper is not None and tracker.known > known:
            keeper.taken(item)
        if events:
            await self.delivery.wait_for_room()
        self._deliver(events)

    async def _dispatch(self, nursery: trio.Nursery) -> None:
        """Start each poll when the tracker says so; return when there is nothing left to watch."""
        # A poll goes to a task that has ended its last one and waits here for the next, and only if
        # there is none to a new task, which costs more.
        hand_over, polls = trio.open_memory_channel[Poll](0)
        with hand_over:
            while self._sources or self.tracker.active or self._saves:
                while self._coming:
                    nursery.start_soon(self._take_in, self._coming.pop(0))
                if self.delivery.is_full:
                    since = trio.current_time()
                    await self.delivery.wait_for_room()
                    self.tracker.resume(trio.current_time() - since)
                if self._ear is not None:
                    self._ear.take_in()
                step = self.tracker.due(trio.current_time())
                if isinstance(step, Poll):
                    try:
                        hand_over.send_nowait(step)
                    except trio.WouldBlock:
                        nursery.start_soon(self._carry_out, step, polls)
                    continue
                if step == float("inf"):
                    # It may be other requests of the account that take up all places in flight.
                    self._call_when_free()
                with trio.move_on_at(step):
                    await self._changed.wait()
                self._changed = trio.Event()
        self._is_over = True

    def _call_when_free(self) -> None:
        """Look again when a request of the account ends; asked for once until then."""
        if not self._is_called_when_free:
            self._is_called_when_free = True
            self._account.call_when_free(self._on_free)

    def _on_free(self) -> None:
        self._is_called_when_free = False
        self._wake()

    @trio.lowlevel.enable_ki_protection
    async def _carry_out(self, poll: Poll, polls: trio.MemoryReceiveChannel[Poll]) -> None:
        """Carry out a poll, and those that come after it, until no more will come."""
        await self._poll(poll)
        async for another in polls:
            await self._poll(another)

    async def _poll(self, poll: Poll) -> None:
        answered = False
        try:
            answer = await self._account.poll(poll.job_id)
            answered = True
        finally:
            if not answered:
                self.tracker.abandon(trio.current_time(), poll)
            self._account.free()
        seen = read_poll(poll.job_id, answer)
        size = len(answer.content) if isinstance(answer, Reply) else 0
        self._deliver(self.tracker.observe(trio.current_time(), seen), size)

    def _deliver(self, events: list[JobEvent], size: int = 0) -> None:
        follower = self._account.follower
        for event in events:
            if follower is not None:
                follower.told(self, event)
            told = self._dressed(event)
            if self._keeper is not None:
                self._keeper.observed(told)
            self._tell(told, size)
        self._wake()

    def _dressed(self, event: JobEvent) -> JobEvent:
        return event if self._batch is None else self._batch.dressed(event)

    def _tell(self, event: JobEvent, size: int = 0) -> None:
        """Hand an event out, at once or when the files of its job are saved."""
        batch, nursery = self._batch, self._savers
        if batch is not None and nursery is not None and batch.is_to_save(event):
            self._saves += 1
            nursery.start_soon(self._save, batch, event, size)
        else:
            self.delivery.put(event, size)

    @trio.lowlevel.enable_ki_protection
    async def _save(self, batch: Batch, event: JobEvent, size: int) -> None:
        self.delivery.put(await batch.save(event), size)
        self._saves -= 1
        self._wake()

    def _wake(self) -> None:
        self._changed.set()


def bare(error: Exception) -> Exception:
    """What an error group says: its one error, or the group if there really are several.

    When the API refuses the key, each poll under way is refused: that is one thing to tell.
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
