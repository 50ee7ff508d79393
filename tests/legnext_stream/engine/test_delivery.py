"""Delivery: order, merging, bounds, and several consumers at their own speeds."""

from __future__ import annotations

import gc

import attrs
import httpx
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import (
    AuthenticationError,
    JobEvent,
    JobStatus,
    LegnextClient,
    StreamClosedError,
    Subscription,
)
from legnext_stream._core.model.jobs import Job
from legnext_stream._engine.delivery import LARGE, Buffer, Delivery
from mockserver import MockLegnext, Script, run_virtual
from tests.legnext_stream.support import KEY, URL, check_contract, in_turn

ORDER = [JobStatus.PENDING, JobStatus.STAGED, JobStatus.PROCESSING, JobStatus.COMPLETED]


def event(job_id: str, place: int) -> JobEvent:
    """The event of the status at this place of `ORDER`."""
    return JobEvent(
        job_id=job_id,
        status=ORDER[place],
        previous=ORDER[place - 1] if place else None,
        job=Job(job_id=job_id, status=ORDER[place]),
        observed_at=float(place),
        changed_between=(place - 1.0 if place else None, float(place)),
    )


def buffer_of(capacity: int) -> Buffer:
    """A buffer on its own."""
    return Buffer(capacity, lambda: None)


async def test_events_come_out_in_order() -> None:
    """First in, first out, numbered as they are delivered."""
    buffer = buffer_of(10)
    for name in "bac":
        buffer.put(event(name, 0))
    got = [await buffer.get() for _ in "bac"]
    assert [e.job_id for e in got] == ["b", "a", "c"]
    assert [e.sequence for e in got] == [1, 2, 3]


async def test_prompts_without_a_job_are_not_taken_for_one() -> None:
    """Their job id is empty; their position in the batch tells them apart."""
    buffer = buffer_of(3)
    for position in (1, 2, 3):
        buffer.put(attrs.evolve(event("", 3), position=position), 3 * LARGE)
    assert buffer.is_full
    got = [await buffer.get() for _ in range(3)]
    assert [e.position for e in got] == [1, 2, 3]
    assert not buffer.is_full


async def test_undelivered_changes_of_a_job_become_one() -> None:
    """It has the place of the first and the status of the last; sequence numbers have no gap."""
    buffer = buffer_of(10)
    buffer.put(event("a", 0))
    assert (await buffer.get()).status is JobStatus.PENDING
    for item in (event("a", 1), event("b", 0), event("a", 2), event("a", 3)):
        buffer.put(item)
    first, second = await buffer.get(), await buffer.get()
    assert (first.job_id, first.previous, first.status) == ("a", ORDER[0], ORDER[3])
    assert first.changed_between == (0.0, 3.0)
    assert [second.job_id, first.sequence, second.sequence] == ["b", 2, 3]


async def test_large_events_fill_it_sooner() -> None:
    """One counts once more for each `LARGE` of its answer, until it is read or discarded."""
    buffer = buffer_of(5)
    fullness = []

    def put(job_id: str, size: int = 0) -> None:
        buffer.put(event(job_id, 0), size)
        fullness.append(buffer.is_full)

    put("large", 3 * LARGE + 1)
    put("small", LARGE - 1)
    await buffer.get()
    put("other", 3 * LARGE)
    buffer.discard("other")
    for name in "abcd":
        put(name)
    assert fullness == [False, True, True, False, False, False, True]


async def test_a_merged_event_counts_as_its_newer_one() -> None:
    """Only the newer answer is held; the older one may have been larger, or smaller."""
    buffer = buffer_of(3)
    for place, size, is_full in ((0, 2 * LARGE, True), (1, 0, False), (2, 9 * LARGE, True)):
        buffer.put(event("a", place), size)
        assert buffer.is_full is is_full


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from([None, 0, 1, 2 * LARGE, 7 * LARGE])),
        max_size=30,
    )
)
def test_no_more_is_held_than_fits(steps: list[tuple[str, int | None]]) -> None:
    """It is full exactly when what it holds counts for its capacity or more."""
    buffer, held = buffer_of(8), dict[str, int]()
    for job_id, size in steps:
        if size is None:
            buffer.discard(job_id)
            held.pop(job_id, None)
        else:
            buffer.put(event(job_id, 0), size)
            held[job_id] = size
        assert buffer.is_full is (sum(1 + size // LARGE for size in held.values()) >= 8)


async def test_a_failure_comes_after_the_events() -> None:
    """What is unread can still be read; then the same error is raised at each call."""
    buffer = buffer_of(10)
    buffer.put(event("a", 3))
    failure = ValueError("no more")
    buffer.close(failure)
    assert (await buffer.get()).status.is_terminal
    for _ in range(2):
        with pytest.raises(ValueError, match="no more") as caught:
            await buffer.get()
        assert caught.value is failure


async def test_the_end_wakes_the_reader() -> None:
    """A consumer that waits for an event learns that none will come."""
    buffer = buffer_of(10)
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            with pytest.raises(StopAsyncIteration):
                await buffer.get()

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        buffer.close()


async def test_reading_is_a_checkpoint() -> None:
    """Also when an event is there already: other tasks run, and a cancellation takes effect."""
    buffer = buffer_of(2)
    buffer.put(event("a", 0))
    with trio.testing.assert_checkpoints():
        await buffer.get()
    buffer.put(event("a", 1))
    with trio.move_on_after(0) as scope:
        await buffer.get()
    assert scope.cancelled_caught
    assert (await buffer.get()).status is JobStatus.STAGED


@given(
    puts=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.0, 1.0])), max_size=12),
    patience=st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=6),
)
def test_a_cancelled_read_loses_nothing(
    puts: list[tuple[str, float]], patience: list[float]
) -> None:
    """However often reads are cancelled: each job's events chain, and the last one is delivered."""
    got: list[JobEvent] = []

    async def main() -> None:
        buffer = buffer_of(100)
        places: dict[str, int] = {}
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def write() -> None:
                for job_id, pause in puts:
                    await trio.sleep(pause)
                    place = places[job_id] = places.get(job_id, -1) + 1
                    if place < len(ORDER):
                        buffer.put(event(job_id, place))
                buffer.close()

            attempts = 0
            while True:
                attempts += 1
                with trio.move_on_after(patience[attempts % len(patience)] + attempts / 100):
                    try:
                        got.append(await buffer.get())
                    except StopAsyncIteration:
                        break
        for job_id, place in places.items():
            told = [e for e in got if e.job_id == job_id]
            assert told[-1].status is ORDER[min(place, 3)]
            assert [e.previous for e in told] == [None, *(e.status for e in told[:-1])]

    run_virtual(main)
    assert [e.sequence for e in got] == list(range(1, len(got) + 1))


# ---------------------------------------------------------------- several buffers


async def drained(buffer: Buffer) -> list[str]:
    """The jobs of all events that can be read."""
    return [(await buffer.get()).job_id for _ in range(len(buffer._events))]


async def test_every_buffer_gets_every_event() -> None:
    """Each buffer has the events since it was opened, with sequence numbers of its own."""
    delivery = Delivery()
    first = delivery.open(10)
    delivery.put(event("a", 0))
    second = delivery.open(10)
    delivery.put(event("b", 0))
    assert await drained(first) == ["a", "b"]
    assert (await second.get()).sequence == 1


async def test_room_wakes_all_that_wait() -> None:
    """Several tasks may wait for room, and all of them go on."""
    delivery = Delivery()
    buffer = delivery.open(1)
    buffer.put(event("a", 0))
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(delivery.wait_for_room)
            await trio.testing.wait_all_tasks_blocked()
        await buffer.get()


async def test_room_is_waited_for() -> None:
    """A producer waits while it is full, and goes on as soon as an event has been read."""
    delivery = Delivery()
    buffer = delivery.open(2)
    buffer.put(event("a", 0))
    buffer.put(event("a", 1))
    await delivery.wait_for_room()
    buffer.put(event("b", 0))
    assert delivery.is_full
    async with trio.open_nursery() as nursery:
        nursery.start_soon(delivery.wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks
        await buffer.get()
    await delivery.wait_for_room()


async def test_a_buffer_with_room_keeps_the_watch_going() -> None:
    """Delivery is full only while all buffers are; a full one still takes events, one a job."""
    delivery = Delivery()
    slow, quick = delivery.open(1), delivery.open(1)
    delivery.put(event("a", 0))
    assert [delivery.is_full, (await quick.get()).job_id, delivery.is_full] == [True, "a", False]
    delivery.put(event("a", 1))
    await quick.get()
    delivery.put(event("a", 3))
    assert (await slow.get()).status is ORDER[3]
    assert (await quick.get()).status is ORDER[3]


async def test_large_events_fill_delivery() -> None:
    """A few events made from large answers fill it."""
    delivery = Delivery()
    buffers = [delivery.open(10), delivery.open(10)]
    delivery.put(event("a", 0), 9 * LARGE)
    assert delivery.is_full
    for buffer in buffers:
        assert await drained(buffer) == ["a"]
        assert not delivery.is_full


async def test_a_lost_buffer_is_forgotten() -> None:
    """A buffer without a consumer is no reason to wait."""
    delivery = Delivery()
    kept, lost = delivery.open(1), delivery.open(10)
    delivery.put(event("a", 0))
    before = delivery.is_full
    del lost
    gc.collect()
    assert (before, delivery.is_full) == (False, True)
    assert await drained(kept) == ["a"]


async def test_discarding_makes_room() -> None:
    """Unread events of a job can be discarded from all buffers; those of another job stay."""
    delivery = Delivery()
    buffer = delivery.open(1)
    delivery.put(event("a", 0))
    delivery.discard("b")
    assert delivery.is_full
    async with trio.open_nursery() as nursery:
        nursery.start_soon(delivery.wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        delivery.discard("a")
    assert await drained(buffer) == []


async def test_the_end_closes_all_buffers() -> None:
    """All buffers are closed, also one that is opened afterwards."""
    delivery = Delivery()
    first = delivery.open(1)
    failure = ValueError("no more")
    delivery.close(failure)
    for buffer in (first, delivery.open(1)):
        with pytest.raises(ValueError, match="no more"):
            await buffer.get()


# ---------------------------------------------------------------- subscriptions


async def read(subscription: Subscription, into: list[JobEvent], pause: float = 0.0) -> None:
    """Read to the end, resting after each event."""
    async for event in subscription:
        into.append(event)
        await trio.sleep(pause)


async def test_each_reader_has_the_whole_contract() -> None:
    """Quick or slow, each consumer has true events, in order, and each job's end once."""
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
    """While one consumer never reads, another gets everything without delay; the first gets it later."""
    monkeypatch.setattr("legnext_stream._engine.delivery.CAPACITY", 2)
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
    """A late subscription has what happens from then on."""
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
    """A subscription does not keep the watch alive."""
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


async def test_a_lost_subscription_is_forgotten() -> None:
    """A subscription that was dropped holds nothing up."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(mock.add_jobs(1)) as events,
    ):
        events.subscribe()
        gc.collect()
        assert [event async for event in events][-1].status.is_terminal


async def test_there_is_no_other_policy() -> None:
    """An unknown policy is refused by name."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(mock.add_jobs(1)) as events,
    ):
        with pytest.raises(ValueError, match="'block' or 'latest', not 'drop'"):
            events.subscribe("drop")  # type: ignore[arg-type] # that is the point
