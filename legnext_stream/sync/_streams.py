# Generated from legnext_stream/aio/_streams.py by .ci/make_sync.py; don't edit.
"""Streams of status changes in synchronous code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

from legnext_stream._bridges.reader import Reader
from legnext_stream._bridges.sources_sync import outward
from legnext_stream._bridges.stream import BridgedStream, only, stream_closed, terminal, told_as
from legnext_stream._bridges.trio_thread import Lease, Withdrawn
from legnext_stream._bridges.waiting_sync import INTERRUPTION, end, result, settle
from legnext_stream._core.model.events import JobEvent
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
                continue  # an earlier read, which was given up
            except StopAsyncIteration:
                break
    raise StopIteration


class EventStream(BridgedStream):
    """The status changes of many jobs, as they are seen: an iterator of `JobEvent`.

    It is `legnext_stream.EventStream` in synchronous code, made by `watch` and `LegnextClient.watch`. Use it
    in `for` directly, or in `with` to be sure that polling has stopped when the block is
    left. One thread at a time may iterate it; any thread may call the other methods.
    """

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> JobEvent:
        """The next event. A call that Ctrl-C interrupts loses nothing: iterate again and go on.

        Asking for the next acknowledges the one before; with a journal, that is on the disk before
        the next is delivered.

        Raises:
            StopIteration: All jobs have ended and no more can come.
            StreamClosedError: The stream was closed, or the client it belongs to.
            trio.BusyResourceError: Another thread is waiting for the next event.
            JournalError: The journal can't be written.
            LegnextError: What ended the watch as a whole; the same again at each further call.
        """
        return _next(self._reader, self._lease)

    def __enter__(self) -> Self:
        if self._reader.is_closed:
            raise stream_closed()
        lease = self._lease()
        call = lease.call(self._stream.__aenter__)
        try:
            with told_as(stream_closed):
                result(call, lease)
        except INTERRUPTION:
            # Nobody will leave what was not entered; if it has begun all the same, it ends here.
            if call.outcome.done() and call.outcome.exception() is None:
                self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        """Acknowledge the event that was delivered last; see `legnext_stream.EventStream.ack`.

        Raises:
            StreamClosedError: The stream was closed.
            trio.BusyResourceError: Another thread is waiting for the next event.
            JournalError: The journal can't be written.
        """
        with self._reader.alone():
            if self._reader.is_closed:
                raise stream_closed()
            lease = self._lease()
            kept = self._reader.kept
            if kept is not None:
                # Asking for it has acknowledged the one before; it is not delivered itself.
                settle(kept, lease)
                if self._reader.has_kept(kept):
                    return
            with told_as(stream_closed):
                result(lease.call(self._stream.ack), lease)

    def add(self, jobs: Iterable[str | Job]) -> None:
        """Watch more jobs; see `legnext_stream.EventStream.add`. From any thread.

        Args:
            jobs: As `watch` takes them.

        Raises:
            InvalidJobId: One of the first 10,000 items of a collection can't be a job id. One that
                comes later, or from another iterable, is refused at the loop, and ends the watch.
            TypeError: `jobs` is not iterable, or one string.
            StreamClosedError: The stream has ended or was closed.
        """
        self._add(outward(jobs))

    def subscribe(self, policy: Policy = "block") -> Subscription:
        """Follow this watch a second time; see `legnext_stream.EventStream.subscribe`.

        Another thread may read it, and none slows another.

        Args:
            policy: Whether polling pauses for this one's sake (`"block"`) or never does (`"latest"`).

        Raises:
            StreamClosedError: The stream was closed.
            ValueError: There is no such policy.
        """
        return Subscription(self._subscribe(policy), self._lease)

    def terminal(self) -> Selection[JobEvent]:
        """Only the last event of each job; see `legnext_stream.EventStream.terminal`."""
        return Selection(self, terminal)

    def only(self, *statuses: JobStatus | str) -> Selection[JobEvent]:
        """Only the events with one of these statuses; see `legnext_stream.EventStream.only`.

        Args:
            statuses: As `JobStatus` or in its words, e.g. `"completed"`.

        Raises:
            ValueError: There is no such status, or none was given.
        """
        return Selection(self, only(statuses))


class Subscription:
    """The events of a watch once more: an iterator of `JobEvent`, made by `EventStream.subscribe`.

    See `legnext_stream.Subscription`.
    """

    def __init__(self, reader: Reader[JobEvent], lease: Callable[[], Lease]) -> None:
        self._reader = reader
        self._lease = lease

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> JobEvent:
        """The next event. A call that Ctrl-C interrupts loses nothing: iterate again and go on.

        Raises:
            StopIteration: All jobs have ended and no more can come.
            StreamClosedError: The watch was closed.
            trio.BusyResourceError: Another thread is waiting for this subscription's next event.
            LegnextError: What ended the watch as a whole.
        """
        return _next(self._reader, self._lease)


class Selection(Generic[T_co]):
    """Some of what a stream tells: an iterator over the same stream.

    See `legnext_stream.Selection`.

    Attributes:
        stream: The stream behind it.
    """

    def __init__(self, stream: EventStream, pick: Callable[[JobEvent], T_co | None]) -> None:
        self.stream: EventStream = stream
        self._pick = pick

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T_co:
        """The next one that is wanted; see `EventStream.__next__`.

        Raises:
            StopIteration: All jobs have ended and no more can come.
            LegnextError: What the stream raises.
        """
        while True:
            item = self._pick(next(self.stream))
            if item is not None:
                return item

    def __enter__(self) -> Self:
        self.stream.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stream.close()

    def close(self) -> None:
        """Close the stream. May be called again."""
        self.stream.close()
