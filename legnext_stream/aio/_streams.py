"""Streams of status changes under asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from typing import Any, Generic, Self, TypeVar

from legnext_stream._bridges.reader import Reader
from legnext_stream._bridges.sources_aio import for_trio
from legnext_stream._bridges.stream import (
    BridgedStream,
    only,
    stream_closed,
    terminal,
    withdrawn_as,
)
from legnext_stream._bridges.trio_thread import Lease, Withdrawn
from legnext_stream._bridges.waiting_aio import INTERRUPTION, end, result, settle
from legnext_stream._core.model.events import Event_co
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._engine.delivery import Policy

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


async def _next(reader: Reader[T], lease: Callable[[], Lease]) -> T:
    with reader.alone():
        while True:
            await settle(reader.ask(), lease())
            try:
                return reader.take()
            except Withdrawn:
                continue  # an earlier read, which was cancelled
            except StopAsyncIteration:
                break
    raise StopAsyncIteration


class EventStream(BridgedStream[Event_co]):
    """The status changes of many jobs: an async iterator of events; see `legnext_stream.EventStream`.

    Use it in `async for` directly, or in `async with` to be sure that polling has stopped when the
    block is left. It is bound to no event loop: each call waits in the loop that is running.
    """

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event_co:
        """Wait for the next event. A call that is cancelled loses nothing: the next one returns the event.

        Asking for the next event acknowledges the one before; see
        `legnext_stream.EventStream.__anext__` for that, and for what is raised.
        """
        return await _next(self._reader, self._lease)

    async def __aenter__(self) -> Self:
        if self._reader.is_closed:
            raise stream_closed()
        lease = self._lease()
        call = lease.call(self._stream.__aenter__)
        try:
            with withdrawn_as(stream_closed):
                await result(call, lease)
        except INTERRUPTION:
            # The block is not entered, so `__aexit__` won't be called. If the stream has begun, close it.
            if call.outcome.done() and call.outcome.exception() is None:
                await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop polling and close what was opened. May be called again, and under cancellation."""
        self._reader.close()
        lease = self._open_lease()
        if lease is None or lease.is_inherited:
            return
        try:
            await result(lease.call(self._stream.aclose), lease)
        except Withdrawn:
            pass  # it was closed before, or its client was
        finally:
            if self._is_own:
                await end(lease)  # noqa: ASYNC102 - it bounds itself

    async def ack(self) -> None:
        """Acknowledge the event that was delivered last; see `legnext_stream.EventStream.ack`."""
        with self._reader.alone():
            if self._reader.is_closed:
                raise stream_closed()
            lease = self._lease()
            kept = self._reader.kept
            if kept is not None:
                # Asking for this event has acknowledged the one before. It was not delivered itself.
                await settle(kept, lease)
                if self._reader.has_kept(kept):
                    return
            with withdrawn_as(stream_closed):
                await result(lease.call(self._stream.ack), lease)

    def add(self, jobs: Iterable[str | Job] | AsyncIterable[str | Job]) -> None:
        """Watch more jobs; see `legnext_stream.EventStream.add`. From any thread."""
        self._add(for_trio(jobs))

    def subscribe(self, policy: Policy = "block") -> Subscription[Event_co]:
        """Give the events to a second consumer too; see `legnext_stream.EventStream.subscribe`.

        Another task may read it.
        """
        return Subscription(self._subscribe(policy), self._lease)

    def terminal(self) -> Selection[Event_co]:
        """Pick the last event of each job; see `legnext_stream.EventStream.terminal`."""
        return Selection(self, terminal)

    def only(self, *statuses: JobStatus | str) -> Selection[Event_co]:
        """Pick the events with one of these statuses; see `legnext_stream.EventStream.only`."""
        return Selection(self, only(statuses))


class Subscription(Generic[Event_co]):
    """The events of a watch for a second consumer: an async iterator; see `legnext_stream.Subscription`."""

    def __init__(self, reader: Reader[Event_co], lease: Callable[[], Lease]) -> None:
        self._reader = reader
        self._lease = lease

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event_co:
        """Wait for the next event; see `legnext_stream.Subscription.__anext__`."""
        return await _next(self._reader, self._lease)


class Selection(Generic[T_co]):
    """Some of the events of a stream: an async iterator; see `legnext_stream.Selection`.

    Attributes:
        stream: The stream.
    """

    def __init__(
        self, stream: EventStream[Event_co], pick: Callable[[Event_co], T_co | None]
    ) -> None:
        self.stream: EventStream = stream
        self._pick: Callable[[Any], T_co | None] = pick

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        """Wait for the next item; see `legnext_stream.EventStream.__anext__` for what is raised."""
        while True:
            item = self._pick(await anext(self.stream))
            if item is not None:
                return item

    async def __aenter__(self) -> Self:
        await self.stream.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.aclose()

    async def aclose(self) -> None:
        """Close the stream. May be called again."""
        await self.stream.aclose()
