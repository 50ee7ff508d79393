"""The forms in which jobs can be given, and what is wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import trio
import trio.testing

from legnext_stream import InvalidJobId, Job, JobEvent, JobStatus, LegnextClient
from legnext_stream._engine import delivery
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import KEY, URL, check_contract


async def follow(mock: MockLegnext, jobs: Any) -> list[JobEvent]:  # noqa: ANN401 - many forms
    """All events of a watch of these jobs."""
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        return [event async for event in client.watch(jobs)]


@pytest.mark.parametrize("form", [list, tuple, set, frozenset, iter, dict.fromkeys])
async def test_any_iterable(form: Any) -> None:  # noqa: ANN401 - many forms
    """A list, a tuple, a set, an iterator, the keys of a dict."""
    mock = MockLegnext()
    ids = mock.add_jobs(7)
    assert set(check_contract(await follow(mock, form(ids)), mock.truth)) == set(ids)


async def test_a_generator_is_taken_in_as_it_comes() -> None:
    """Each item when its turn has come, and none twice."""
    mock = MockLegnext()

    def source() -> Iterator[str]:
        for _ in range(5):
            (job_id,) = mock.add_jobs(1)
            yield job_id
            yield job_id.upper().lower()

    assert len(check_contract(await follow(mock, source()), mock.truth)) == 5


async def test_an_async_generator_is_taken_in_as_it_comes() -> None:
    """Hours may pass between two items; the stream lasts until the source has ended."""
    mock = MockLegnext()

    async def source() -> AsyncIterator[str]:
        for _ in range(4):
            (job_id,) = mock.add_jobs(1)
            yield job_id
            await trio.sleep(3600)

    told = check_contract(await follow(mock, source()), mock.truth)
    assert len(told) == 4
    assert trio.current_time() >= 4 * 3600
    # Nobody is asked about while there is nobody to ask about.
    assert len(mock.requests) < 300


async def test_a_channel_is_taken_in_and_left_open() -> None:
    """Jobs arrive while others run; the channel is its owner's to close."""
    mock = MockLegnext()
    send, receive = trio.open_memory_channel[str](0)
    events: list[JobEvent] = []
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def produce() -> None:
            async with send:
                for _ in range(10):
                    await send.send(mock.add_jobs(1)[0])
                    await trio.sleep(10)

        async with LegnextClient(KEY, URL, mock.transport()) as client:
            events = [event async for event in client.watch(receive)]
    assert len(check_contract(events, mock.truth)) == 10
    with pytest.raises(trio.EndOfChannel):
        await receive.receive()
    await receive.aclose()


@pytest.mark.parametrize("form", ["generator", "async generator", "channel"])
async def test_a_source_is_left_with_the_stream(form: str) -> None:
    """A generator is closed when the stream is left; a channel stays open."""
    mock = MockLegnext()
    ids = mock.add_jobs(2)
    was_closed = trio.Event()
    send, receive = trio.open_memory_channel[str](10)

    async def async_source() -> AsyncIterator[str]:
        try:
            for job_id in ids:
                yield job_id
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.1)
            was_closed.set()

    for job_id in ids:
        await send.send(job_id)
    sources: dict[str, Any] = {
        "generator": iter(ids),
        "async generator": async_source(),
        "channel": receive,
    }
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        async with client.watch(sources[form]) as stream:
            await anext(stream)
        assert was_closed.is_set() == (form == "async generator")
    await send.send("still-open")
    await send.aclose()
    await receive.aclose()


async def test_an_async_generator_between_two_items_is_closed() -> None:
    """Also one that would yield and never wait: its `finally` runs before the stream is left."""
    mock = MockLegnext()
    was_closed = False

    async def source() -> AsyncIterator[str]:
        nonlocal was_closed
        try:
            while True:
                yield mock.add_jobs(1)[0]
                await trio.sleep(1)
        finally:
            was_closed = True

    async with LegnextClient(KEY, URL, mock.transport()) as client:
        async with client.watch(source()) as stream:
            await anext(stream)
        assert was_closed


async def test_an_async_generator_that_waits_for_room_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also while the stream has yet to take what it gave: its `finally` runs at once, in Trio."""
    monkeypatch.setattr(delivery, "CAPACITY", 1)
    was_closed = False

    async def source() -> AsyncIterator[Job]:
        nonlocal was_closed
        try:
            for number in range(10):
                yield Job(job_id=f"job-{number}", status=JobStatus.COMPLETED)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.1)
            was_closed = True

    async with LegnextClient(KEY, URL, MockLegnext().transport()) as client:
        async with client.watch(source()):
            await trio.testing.wait_all_tasks_blocked()
        assert was_closed


@pytest.mark.parametrize("fails_while_waiting", [True, False])
async def test_a_source_that_fails_while_it_is_left(fails_while_waiting: bool) -> None:  # noqa: FBT001 - parametrized
    """What it raises then is dropped; it disturbs neither the leaving nor the Trio run."""
    mock = MockLegnext()

    async def source() -> AsyncIterator[str]:
        try:
            yield mock.add_job(Script(["pending"]))
            if fails_while_waiting:
                await trio.sleep_forever()
        finally:
            raise OSError("the source broke")

    async with LegnextClient(KEY, URL, mock.transport()) as client:
        stream = client.watch(source())
        if fails_while_waiting:
            await anext(stream)
            await stream.aclose()
        else:
            with pytest.raises(OSError, match="the source broke"):
                async for _ in stream:
                    pass
        assert [event async for event in client.watch(mock.add_jobs(1))]


@pytest.mark.parametrize("is_async", [True, False])
async def test_an_error_of_the_source_surfaces_bare(is_async: bool) -> None:  # noqa: FBT001 - parametrized
    """At the loop, as the same object, in no group; earlier events are delivered first."""
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)
    error = LookupError("no more ids")

    def source() -> Iterator[str]:
        yield job_id
        raise error

    async def async_source() -> AsyncIterator[str]:
        yield job_id
        await trio.sleep(20)
        raise error

    events = []
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        with pytest.raises(LookupError) as caught:  # noqa: PT012 - the loop is what raises
            async for event in client.watch(async_source() if is_async else source()):
                events.append(event)  # noqa: PERF401 - what came before the error counts
    assert caught.value is error
    assert bool(events) == is_async


@pytest.mark.parametrize("bad", ["", "a b", 7, None])
async def test_a_bad_item_among_those_that_come(bad: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It is refused at the loop, by name."""
    mock = MockLegnext()

    async def source() -> AsyncIterator[Any]:
        yield mock.add_jobs(1)[0]
        yield bad

    with pytest.raises(InvalidJobId, match=repr(bad)):
        await follow(mock, source())
    with pytest.raises(InvalidJobId, match=repr(bad)):
        await follow(mock, iter([bad]))


async def test_a_bad_item_far_into_a_collection() -> None:
    """The first ones are looked at before any is watched; one that comes later, at the loop."""
    mock = MockLegnext()
    ids = mock.add_jobs(10_000)
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        with pytest.raises(InvalidJobId, match="'no id'"):
            client.watch([*ids[:-1], "no id"])
        stream = client.watch([*ids, "no id"])
        with pytest.raises(InvalidJobId, match="'no id'"):
            [event async for event in stream]


async def test_jobs_as_input() -> None:
    """What a submit returned can be watched as it is; a job that has ended is reported at once."""
    mock = MockLegnext()
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        job = await client.diffusion("a fox")
        done = Job(job_id="long-ago", status=JobStatus.FAILED)
        events = [event async for event in client.watch([job, done, job.job_id])]
    assert events[0].job is done
    told = [event for event in events if event.job_id == job.job_id]
    assert told[0].previous is JobStatus.PENDING
    assert told[-1].status is JobStatus.COMPLETED


async def test_more_ended_jobs_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their events wait for room as all do: none is lost, and they don't pile up."""
    monkeypatch.setattr(delivery, "CAPACITY", 5)
    taken = 0

    def source() -> Iterator[Job]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield Job(job_id=f"job-{number}", status=JobStatus.COMPLETED)

    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(source()) as events,
    ):
        await trio.testing.wait_all_tasks_blocked()
        assert taken == 6
        assert len([event async for event in events]) == 50
    assert len(mock.requests) == 0


async def test_a_hundred_thousand_ids() -> None:
    """They are all taken in, and the first are asked about at once."""
    mock = MockLegnext()
    ids = mock.add_jobs(100_000)
    async with LegnextClient(KEY, URL, mock.transport()) as client, client.watch(ids) as events:
        assert (await anext(events)).status is JobStatus.PENDING
        await trio.sleep(1)
        assert events.stats.unseen + sum(events.stats.jobs.values()) == 100_000
    assert len(mock.requests) <= 50
