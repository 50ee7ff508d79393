"""Where events wait for the consumer: at most one a job, so that memory can't grow with time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import attrs
import trio

from legnext_stream._core.model.events import JobEvent, merge

SHARE: Final = 64 * 1024
"""Bytes of an answer. Most have a few thousand; an event made of so many, or more, takes up the room
of several."""


class Mailbox:
    """A queue of events with one reader, in which a job's newer event is merged into its older one.

    Args:
        capacity: How many jobs may have an undelivered event before `is_full`. An event counts once
            more for each `SHARE` of the answer it was made of, since it holds all of it: so no more
            than `capacity` times `SHARE` is held, whatever the host answers. Putting never blocks
            and never drops: whoever makes events stops making them while it is full.
        on_room: Called when an event has been read.
    """

    def __init__(self, capacity: float, on_room: Callable[[], None]) -> None:
        self._capacity = capacity
        # Ordered, for a plain dict searches for its first item past all that have left it.
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
        """Whether the reader is too far behind."""
        return len(self._events) + self._extras >= self._capacity

    def put(self, event: JobEvent, size: int = 0) -> None:
        """Take in an event; an undelivered one of the same job is merged with it.

        Args:
            event: The event.
            size: That of the answer it was made of, bytes.
        """
        # A prompt without a job has nothing but its place.
        key = event.job_id or event.position
        older = self._events.get(key)
        self._events[key] = event if older is None else merge(older, event)
        self._count_extra(key, size // SHARE)
        self._arrived.set()

    def _count_extra(self, key: str | int | None, extra: int) -> None:
        if extra or key in self._extra:
            self._extras += extra - self._extra.pop(key, 0)
        if extra:
            self._extra[key] = extra

    def discard(self, job_id: str) -> None:
        """Take back what is undelivered of a job."""
        if self._events.pop(job_id, None) is not None:
            self._count_extra(job_id, 0)
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
        key, event = self._events.popitem(last=False)
        self._count_extra(key, 0)
        self._on_room()
        # Numbered here and not where it was made: of two that were merged only one is delivered.
        self._delivered += 1
        return attrs.evolve(event, sequence=self._delivered)
