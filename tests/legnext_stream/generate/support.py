"""What the tests of generating share: a batch at a mock, and what is to hold of every batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from legnext_stream import (
    EventStream,
    JobEvent,
    JobStatus,
    LegnextClient,
    Pacing,
    Prompt,
    Stats,
)
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY

NO_JOB = frozenset({JobStatus.SUBMIT_UNKNOWN, JobStatus.NOT_SUBMITTED})


def cats(count: int) -> list[str | Prompt]:
    """Different prompts."""
    return [Prompt(f"cat {number}", tag=number) for number in range(1, count + 1)]


@asynccontextmanager
async def generating(
    mock: MockLegnext,
    prompts: Any,  # noqa: ANN401 - passed on
    *,
    client_pacing: Pacing | None = None,
    **settings: Any,  # noqa: ANN401 - passed on
) -> AsyncIterator[EventStream]:
    """A stream of `generate` at a mock."""
    async with (
        LegnextClient(KEY, transport=mock.transport(), pacing=client_pacing) as client,
        client.generate(prompts, **settings) as events,
    ):
        yield events


async def generated(
    mock: MockLegnext,
    prompts: Any,  # noqa: ANN401 - passed on
    **settings: Any,  # noqa: ANN401 - passed on
) -> tuple[list[JobEvent], Stats]:
    """Generate to the end: all events, and the numbers."""
    async with generating(mock, prompts, **settings) as events:
        told = [event async for event in events]
        return told, events.stats


async def first(events: EventStream, count: int) -> list[JobEvent]:
    """Read the next terminal events."""
    told: list[JobEvent] = []
    while len(told) < count:
        event = await anext(events)
        if event.status.is_terminal:
            told.append(event)
    return told


def ends_of(told: Sequence[JobEvent]) -> dict[int, JobEvent]:
    """How each prompt ended, by its place, having ended once."""
    ends: dict[int, JobEvent] = {}
    for event in told:
        assert event.position is not None
        assert event.position not in ends, f"{event} comes after its end"
        if event.status.is_terminal:
            ends[event.position] = event
    return ends


def statuses(ends: dict[int, JobEvent]) -> Counter[JobStatus]:
    """How many ended in which way."""
    return Counter(event.status for event in ends.values())


def jobs_of(mock: MockLegnext) -> dict[str, list[str]]:
    """The jobs that were made for each text."""
    jobs: dict[str, list[str]] = {}
    for job_id in mock.truth:
        params = mock.world.job(job_id, mock.now).params
        assert params is not None
        jobs.setdefault(str(params["text"]), []).append(job_id)
    return jobs


def check_batch(
    mock: MockLegnext, prompts: Sequence[str | Prompt], told: Sequence[JobEvent]
) -> dict[int, JobEvent]:
    """Each prompt has one end, which is true, and no more than one job; returns the ends.

    The prompts say different things.
    """
    ends, jobs = ends_of(told), jobs_of(mock)
    assert sorted(ends) == list(range(1, len(prompts) + 1))
    assert [event.sequence for event in told] == list(range(1, len(told) + 1))
    texts = [item if isinstance(item, str) else item.text for item in prompts]
    assert jobs.keys() <= set(texts)
    for position, end in ends.items():
        assert end.prompt is not None
        text = texts[position - 1]
        assert end.prompt.text == text
        made = jobs.get(text, [])
        assert len(made) <= 1, f"{text} was submitted {len(made)} times"
        if end.status in NO_JOB:
            assert end.job_id == end.job.job_id == ""
            assert end.job.error is not None
            assert end.status is JobStatus.SUBMIT_UNKNOWN or not made
        else:
            assert made == [end.job_id]
            assert end.status is JobStatus.TIMED_OUT or mock.truth[end.job_id][-1][1] == end.status
    return ends
