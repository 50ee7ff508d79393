"""Several readers of one watch."""

from __future__ import annotations

import gc

import httpx
import pytest
import trio
import trio.testing

from legnext_stream import (
    AuthenticationError,
    JobEvent,
    JobStatus,
    LegnextClient,
    StreamClosedError,
    Subscription,
)
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import KEY, URL, check_contract, in_turn


async def read(subscription: Subscription, into: list[JobEvent], pause: float = 0.0) -> None:
    """Read to the end, resting after each event."""
    async for event in subscription:
        into.append(event)
        await trio.sleep(pause)


async def test_each_reader_has_the_whole_contract() -> None:
    """Quick or slow, each has true events, in order, and each job's end once."""
    mock = MockLegnext(seed=2, slots=20, failure_share=0.2)
    ids = mock.add_jobs(60)
    quick: list[JobEvent] = []
    slow: list[JobEvent] = []
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(ids) as events,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(read, events.subscribe(), quick)
        nursery.start_soon(read, events.subscribe("latest"), slow, 7.0)
        own = [event async for event in events]
    for told in (own, quick, slow):
        assert set(check_contract(told, mock.truth)) == set(ids)
    assert len(slow) < len(quick) == len(own)


@pytest.mark.parametrize("stalled", ["the stream", "block", "latest"])
async def test_a_stalled_reader_harms_nobody(stalled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one never reads, another gets everything without delay; the first gets it later."""
    monkeypatch.setattr("legnext_stream._engine.subscription.UNDELIVERED", 2)
    monkeypatch.setattr("legnext_stream._engine.engine.UNDELIVERED", 2)
    mock = MockLegnext(seed=2, slots=20)
    ids = mock.add_jobs(40)
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(ids) as events,
    ):
        other = events.subscribe("latest" if stalled == "latest" else "block")
        quick, late = (other, events) if stalled == "the stream" else (events, other)
        got = [event async for event in quick]
        assert len(got) > len(ids)
        behind = [event async for event in late]
    check_contract(got, mock.truth)
    check_contract(behind, mock.truth)
    assert [event.status.is_terminal for event in behind] == [True] * len(ids)


async def test_it_begins_when_it_is_made() -> None:
    """A late reader has what happens from then on."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("pending", 5), ("processing", 50), "completed"]))
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch([job_id]) as events,
    ):
        while (await anext(events)).status is not JobStatus.PROCESSING:
            pass
        late = events.subscribe()
        async for _ in events:
            pass
        assert [event.status async for event in late] == [JobStatus.COMPLETED]
        assert [event async for event in events.subscribe()] == []


async def test_what_ends_the_watch_ends_it_too() -> None:
    """An error of the watch is raised at every loop."""
    network = in_turn(httpx.Response(401, json={"code": 401, "message": "bad key"}))
    async with LegnextClient(KEY, URL, network) as client, client.watch(["a"]) as events:
        other = events.subscribe()
        for reader in (events, other):
            with pytest.raises(AuthenticationError):
                await anext(aiter(reader))


async def test_closing_the_stream_ends_it() -> None:
    """A subscription is no reason to go on."""
    mock = MockLegnext()
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        async with client.watch(mock.add_jobs(1)) as events:
            other = events.subscribe()
        with pytest.raises(StreamClosedError):
            async for _ in other:
                pass
    with pytest.raises(StreamClosedError):
        events.subscribe()


async def test_calls_are_serial() -> None:
    """Two tasks that wait for one subscription's next event get an error, not a mess."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch([mock.add_job(Script(["pending"]))]) as events,
    ):
        other = events.subscribe()
        await anext(other)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other.__anext__)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await anext(other)
            nursery.cancel_scope.cancel()


async def test_a_lost_one_is_no_reader() -> None:
    """Whoever drops a subscription holds nothing up."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(mock.add_jobs(1)) as events,
    ):
        events.subscribe()
        gc.collect()
        assert [event async for event in events][-1].status.is_terminal


async def test_there_is_no_other_policy() -> None:
    """A policy that isn't known is refused by name."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(mock.add_jobs(1)) as events,
    ):
        with pytest.raises(ValueError, match="'block' or 'latest', not 'drop'"):
            events.subscribe("drop")  # type: ignore[arg-type] # that is the point
