"""Views of a stream that people would else write again and again, and the collecting of its ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import trio

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job, JobStatus

if TYPE_CHECKING:
    from legnext_stream._engine.engine import Jobs
    from legnext_stream._engine.stream import EventStream

T_co = TypeVar("T_co", covariant=True)


class Selection(Generic[T_co]):
    """Some of what a stream tells: an async iterator over the same stream.

    It is made by `EventStream.terminal`, `EventStream.only` and `as_completed`. It adds nothing of its
    own: it ends when the stream does, raises what the stream raises, and is left as the stream is.
    Use it in `async for` directly, or in `async with` to be sure that polling has stopped when the
    block is left. What it passes over is acknowledged like what it returns: by asking for the next.

    Attributes:
        stream: The stream behind it, for its `stats`, `explain`, `add` and `remove`. Whoever iterates
            the stream itself takes events away from the selection.
    """

    def __init__(self, stream: EventStream, pick: Callable[[JobEvent], T_co | None]) -> None:
        self.stream: EventStream = stream
        self._pick = pick

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        """The next one that is wanted. A call that is cancelled loses none: iterate again and go on.

        Raises:
            StopAsyncIteration: All jobs have ended and no more can come.
            LegnextError: What `EventStream.__anext__` raises.
            trio.BusyResourceError: Another task is waiting for the stream's next event.
        """
        while True:
            item = self._pick(await anext(self.stream))
            if item is not None:
                return item

    async def __aenter__(self) -> Self:
        await self.stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stream.__aexit__(kind, error, traceback)  # noqa: ASYNC102 - it bounds itself

    async def aclose(self) -> None:
        """Close the stream. May be called again, and under cancellation."""
        await self.stream.aclose()


def only(stream: EventStream, statuses: frozenset[JobStatus]) -> Selection[JobEvent]:
    """The events with one of these statuses."""
    return Selection(stream, lambda event: event if event.status in statuses else None)


def ends(stream: EventStream) -> Selection[Job]:
    """The jobs, each as it is at its end."""
    return Selection(stream, lambda event: event.job if event.status.is_terminal else None)


async def gathered(jobs: Jobs, watch: Callable[[Jobs], EventStream]) -> dict[str, Job]:
    """Each job at its end, in the order in which they were given.

    Args:
        jobs: The jobs.
        watch: Begins to watch them, or refuses to.
    """
    given: list[str | Job] = []
    if isinstance(jobs, AsyncIterable):
        stream = watch(_noted(jobs, given))
    elif isinstance(jobs, str):
        stream = watch(jobs)  # which says what is wrong with it
    else:
        # What can be looked through but once is looked through twice: by the watch, and for the order.
        given.extend(jobs)
        stream = watch(given)
    async with ends(stream) as ended:
        by_id = {job.job_id: job async for job in ended}
    ids = (item.job_id if isinstance(item, Job) else item for item in given)
    return {job_id: by_id[job_id] for job_id in ids}


async def _noted(
    jobs: AsyncIterable[str | Job], given: list[str | Job]
) -> AsyncGenerator[str | Job, None]:
    """The same jobs, of which a note is kept as they come."""
    try:
        async for job in jobs:
            given.append(job)
            yield job
    finally:
        # As the engine would, were it not for the note: a generator is closed, a channel is its owner's.
        if isinstance(jobs, AsyncGenerator):
            with trio.move_on_after(1, shield=True):
                await jobs.aclose()
