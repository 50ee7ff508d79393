"""Jobs that are added to a running watch, and taken out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import (
    InvalidJobId,
    JobEvent,
    JobStatus,
    LegnextClient,
    Pacing,
    StreamClosedError,
)
from mockserver import Fixed, MockLegnext, Script, run_virtual
from tests.effort import examples
from tests.legnext_stream.support import KEY, URL, check_contract

SLOW_LIFE = Script([("pending", 5), ("processing", 50), "completed"])


async def test_added_jobs_are_told_to_their_end() -> None:
    """Ids from a list, a generator and an async generator join those of the beginning."""
    mock = MockLegnext(slots=None)
    ids = mock.add_jobs(8)

    async def arriving() -> AsyncIterator[str]:
        for job_id in ids[6:]:
            await trio.sleep(3)
            yield job_id

    told: list[JobEvent] = []
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(ids[:2]) as events,
    ):
        events.add(ids[2:4])
        async for event in events:
            if not told:
                events.add(job_id for job_id in ids[3:6])
                events.add(arriving())
            told.append(event)
    assert set(check_contract(told, mock.truth)) == set(ids)


async def test_what_cant_be_added_is_refused_at_once() -> None:
    """A bad id, or one string, raises at the call, and the watch is not affected."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(mock.add_jobs(1)) as events,
    ):
        with pytest.raises(InvalidJobId):
            events.add(["not an id"])
        with pytest.raises(TypeError, match="not one string"):
            events.add("abc")
        assert [event async for event in events][-1].status.is_terminal


async def test_nothing_can_be_added_after_the_end() -> None:
    """A stream that has ended says so, instead of losing the job."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(mock.add_jobs(1)) as events,
    ):
        async for _ in events:
            pass
        with pytest.raises(StreamClosedError, match="has ended"):
            events.add(mock.add_jobs(1))
    with pytest.raises(StreamClosedError, match="was closed"):
        events.add([])


async def test_a_removed_job_is_not_told_of_nor_asked_about() -> None:
    """From then on there is no event of it and, but for what is under way, no request."""
    mock = MockLegnext(slots=None, run_times=Fixed(40))
    kept, removed = mock.add_job(SLOW_LIFE), mock.add_job(SLOW_LIFE)
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch([kept, removed], pacing=Pacing(max_interval=5)) as events,
    ):
        await anext(events)
        events.remove(removed)
        asked = [request.job_id for request in mock.requests].count(removed)
        later = [event.job_id async for event in events]
        assert events.stats.unseen == 0
        assert sum(events.stats.jobs.values()) == 1
    assert set(later) == {kept}
    assert [request.job_id for request in mock.requests].count(removed) <= asked + 1


async def test_removing_the_last_one_ends_the_stream() -> None:
    """A watch without jobs has nothing to wait for."""
    mock = MockLegnext()
    job_id = mock.add_job(SLOW_LIFE)
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch([job_id]) as events,
    ):
        await anext(events)
        events.remove(job_id)
        with pytest.raises(StopAsyncIteration):
            await anext(events)
    assert trio.current_time() < 10


async def test_undelivered_events_of_a_removed_job_are_taken_back() -> None:
    """What was seen and not yet delivered when a job was removed isn't delivered after it."""
    mock = MockLegnext()
    ids = [mock.add_job(SLOW_LIFE) for _ in range(3)]
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(ids) as events,
    ):
        await trio.sleep(20)
        events.remove(ids[0])
        assert {event.job_id async for event in events} == set(ids[1:])


async def test_removing_what_isnt_watched() -> None:
    """A job that never came in, or has ended, can't be removed."""
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch([job_id]) as events,
    ):
        with pytest.raises(KeyError):
            events.remove("never-seen")
        async for _ in events:
            pass
        with pytest.raises(KeyError):
            events.remove(job_id)


async def test_a_removed_job_may_come_back() -> None:
    """Added again it is watched as if for the first time."""
    mock = MockLegnext()
    first, second = mock.add_job(SLOW_LIFE), mock.add_job(SLOW_LIFE)
    told: list[JobEvent] = []
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch([first, second]) as events,
    ):
        async for event in events:
            if not told:
                events.remove(first)
                events.add([first])
            else:
                told.append(event)
            if not told:
                told.append(event)
    of_first = [event for event in told[1:] if event.job_id == first]
    assert of_first[0].previous is None
    assert of_first[-1].status is JobStatus.COMPLETED


async def test_a_removed_job_leaves_the_journal(tmp_path: Path) -> None:
    """A restart doesn't take up what was removed, unless it is given again."""
    mock = MockLegnext()
    first, second = mock.add_job(SLOW_LIFE), mock.add_job(SLOW_LIFE)
    path = tmp_path / "batch.db"
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        async with client.watch([first, second], journal=path) as events:
            await anext(events)
            events.remove(first)
        async with client.watch(journal=path) as events:
            assert {event.job_id async for event in events} == {second}
        async with client.watch([first], journal=path) as events:
            assert {event.job_id async for event in events} == {first}


@examples(30)
@given(
    seed=st.integers(0, 2**16),
    deeds=st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 11)), max_size=25),
)
def test_whatever_comes_and_goes_the_rest_is_true(seed: int, deeds: list[tuple[str, int]]) -> None:
    """However jobs are added and removed: the events of those that stay are true and complete."""
    mock = MockLegnext(seed, slots=4, failure_share=0.2)
    ids = mock.add_jobs(12)
    told: list[JobEvent] = []
    removed: set[str] = set()

    async def main() -> None:
        left = list(deeds)
        async with (
            LegnextClient(KEY, URL, mock.transport()) as client,
            client.watch(ids[:6], pacing=Pacing(max_interval=10)) as events,
        ):
            async for event in events:
                assert event.job_id not in removed
                told.append(event)
                if not left:
                    continue
                what, number = left.pop()
                job_id = ids[number]
                if what == "add" and job_id not in removed:
                    events.add([job_id])
                elif what == "remove":
                    try:
                        events.remove(job_id)
                    except KeyError:
                        continue
                    removed.add(job_id)

    run_virtual(main)
    stayed = [event for event in told if event.job_id not in removed]
    for number, event in enumerate(told, 1):
        assert event.sequence == number
    by_job = {event.job_id: event.status for event in stayed}
    assert all(status.is_terminal for status in by_job.values())
    assert set(ids[:6]) <= set(by_job) | removed
