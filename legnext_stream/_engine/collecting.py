"""Jobs instead of events: each at its end, as they end or in the order in which they were given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping

import trio

from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._engine.sources import Jobs
from legnext_stream._engine.stream import EventStream, Selection
from legnext_stream.errors import JobFailed, JobNotFound, JobTimedOut, JobUnsuccessful


def ends(stream: EventStream) -> Selection[Job]:
    """The jobs of a stream, each as it is at its end."""
    return Selection(stream, lambda event: event.job if event.status.is_terminal else None)


async def completed(events: EventStream) -> Job:
    """Return the job of a stream of one job when it has completed.

    Raises:
        JobFailed: The API says that it failed.
        JobTimedOut: It ran, or waited without any change, for longer than the timeout.
        JobNotFound: The API does not know it.
    """
    last = [event async for event in events][-1]
    if last.status is JobStatus.COMPLETED:
        return last.job
    kind, what = _UNSUCCESSFUL[last.status]
    msg = f"job {last.job_id} {what}: {last.job.error or 'no reason given'}"
    raise kind(msg, last.job)


_UNSUCCESSFUL: Mapping[JobStatus, tuple[type[JobUnsuccessful], str]] = {
    JobStatus.FAILED: (JobFailed, "failed"),
    JobStatus.TIMED_OUT: (JobTimedOut, "timed out"),
    JobStatus.NOT_FOUND: (JobNotFound, "was not found"),
}


async def gathered(jobs: Jobs, watch: Callable[[Jobs], EventStream]) -> dict[str, Job]:
    """Wait for the end of each job, and return them in the order in which they were given."""
    given: list[str | Job] = []
    if isinstance(jobs, AsyncIterable):
        stream = watch(_copied(jobs, given))
    elif isinstance(jobs, str):
        stream = watch(jobs)  # which says what is wrong with it
    else:
        # An iterator can be iterated only once, and we need its items twice: to watch, and for the order.
        given.extend(jobs)
        stream = watch(given)
    async with ends(stream) as ended:
        by_id = {job.job_id: job async for job in ended}
    ids = (item.job_id if isinstance(item, Job) else item for item in given)
    return {job_id: by_id[job_id] for job_id in ids}


async def _copied(
    jobs: AsyncIterable[str | Job], given: list[str | Job]
) -> AsyncGenerator[str | Job, None]:
    """The same jobs; each is appended to `given` as it comes."""
    try:
        async for job in jobs:
            given.append(job)
            yield job
    finally:
        # As the engine does with what it is given: it closes generators, and no channels.
        if isinstance(jobs, AsyncGenerator):
            with trio.move_on_after(1, shield=True):
                await jobs.aclose()
