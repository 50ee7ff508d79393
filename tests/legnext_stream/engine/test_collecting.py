"""The views of a stream, and the collecting of its ends: thin, and as true as the stream itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trio

from legnext_stream import (
    AuthenticationError,
    Job,
    JobStatus,
    LegnextClient,
    StreamClosedError,
    as_completed,
    gather,
    watch,
)
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import KEY, URL, in_turn

QUICK = Script([("pending", 1), ("processing", 10), "completed"])
SLOW = Script([("pending", 1), ("processing", 90), "completed"])
BAD = Script([("pending", 1), ("processing", 40), "failed"])


def client_of(mock: MockLegnext) -> LegnextClient:
    """A client of this mock."""
    return LegnextClient(KEY, URL, mock.transport())


# ---------------------------------------------------------------- as_completed


async def test_jobs_come_in_the_order_of_their_ends() -> None:
    """Whatever order they were given in, good or bad, the unknown one with them."""
    mock = MockLegnext()
    slow, bad, quick = (mock.add_job(script) for script in (SLOW, BAD, QUICK))
    async with client_of(mock) as client:
        jobs = [job async for job in client.as_completed([slow, bad, "no-such-job", quick])]
    assert [(job.job_id, job.status) for job in jobs] == [
        ("no-such-job", JobStatus.NOT_FOUND),
        (quick, JobStatus.COMPLETED),
        (bad, JobStatus.FAILED),
        (slow, JobStatus.COMPLETED),
    ]


async def test_leaving_stops_the_polling() -> None:
    """Polling stops after `break` from the bare loop, and after `async with`."""
    mock = MockLegnext()
    async with client_of(mock) as client:
        ids = [mock.add_job(QUICK), mock.add_job(SLOW)]
        async for job in client.as_completed(ids):
            assert job.job_id == ids[0]
            break
        asked = len(mock.requests)
        await trio.sleep(300)
        assert len(mock.requests) == asked
        ids = [mock.add_job(QUICK), mock.add_job(SLOW)]
        async with client.as_completed(ids) as jobs:
            assert (await anext(jobs)).job_id == ids[0]
        asked = len(mock.requests)
        await trio.sleep(300)
        assert len(mock.requests) == asked
        with pytest.raises(StreamClosedError):
            await anext(jobs)


async def test_a_selection_has_its_stream_at_hand() -> None:
    """For its numbers, and for what is to be watched besides; and it is closed with it."""
    mock = MockLegnext()
    async with client_of(mock) as client, client.as_completed([mock.add_job(SLOW)]) as jobs:
        quick = mock.add_job(QUICK)
        jobs.stream.add([quick])
        assert (await anext(jobs)).job_id == quick
        assert jobs.stream.stats.ended == 1
        await jobs.aclose()
        await jobs.aclose()
        with pytest.raises(StreamClosedError):
            await anext(jobs.stream)


async def test_a_cancelled_next_loses_no_end() -> None:
    """A reader that gives up again and again has every job in the end."""
    mock = MockLegnext(seed=4)
    ids = mock.add_jobs(10)
    ended = set()
    async with client_of(mock) as client, client.as_completed(ids) as jobs:
        while True:
            with trio.move_on_after(0.37):
                try:
                    ended.add((await anext(jobs)).job_id)
                except StopAsyncIteration:
                    break
    assert ended == set(ids)


# ---------------------------------------------------------------- gather


@pytest.mark.parametrize("source", ["list", "iterator", "async"])
async def test_gathered_in_the_order_given(source: str) -> None:
    """As a list, or as what can be looked through but once; what was given twice is there once."""
    mock = MockLegnext()
    slow, bad, quick = (mock.add_job(script) for script in (SLOW, BAD, QUICK))
    given: list[str | Job] = [slow, bad, Job(job_id=quick), slow, "no-such-job"]

    async def one_by_one() -> AsyncIterator[str | Job]:
        for job in given:
            yield job
            await trio.sleep(0.5)

    async with client_of(mock) as client:
        if source == "list":
            jobs = await client.gather(given)
        elif source == "iterator":
            jobs = await client.gather(iter(given))
        else:
            jobs = await client.gather(one_by_one())
    assert [(job_id, job.status) for job_id, job in jobs.items()] == [
        (slow, JobStatus.COMPLETED),
        (bad, JobStatus.FAILED),
        (quick, JobStatus.COMPLETED),
        ("no-such-job", JobStatus.NOT_FOUND),
    ]
    assert all(job_id == job.job_id for job_id, job in jobs.items())


async def test_gathered_from_a_channel() -> None:
    """It is its owner's, and stays open."""
    mock = MockLegnext()
    send, receive = trio.open_memory_channel[str](10)
    with send:
        ids = [mock.add_job(QUICK), mock.add_job(SLOW)]
        for job_id in ids:
            send.send_nowait(job_id)
    async with client_of(mock) as client:
        assert list(await client.gather(receive)) == ids
    receive.clone().close()
    receive.close()


async def test_nothing_gathered() -> None:
    """Of no jobs, and nothing is asked."""
    mock = MockLegnext()
    async with client_of(mock) as client:
        assert await client.gather([]) == {}
    assert not mock.requests


async def test_what_concerns_all_jobs_is_raised() -> None:
    """As itself, from either of the two."""
    transport = in_turn(httpx.Response(401))
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(AuthenticationError):
            await client.gather(["a", "b"])
        with pytest.raises(AuthenticationError):
            await anext(client.as_completed(["a", "b"]))


async def test_a_generator_is_closed_when_gathering_fails() -> None:
    """Not left to the garbage collector in the midst of its wait."""
    closed = False

    async def source() -> AsyncIterator[str]:
        nonlocal closed
        try:
            yield "a"
            await trio.sleep_forever()
        finally:
            closed = True

    async with LegnextClient(KEY, URL, in_turn(httpx.Response(401))) as client:
        with pytest.raises(AuthenticationError):
            await client.gather(source())
    assert closed


async def test_one_string_is_refused() -> None:
    """By both, and by the word that `watch` has for it."""
    with pytest.raises(TypeError, match="not one string"):
        await gather("job", api_key=KEY)
    with pytest.raises(TypeError, match="not one string"):
        as_completed("job", api_key=KEY)


# ---------------------------------------------------------------- filters


async def test_only_ends() -> None:
    """`terminal()` has exactly one event a job, with its number in the stream it is of."""
    mock = MockLegnext(seed=2, failure_share=0.3)
    ids = mock.add_jobs(20)
    async with client_of(mock) as client:
        events = [event async for event in client.watch(ids).terminal()]
    assert sorted(event.job_id for event in events) == sorted(ids)
    assert all(event.status.is_terminal for event in events)
    assert [event.sequence for event in events] == sorted(event.sequence for event in events)
    assert events[-1].sequence > len(events)


async def test_only_some_statuses() -> None:
    """Given as they are, or in words."""
    mock = MockLegnext()
    ids = [mock.add_job(script) for script in (SLOW, BAD, QUICK)]
    async with client_of(mock) as client:
        wanted = client.watch(ids).only(JobStatus.PROCESSING, "failed")
        told = [(event.job_id, event.status.value) async for event in wanted]
    assert sorted(told) == sorted([*((job_id, "processing") for job_id in ids), (ids[1], "failed")])


def test_what_only_takes() -> None:
    """Statuses that there are, and at least one."""
    stream = watch(["a"], api_key=KEY)
    with pytest.raises(ValueError, match="'done' is not a valid"):
        stream.only("done")
    with pytest.raises(ValueError, match="given none"):
        stream.only()


async def test_what_is_passed_over_is_acknowledged(tmp_path: Path) -> None:
    """After a restart the event in hand is delivered again, and then only later ones."""
    mock = MockLegnext()
    ids = [mock.add_job(QUICK), mock.add_job(SLOW)]
    journal = tmp_path / "batch.db"
    async with client_of(mock) as client, client.watch(ids, journal=journal) as stream:
        event = await anext(stream.terminal())
        assert event.job_id == ids[0]
    async with client_of(mock) as client, client.watch(ids, journal=journal) as stream:
        told = [(event.job_id, event.status.value) async for event in stream]
    assert told == [(ids[0], "completed"), (ids[1], "completed")]
