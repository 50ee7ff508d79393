"""What the event streams of `aio` and `sync` have in common: the methods that don't wait for events."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from legnext_stream._bridges.reader import Reader
from legnext_stream._bridges.trio_thread import Lease, Withdrawn
from legnext_stream._core.model.events import Event, Event_co, JobEvent
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.schedule.reasons import Explanation
from legnext_stream._core.stats import Stats
from legnext_stream._engine.delivery import Policy, Subscription
from legnext_stream._engine.stream import EventStream
from legnext_stream.errors import ConfigurationError, LegnextError, StreamClosedError

T = TypeVar("T")


class OwnLease:
    """The lease of a stream that belongs to no client. It begins at the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken: Lease | None = None

    def __call__(self) -> Lease:
        """Return the lease."""
        with self._lock:
            if self.taken is None:
                self.taken = Lease()
            return self.taken


@contextmanager
def withdrawn_as(error: Callable[[], LegnextError]) -> Iterator[None]:
    """Raise an error of this library where a call has no outcome."""
    try:
        yield
    except Withdrawn:
        raise error() from None


def stream_closed() -> StreamClosedError:
    """The error of a stream that is closed, or belongs to a closed client."""
    return StreamClosedError("this stream was closed")


def client_closed() -> ConfigurationError:
    """The error of a client that is closed during a call."""
    return ConfigurationError("the client was closed meanwhile")


class BridgedStream(Generic[Event_co]):
    """A stream on the Trio side, used from another thread. `aio` and `sync` add waiting for its events."""

    def __init__(self, stream: EventStream[Event_co], client: Callable[[], Lease] | None) -> None:
        self._stream = stream
        self._own = OwnLease()
        # Must not refer to this object: in a reference cycle it would outlive its last user.
        self._lease: Callable[[], Lease] = self._own if client is None else client
        self._is_own = client is None
        self._reader: Reader[Event_co] = Reader(stream, self._lease)

    def remove(self, job_id: str) -> None:
        """Stop watching a job; see `legnext_stream.EventStream.remove`. From any thread."""

        def is_of_it(event: JobEvent) -> bool:
            return event.job_id == job_id

        def remove() -> None:
            self._stream.remove(job_id)
            self._reader.discard(is_of_it)

        self._run_sync(remove)

    @property
    def stats(self) -> Stats:
        """The numbers of this watch, up to now."""
        lease = self._open_lease()
        if lease is not None:
            try:
                return lease.run_sync(lambda: self._stream.stats)
            except Withdrawn:
                pass  # the stream is closed, and its numbers don't change any more
        return self._stream.stats

    def explain(self, job_id: str) -> Explanation:
        """Explain when a job is polled next; see `legnext_stream.EventStream.explain`. From any thread."""
        return self._run_sync(lambda: self._stream.explain(job_id))

    def _add(self, jobs: Iterable[str | Job] | AsyncIterable[str | Job]) -> None:
        self._run_sync(lambda: self._stream.add(jobs))

    def _subscribe(self, policy: Policy) -> Reader[Event_co]:
        subscription: Subscription[Event_co] = self._run_sync(
            lambda: self._stream.subscribe(policy)
        )
        return Reader(subscription, self._lease)

    def _run_sync(self, function: Callable[[], T]) -> T:
        if self._reader.is_closed:
            raise stream_closed()
        with withdrawn_as(stream_closed):
            return self._lease().run_sync(function)

    def _open_lease(self) -> Lease | None:
        """The lease, if there is one that is open."""
        if self._is_own:
            return self._own.taken
        try:
            return self._lease()
        except ConfigurationError:
            return None  # the client is not open yet, or is closed


def only(statuses: tuple[JobStatus | str, ...]) -> Callable[[Event], Event | None]:
    """Pick the events with one of these statuses.

    Raises:
        ValueError: There is no such status, or none was given.
    """
    if not statuses:
        raise ValueError("only() takes the statuses to let through, and was given none")
    wanted = frozenset(map(JobStatus, statuses))
    return lambda event: event if event.status in wanted else None


def terminal(event: Event) -> Event | None:
    """Pick the last event of each job."""
    return event if event.status.is_terminal else None


def ended(event: JobEvent) -> Job | None:
    """Pick each job in its final state."""
    return event.job if event.status.is_terminal else None
