"""What the event streams of both bridges have in common: all that doesn't wait for news."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from legnext_stream._bridges.reader import Reader
from legnext_stream._bridges.trio_thread import Lease, Withdrawn
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.explanation import Explanation
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.stats import Stats
from legnext_stream._engine.delivery import Policy, Subscription
from legnext_stream._engine.stream import EventStream
from legnext_stream.errors import ConfigurationError, LegnextError, StreamClosedError

T = TypeVar("T")


class OwnLease:
    """The lease of a stream that belongs to no client: taken at the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken: Lease | None = None

    def __call__(self) -> Lease:
        """The lease."""
        with self._lock:
            if self.taken is None:
                self.taken = Lease()
            return self.taken


@contextmanager
def told_as(error: Callable[[], LegnextError]) -> Iterator[None]:
    """Tell a call without an outcome as an error of this library."""
    try:
        yield
    except Withdrawn:
        raise error() from None


def stream_closed() -> StreamClosedError:
    """What is said of a stream that is closed, or whose client is."""
    return StreamClosedError("this stream was closed")


def client_closed() -> ConfigurationError:
    """What is said of a client that is closed while it is asked for something."""
    return ConfigurationError("the client was closed meanwhile")


class BridgedStream:
    """A stream on the Trio side, from outside. Each bridge adds how to wait for its next event."""

    def __init__(self, stream: EventStream, client: Callable[[], Lease] | None) -> None:
        self._stream = stream
        self._own = OwnLease()
        # Must not refer to this object, or losing it would not be noticed at once.
        self._lease: Callable[[], Lease] = self._own if client is None else client
        self._is_own = client is None
        self._reader: Reader[JobEvent] = Reader(stream, self._lease)

    def remove(self, job_id: str) -> None:
        """Watch a job no longer; see `legnext_stream.EventStream.remove`. From any thread.

        Raises:
            KeyError: It isn't watched: it has not come in yet, or has ended.
            StreamClosedError: The stream was closed.
        """

        def remove() -> None:
            self._stream.remove(job_id)
            self._reader.discard(lambda event: event.job_id == job_id)

        self._at_once(remove)

    @property
    def stats(self) -> Stats:
        """The numbers of this watch, up to now."""
        lease = self._open_lease()
        if lease is not None:
            try:
                return lease.at_once(lambda: self._stream.stats)
            except Withdrawn:
                pass  # then nothing changes them any more
        return self._stream.stats

    def explain(self, job_id: str) -> Explanation:
        """Say why a job of this stream is next polled when it is. From any thread.

        Raises:
            KeyError: The job is not watched, or has not come in yet.
            StreamClosedError: The stream was closed.
        """
        return self._at_once(lambda: self._stream.explain(job_id))

    def _add(self, jobs: Iterable[str | Job] | AsyncIterable[str | Job]) -> None:
        self._at_once(lambda: self._stream.add(jobs))

    def _subscribe(self, policy: Policy) -> Reader[JobEvent]:
        subscription: Subscription = self._at_once(lambda: self._stream.subscribe(policy))
        return Reader(subscription, self._lease)

    def _at_once(self, function: Callable[[], T]) -> T:
        if self._reader.is_closed:
            raise stream_closed()
        with told_as(stream_closed):
            return self._lease().at_once(function)

    def _open_lease(self) -> Lease | None:
        """The lease, if there is anything that could be done through it."""
        if self._is_own:
            return self._own.taken
        try:
            return self._lease()
        except ConfigurationError:
            return None  # the client is not open, or not any more


def only(statuses: tuple[JobStatus | str, ...]) -> Callable[[JobEvent], JobEvent | None]:
    """Lets through the events with one of these statuses.

    Raises:
        ValueError: There is no such status, or none was given.
    """
    if not statuses:
        raise ValueError("only() takes the statuses to let through, and was given none")
    wanted = frozenset(map(JobStatus, statuses))
    return lambda event: event if event.status in wanted else None


def terminal(event: JobEvent) -> JobEvent | None:
    """Lets through the last event of each job."""
    return event if event.status.is_terminal else None


def ended(event: JobEvent) -> Job | None:
    """Lets through each job as it is at its end."""
    return event.job if event.status.is_terminal else None
