"""Delivery: events wait in one buffer for each consumer, at most one a job, until they are read."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, Literal, Self, TypeAlias, cast, get_args

import attrs
import trio

from legnext_stream._core.model.events import Event_co, JobEvent, merge

CAPACITY: Final = 1000
"""Events with which a buffer is full. That outlasts a pause of the consumer, and is not so many that
what it reads afterwards is stale."""

LARGE: Final = 64 * 1024
"""Bytes of an answer. Most have a few thousand; an event made from so many, or more, takes the room of
several."""

Policy: TypeAlias = Literal["block", "latest"]
"""What a subscription that is behind does: count as a full consumer, or let its events be merged."""


class Buffer:
    """The unread events of one consumer. A newer event of a job is merged into its older one.

    It is full when `capacity` jobs have an unread event. An event counts once more for each `LARGE`
    bytes of the answer it was made from, because it holds all of it. So no more than `capacity`
    times `LARGE` is held, whatever the host answers. `put` never blocks and never drops: what makes
    events has to stop while the buffer is full, until `on_room` is called because one has been
    read.
    """

    def __init__(self, capacity: float, on_room: Callable[[], None]) -> None:
        self._capacity = capacity
        # An OrderedDict, because a plain dict looks for its first item past all that have been removed.
        self._events: OrderedDict[str | int | None, JobEvent] = OrderedDict()
        # What large events count beyond one each, by job and in sum.
        self._extra: dict[str | int | None, int] = {}
        self._extras = 0
        self._delivered = 0
        self._is_closed = False
        self._failure: Exception | None = None
        self._arrived = trio.Event()
        self._on_room = on_room

    @property
    def is_full(self) -> bool:
        """Whether the consumer is too far behind."""
        return len(self._events) + self._extras >= self._capacity

    def put(self, event: JobEvent, size: int = 0) -> None:
        """Add an event, made from an answer of `size` bytes, or merge it with the job's unread one."""
        # A prompt without a job is known by its position alone.
        key = event.job_id or event.position
        older = self._events.get(key)
        self._events[key] = event if older is None else merge(older, event)
        self._count_extra(key, size // LARGE)
        self._arrived.set()

    def _count_extra(self, key: str | int | None, extra: int) -> None:
        if extra or key in self._extra:
            self._extras += extra - self._extra.pop(key, 0)
        if extra:
            self._extra[key] = extra

    def discard(self, job_id: str) -> None:
        """Remove the unread event of a job, if there is one."""
        if self._events.pop(job_id, None) is not None:
            self._count_extra(job_id, 0)
            self._on_room()

    def close(self, failure: Exception | None = None) -> None:
        """Add nothing more. What is unread can still be read; then the failure, if any, is raised."""
        self._is_closed = True
        self._failure = failure
        self._arrived.set()

    async def get(self) -> JobEvent:
        """Wait for the oldest unread event. A cancelled call loses nothing.

        Raises:
            StopAsyncIteration: The buffer is closed and empty.
            Exception: The failure the buffer was closed with, again at each further call.
        """
        await trio.lowlevel.checkpoint()
        while not self._events:
            if self._failure is not None:
                raise self._failure
            if self._is_closed:
                raise StopAsyncIteration
            self._arrived = trio.Event()
            await self._arrived.wait()
        # No checkpoint from here on: an event that has left the buffer reaches the consumer.
        key, event = self._events.popitem(last=False)
        self._count_extra(key, 0)
        self._on_room()
        # Numbered here and not where it was made: of two that were merged only one is delivered.
        self._delivered += 1
        return attrs.evolve(event, sequence=self._delivered)


class Delivery:
    """Puts each event into the buffers of all consumers.

    What makes events stops only while *every* buffer is full. So a consumer that is slow, or has
    stopped reading, does not slow the others down: in its buffer the changes of a job are merged. It
    also stops while delivery is paused.
    """

    def __init__(self) -> None:
        self._is_paused = False
        # Weak references, so that a buffer goes away with its consumer.
        self._buffers: list[weakref.ref[Buffer]] = []
        self._room = trio.Event()
        self._is_closed = False
        self._failure: Exception | None = None

    def open(self, capacity: float | None = None) -> Buffer:
        """Make a buffer for the events from now on."""
        buffer = Buffer(CAPACITY if capacity is None else capacity, self._on_room)
        self._buffers.append(weakref.ref(buffer, self._forget))
        if self._is_closed:
            buffer.close(self._failure)
        return buffer

    def _forget(self, gone: weakref.ref[Buffer]) -> None:
        # Called in whichever thread collects garbage, so it may do no more than this.
        self._buffers.remove(gone)

    def _all(self) -> list[Buffer]:
        return [buffer for ref in self._buffers if (buffer := ref()) is not None]

    def put(self, event: JobEvent, size: int = 0) -> None:
        """Put an event into every buffer; see `Buffer.put`."""
        for buffer in self._all():
            buffer.put(event, size)

    def discard(self, job_id: str) -> None:
        """Remove what is unread of a job from every buffer."""
        for buffer in self._all():
            buffer.discard(job_id)

    def close(self, failure: Exception | None = None) -> None:
        """Close every buffer; see `Buffer.close`."""
        self._is_closed, self._failure = True, failure
        for buffer in self._all():
            buffer.close(failure)

    def pause(self) -> None:
        """Have polling and submitting stop, as if all buffers were full."""
        self._is_paused = True

    def resume(self) -> None:
        """End a pause."""
        self._is_paused = False
        self._on_room()

    @property
    def is_full(self) -> bool:
        """Whether no buffer has room, or delivery is paused."""
        return self._is_paused or all(buffer.is_full for buffer in self._all())

    async def wait_for_room(self) -> None:
        """Wait until a buffer has room and delivery is not paused."""
        while self.is_full:
            # Several tasks may wait for the same event: a new one must not hide it from the others.
            if self._room.is_set():
                self._room = trio.Event()
            await self._room.wait()

    def _on_room(self) -> None:
        self._room.set()


class Subscription(Generic[Event_co]):
    """The events of a watch for one more consumer: an async iterator of `JobEvent`.

    `EventStream.subscribe` makes it. It ends when the watch does, or raises what the watch raises. To
    end it sooner, leave its loop and drop it; the watch goes on.
    """

    def __init__(self, delivery: Delivery, policy: Policy) -> None:
        if policy not in get_args(Policy):
            raise ValueError(f"policy must be 'block' or 'latest', not {policy!r}")
        self._buffer = delivery.open(None if policy == "block" else math.inf)
        self._is_busy = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event_co:
        """Wait for the next event. A cancelled call loses nothing: iterate again.

        Raises:
            StopAsyncIteration: All jobs have ended and no more can come.
            StreamClosedError: The watch was closed.
            trio.BusyResourceError: Another task is waiting for this subscription's next event.
            LegnextError: What ended the watch as a whole.
        """
        if self._is_busy:
            raise trio.BusyResourceError("another task is waiting for this subscription's event")
        self._is_busy = True
        try:
            return cast("Event_co", await self._buffer.get())
        finally:
            self._is_busy = False
