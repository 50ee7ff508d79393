"""Where events wait for the consumer: at most one a job, so that memory can't grow with time."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio

from legnext_stream.core.events import JobEvent, merge


class Mailbox:
    """A queue of events with one reader, in which a job's newer event is merged into its older one.

    Args:
        capacity: How many jobs may have an undelivered event before `is_full`. Putting never
            blocks and never drops: whoever makes events stops making them while it is full.
        on_room: Called when an event has been read.
    """

    def __init__(self, capacity: float, on_room: Callable[[], None]) -> None:
        self._capacity = capacity
        self._events: dict[str, JobEvent] = {}
        self._delivered = 0
        self._is_closed = False
        self._failure: Exception | None = None
        self._arrived = trio.Event()
        self._on_room = on_room

    @property
    def is_full(self) -> bool:
        """Whether the reader is too far behind."""
        return len(self._events) >= self._capacity

    def put(self, event: JobEvent) -> None:
        """Take in an event; an undelivered one of the same job is merged with it."""
        older = self._events.get(event.job_id)
        self._events[event.job_id] = event if older is None else merge(older, event)
        self._arrived.set()

    def discard(self, job_id: str) -> None:
        """Take back what is undelivered of a job."""
        if self._events.pop(job_id, None) is not None:
            self._on_room()

    def close(self, failure: Exception | None = None) -> None:
        """Nothing more will come; what is in here can still be read, then the failure is raised."""
        self._is_closed = True
        self._failure = failure
        self._arrived.set()

    async def get(self) -> JobEvent:
        """The oldest undelivered event. If cancelled, nothing is lost.

        Raises:
            StopAsyncIteration: There is none, and none will come.
            Exception: The failure the mailbox was closed with, each time it is read again.
        """
        await trio.lowlevel.checkpoint()
        while not self._events:
            if self._failure is not None:
                raise self._failure
            if self._is_closed:
                raise StopAsyncIteration
            self._arrived = trio.Event()
            await self._arrived.wait()
        # No checkpoint from here on: an event that has left the mailbox reaches the reader.
        event = self._events.pop(next(iter(self._events)))
        self._on_room()
        # Numbered here and not where it was made: of two that were merged only one is delivered.
        self._delivered += 1
        return attrs.evolve(event, sequence=self._delivered)
