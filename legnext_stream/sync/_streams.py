# Generated from legnext_stream/aio/_streams.py by .ci/make_sync.py; don't edit.
"""Streams of status changes in synchronous code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, Self, TypeVar

from legnext_stream._bridges.reader import Reader
from legnext_stream._bridges.sources_sync import for_trio
from legnext_stream._bridges.stream import (
    BridgedStream,
    only,
    stream_closed,
    terminal,
    withdrawn_as,
)
from legnext_stream._bridges.trio_thread import Lease, Withdrawn
from legnext_stream._bridges.waiting_sync import INTERRUPTION, end, result, settle
from legnext_stream._core.model.events import Event_co
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._engine.delivery import Policy

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def _next(reader: Reader[T], lease: Callable[[], Lease]) -> T:
    with reader.alone():
        while True:
            settle(reader.ask(), lease())
            try:
                return reader.take()
            except Withdrawn:
                continue  # an earlier read, which was cancelled
            except StopAsyncIteration:
                break
    raise StopIteration


class EventStream(BridgedStream[Event_co]):
    """The status changes of many jobs: an iterator of events; see `legnext_stream.EventStream`.

    Use it in `for` directly, or in `with` to be sure that polling has stopped when the
    block is left. One thread at a time may iterate it; any thread may call the other methods.
    """

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event_co:
        """Wait for the next event. A call that Ctrl-C interrupts loses nothing: the next one returns the event.

        Asking for the next event acknowledges the one before; see
        `legnext_stream.EventStream.__anext__` for that, and for what is raised.
        """
        return _next(self._reader, self._lease)

    def __enter__(self) -> Self:
        if self._reader.is_closed:
            raise stream_closed()
        lease = self._lease()
        call = lease.call(self._stream.__aenter__)
        try:
            with withdrawn_as(stream_closed):
                result(call, lease)
        except INTERRUPTION:
            # The block is not entered, so `__exit__` won't be called. If the stream has begun, close it.
            if call.outcome.done() and call.outcome.exception() is None:
                self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop polling and close what was opened. May be called again, and from any thread."""
        self._reader.close()
        lease = self._open_lease()
        if lease is None or lease.is_inherited:
            return
        try:
            result(lease.call(self._stream.aclose), lease)
        except Withdrawn:
            pass  # it was closed before, or its client was
        finally:
            if self._is_own:
                end(lease)

    def ack(self) -> None:
        """Acknowledge the event that was delivered last; see `legnext_stream.EventStream.ack`."""
        with self._reader.alone():
            if self._reader.is_closed:
                raise stream_closed()
            lease = self._lease()
            kept = self._reader.kept
            if kept is not None:
                # Asking for this event has acknowledged the one before. It was not delivered itself.
                settle(kept, lease)
                if self._reader.has_kept(kept):
                    return
            with withdrawn_as(stream_closed):
                result(lease.call(self._stream.ack), lease)

    def add(self, jobs: Iterable[str | Job]) -> None:
        """Watch more jobs; see `legnext_stream.EventStream.add`. From any thread."""
        self._add(for_trio(jobs))

    def subscribe(self, policy: Policy = "block") -> Subscription[Event_co]:
        """Give the events to a second consumer too; see `legnext_stream.EventStream.subscribe`.

        Another thread may read it.
        """
        return Subscription(self._subscribe(policy), self._lease)

    def terminal(self) -> Selection[Event_co]:
        """Pick the last event of each job; see `legnext_stream.EventStream.terminal`."""
        return Selection(self, terminal)

    def only(self, *statuses: JobStatus | str) -> Selection[Event_co]:
        """Pick the events with one of these statuses; see `legnext_stream.EventStream.only`."""
        return Selection(self, only(statuses))


class Subscription(Generic[Event_co]):
    """The events of a watch for a second consumer: an iterator; see `legnext_stream.Subscription`."""

    def __init__(self, reader: Reader[Event_co], lease: Callable[[], Lease]) -> None:
        self._reader = reader
        self._lease = lease

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event_co:
        """Wait for the next event; see `legnext_stream.Subscription.__anext__`."""
        return _next(self._reader, self._lease)


class Selection(Generic[T_co]):
    """Some of the events of a stream: an iterator; see `legnext_stream.Selection`.

    Attributes:
        stream: The stream.
    """

    def __init__(
        self, stream: EventStream[Event_co], pick: Callable[[Event_co], T_co | None]
    ) -> None:
        self.stream: EventStream = stream
        self._pick: Callable[[Any], T_co | None] = pick

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T_co:
        """Wait for the next item; see `legnext_stream.EventStream.__anext__` for what is raised."""
        while True:
            item = self._pick(next(self.stream))
            if item is not None:
                return item

    def __enter__(self) -> Self:
        self.stream.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def close(self) -> None:
        """Close the stream. May be called again."""
        self.stream.close()
