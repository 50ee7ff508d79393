"""The streams of `aio` and `sync`: one reader at a time, acknowledgement, sources, and the API of Trio's."""

from __future__ import annotations

import asyncio  # noqa: TID251 - `legnext_stream.aio` runs on it
import inspect
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch as patched

import pytest
import trio

import legnext_stream
from legnext_stream import (
    ConfigurationError,
    InvalidJobId,
    JobStatus,
    NotTrioError,
    StreamClosedError,
    aio,
    sync,
)
from legnext_stream._bridges import sources_aio, trio_thread, waiting_aio, waiting_sync
from legnext_stream.aio import _streams as aio_streams
from legnext_stream.sync import _streams as sync_streams
from mockserver import Fixed, MockLegnext, Script
from tests.legnext_stream.bridges.virtual import Interrupt, Outside, virtual_time, within
from tests.legnext_stream.support import KEY, URL, check_contract


@pytest.fixture
def outside() -> Iterator[Outside]:
    """Virtual time; at the end, nothing may be left open."""
    with virtual_time() as outside:
        yield outside


def plain(mock: MockLegnext) -> sync.LegnextClient:
    """A client of this mock."""
    return sync.LegnextClient(KEY, URL, mock.transport())


def under_asyncio(mock: MockLegnext) -> aio.LegnextClient:
    """A client of this mock."""
    return aio.LegnextClient(KEY, URL, mock.transport())


# ---------------------------------------------------------------- the face


@pytest.mark.parametrize("bridge", [sync, aio])
@pytest.mark.parametrize("name", sync.__all__)
def test_the_names_and_arguments_are_those_on_trio(bridge: Any, name: str) -> None:  # noqa: ANN401 - a module
    """Names, parameters and defaults are those of `legnext_stream`."""
    ours, trios = getattr(bridge, name), getattr(legnext_stream, name)
    if inspect.isfunction(ours):
        assert _arguments(ours) == _arguments(trios)
        return
    renamed = {"close": "aclose"}
    for method in (key for key in vars(trios) if not key.startswith("_")):
        there = next((new for new, old in renamed.items() if old == method), method)
        there = there if bridge is sync else method
        assert hasattr(ours, there), f"{name}.{method} has no counterpart"
        original = getattr(trios, method)
        if inspect.isfunction(original):
            assert _arguments(getattr(ours, there)) == _arguments(original)
    if name == "LegnextClient":
        assert _arguments(ours) == _arguments(trios)


def _arguments(function: Any) -> list[tuple[str, Any, Any]]:  # noqa: ANN401 - any function
    parameters = inspect.signature(function).parameters.values()
    return [(one.name, one.kind, one.default) for one in parameters]


# ---------------------------------------------------------------- acknowledging


def test_an_event_is_delivered_again_until_the_next_is_asked_for(
    outside: Outside, tmp_path: Path
) -> None:
    """Asking for an event acknowledges the one before; with a journal, across a restart too."""
    mock = MockLegnext()
    ids = mock.add_jobs(3)
    journal = tmp_path / "batch.db"
    with plain(mock) as client:
        with client.watch(ids, journal=journal) as events:
            first, second = next(events), next(events)
        with client.watch(journal=journal) as events:
            again = next(events)
            assert (again.job_id, again.status) == (second.job_id, second.status)
            events.ack()
        with client.watch(journal=journal) as events:
            delivered = [(event.job_id, event.status) for event in events]
    assert (first.job_id, first.status) not in delivered
    assert (second.job_id, second.status) not in delivered
    assert outside.now() > 0


def test_what_a_cancelled_read_fetched_is_not_acknowledged(
    outside: Outside, tmp_path: Path
) -> None:
    """It is kept for the next read, and `ack` doesn't acknowledge it before."""
    mock = MockLegnext()
    journal = tmp_path / "batch.db"
    ids = [mock.add_job(Script([("pending", 5), "completed"]))]

    async def main() -> list[JobStatus]:
        async with under_asyncio(mock) as client:
            async with client.watch(ids, journal=journal) as events:
                # As a reader that is cancelled when the event has arrived, before it can take it.
                await asyncio.to_thread(events._reader.ask().outcome.result)
                await events.ack()
            async with client.watch(journal=journal) as events:
                return [event.status async for event in events]

    assert asyncio.run(main())[0] is JobStatus.PENDING
    assert outside.now() > 0


def test_a_kept_event_of_a_removed_job_is_not_delivered(outside: Outside) -> None:
    """No event of it is delivered any more, not even one that had arrived."""
    mock = MockLegnext()
    ids = [mock.add_job(Script(["pending"])) for _ in range(2)]

    async def main() -> None:
        async with under_asyncio(mock) as client, client.watch(ids) as events:
            kept = await asyncio.to_thread(events._reader.ask().outcome.result)
            events.remove(kept.job_id)
            another = await asyncio.to_thread(events._reader.ask().outcome.result)
            events.add([job_id := mock.add_job(Script(["pending"]))])
            await asyncio.to_thread(outside.sleep, 60)
            events.remove(job_id)
            assert await anext(events) == another
            assert another.job_id != kept.job_id

    asyncio.run(main())
    assert outside.now() >= 60


def test_a_read_that_is_given_up_before_anything_came(outside: Outside, tmp_path: Path) -> None:
    """The next read asks again; `ack` in between acknowledges the event delivered last."""
    mock = MockLegnext()
    journal = tmp_path / "batch.db"
    ids = [mock.add_job(Script([("pending", 50), "completed"]))]

    async def main() -> list[JobStatus]:
        async with under_asyncio(mock) as client:
            async with client.watch(ids, journal=journal) as events:
                await anext(events)
                with outside.alarm(3) as alarm, pytest.raises(TimeoutError):
                    await within(alarm, anext(events))
                await events.ack()
                with outside.alarm(3) as alarm, pytest.raises(TimeoutError):
                    await within(alarm, anext(events))
                assert (await anext(events)).status is JobStatus.COMPLETED
                await events.ack()
            async with client.watch(journal=journal) as events:
                return [event.status async for event in events]

    assert asyncio.run(main()) == []


def test_a_stream_of_a_client_that_was_closed(outside: Outside) -> None:
    """Its methods raise an error that says so; closing it does not."""
    mock = MockLegnext()
    ids = [mock.add_job(Script(["pending"]))]
    with plain(mock) as client:
        events = client.watch(ids)
        next(events)
        events.ack()
        along = events.subscribe()
        assert iter(along) is along
        lease = client._open_lease()
        another = client.watch(ids)
    with pytest.raises(ConfigurationError, match="not open"):
        next(along)
    events.close()
    for use in (events.__enter__, events.ack, lambda: events.add(ids), lambda: next(events)):
        with pytest.raises(StreamClosedError):
            use()
    # As when it is closed in between.
    client._lease = lease
    with pytest.raises(ConfigurationError, match="closed meanwhile"):
        client.balance()
    with pytest.raises(StreamClosedError):
        another.__enter__()
    assert events.stats.polls > 0
    events.close()
    client._lease = None
    assert sync.watch(ids, api_key=KEY).stats.polls == 0

    async def main() -> None:
        async with under_asyncio(mock) as client:
            events = client.watch(ids)
            await anext(events)
            await events.ack()
            along = events.subscribe()
            assert aiter(along) is along
            lease = client._open_lease()
        with pytest.raises(ConfigurationError, match="not open"):
            await anext(along)
        await events.aclose()
        with pytest.raises(StreamClosedError):
            await events.__aenter__()
        with pytest.raises(StreamClosedError):
            await events.ack()
        client._lease = lease
        await events.aclose()
        client._lease = None

    asyncio.run(main())
    del outside


def test_a_client_that_is_closed_over_a_reader(outside: Outside) -> None:
    """A task that waits for an event gets an error."""
    mock = MockLegnext()

    async def main() -> None:
        async with under_asyncio(mock) as client:
            events = client.watch([mock.add_job(Script(["pending"]))])
            await anext(events)
            reading = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
        with pytest.raises(StreamClosedError, match="before its end"):
            await reading

    asyncio.run(main())
    del outside


def test_an_interrupted_reader_in_plain_code(outside: Outside, tmp_path: Path) -> None:
    """After Ctrl-C, before or after the event has arrived, the next read returns the event."""
    mock = MockLegnext()
    ids = [mock.add_job(Script([("pending", 50), "completed"]))]
    with plain(mock) as client, client.watch(ids, journal=tmp_path / "batch.db") as events:

        def at_once(call: trio_thread.Call[Any], lease: trio_thread.Lease) -> None:
            lease.call_off(call)
            call.outcome.exception()
            raise Interrupt

        def when_it_has_come(call: trio_thread.Call[Any], lease: trio_thread.Lease) -> None:
            call.outcome.exception()
            lease.call_off(call)
            raise Interrupt

        with patched.object(sync_streams, "settle", when_it_has_come), pytest.raises(Interrupt):
            next(events)
        events.ack()  # of nothing: what has come was not delivered
        assert next(events).status is JobStatus.PENDING
        for go_on in (events.ack, lambda: None):
            with patched.object(sync_streams, "settle", at_once), pytest.raises(Interrupt):
                next(events)
            go_on()
        assert next(events).status is JobStatus.COMPLETED
    assert outside.now() > 0


def test_an_interrupted_call_is_over(outside: Outside) -> None:
    """After Ctrl-C in a call, the call is done before the error is raised."""
    lease = trio_thread.Lease()
    call = lease.call(trio.sleep_forever)
    with (
        patched.object(call.outcome, "exception", side_effect=Interrupt),
        pytest.raises(Interrupt),
    ):
        waiting_sync.result(call, lease)
    with pytest.raises(trio_thread.Withdrawn):
        call.outcome.result()
    waiting_sync.end(lease)
    del outside


def test_an_interrupted_entry_closes_what_it_has_opened(outside: Outside) -> None:
    """`__exit__` is not called when `__enter__` raises."""
    mock = MockLegnext()
    ids = [mock.add_job(Script(["pending"]))]
    with plain(mock) as client:
        events = client.watch(ids)

        def interrupted(call: trio_thread.Call[Any], lease: trio_thread.Lease) -> None:
            waiting_sync.result(call, lease)
            if call.outcome.result() is not None and not events._reader.is_closed:
                raise Interrupt

        with patched.object(sync_streams, "result", interrupted), pytest.raises(Interrupt):
            events.__enter__()
        with pytest.raises(StreamClosedError):
            next(events)

    async def main() -> None:
        async with under_asyncio(mock) as client:
            lease = client._open_lease()
            for is_open in (True, False):
                events, lost = client.watch(ids), trio_thread.Lease()
                if not is_open:
                    await waiting_aio.end(lost)
                    client._lease = lost

                async def cancelled(
                    call: trio_thread.Call[Any],
                    lease: trio_thread.Lease,
                    events: aio.EventStream = events,
                ) -> None:
                    await waiting_aio.wait_for(call.outcome)
                    if not events._reader.is_closed:
                        raise asyncio.CancelledError
                    del lease

                with (
                    patched.object(aio_streams, "result", cancelled),
                    pytest.raises(asyncio.CancelledError),
                ):
                    await events.__aenter__()
                await waiting_aio.end(lost)
            client._lease = lease

    asyncio.run(main())
    del outside


def test_selections_close_their_stream(outside: Outside) -> None:
    """By `close` as well as by the end of a `with` block."""
    mock = MockLegnext()
    ids = [mock.add_job(Script(["pending"]))]
    with plain(mock) as client:
        some = client.watch(ids).only("pending")
        next(some)
        some.stream.remove(ids[0])
        some.close()
        with pytest.raises(StreamClosedError):
            next(some)
        with pytest.raises(ValueError, match="given none"):
            client.watch(ids).only()

    async def main() -> None:
        async with under_asyncio(mock) as client:
            some = client.watch(ids).only("pending")
            await anext(some)
            await some.aclose()
            with pytest.raises(StreamClosedError):
                await anext(some)

    asyncio.run(main())
    del outside


# ---------------------------------------------------------------- one reader at a time


def test_two_readers_at_once_are_refused(outside: Outside) -> None:
    """The second gets a clear error; closing the stream wakes the first."""
    mock = MockLegnext()

    async def main() -> None:
        async with under_asyncio(mock) as client:
            events = client.watch([mock.add_job(Script(["pending"]))])
            await anext(events)
            reading = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            with pytest.raises(trio.BusyResourceError, match="waiting for the next"):
                await anext(events)
            with pytest.raises(trio.BusyResourceError):
                await events.ack()
            await events.aclose()
            with pytest.raises(StreamClosedError):
                await reading
            with pytest.raises(StreamClosedError):
                await anext(events)
            with pytest.raises(StreamClosedError):
                events.add([])
            await events.aclose()

    asyncio.run(main())
    assert not mock.crashes
    del outside


def test_streams_of_several_threads(outside: Outside) -> None:
    """Each thread reads a stream of its own, all of one client."""
    mock = MockLegnext()
    lists = [mock.add_jobs(5) for _ in range(4)]
    delivered: list[set[str]] = [set() for _ in lists]
    with plain(mock) as client:

        def read(number: int) -> None:
            delivered[number] = {event.job_id for event in client.watch(lists[number])}

        threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert delivered == [set(ids) for ids in lists]
    del outside


# ---------------------------------------------------------------- sources


def test_an_iterator_runs_in_a_thread_of_its_own(outside: Outside) -> None:
    """It runs in one thread and no further than it is asked for; its error is raised where events are read."""
    mock = MockLegnext()
    ids = mock.add_jobs(450)
    seen: set[str] = set()

    def source() -> Iterator[str]:
        for job_id in ids:
            seen.add(threading.current_thread().name)
            yield job_id
        raise ZeroDivisionError

    with plain(mock) as client, pytest.raises(ZeroDivisionError):
        list(client.watch(source()))
    assert seen == {"legnext_stream source"}
    del outside


def test_an_async_iterator_runs_in_the_loop(outside: Outside) -> None:
    """It runs in the thread of the event loop, and is closed with the stream."""
    mock = MockLegnext(slots=None, run_times=Fixed(1))
    ids = mock.add_jobs(250)
    where: set[int] = set()
    closed: list[bool] = []

    async def source() -> AsyncIterator[str]:
        try:
            for job_id in ids:
                where.add(threading.get_ident())
                yield job_id
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def main() -> None:
        async with under_asyncio(mock) as client:
            delivered = set()
            async for event in client.watch(source()).terminal():
                delivered.add(event.job_id)
                if len(delivered) == len(ids):
                    break
        check_contract([], mock.truth)

    asyncio.run(main())
    assert where == {threading.get_ident()}
    assert closed == [True]
    del outside


def test_a_source_that_has_more_is_left_where_it_is(outside: Outside) -> None:
    """After the stream is closed, its thread ends with the item that it waits for."""
    mock = MockLegnext()
    gate = threading.Event()

    def source() -> Iterator[str]:
        yield mock.add_job()
        gate.wait()
        yield mock.add_job()
        pytest.fail("it was asked for more")

    with plain(mock) as client:
        for _ in client.watch(source()):
            break
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "legnext_stream source":
            thread.join(10)
            assert not thread.is_alive()
    del outside


def test_an_async_source_of_every_kind(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that isn't a generator, one that never waits, one that fails, and one whose loop is closed."""
    mock = MockLegnext()
    monkeypatch.setattr(sources_aio, "SLICE", 0.0)

    class Ids:
        """An async iterator that is not a generator."""

        def __init__(self) -> None:
            self.left = mock.add_jobs(3)

        def __aiter__(self) -> AsyncIterator[str]:
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    async def failing() -> AsyncIterator[str]:
        yield mock.add_job()
        raise ZeroDivisionError

    async def main() -> None:
        async with under_asyncio(mock) as client:
            assert len(await client.gather(Ids())) == 3
            with pytest.raises(ZeroDivisionError):
                await client.gather(failing())

    asyncio.run(main())

    async def made() -> aio.EventStream:
        return aio.watch(failing(), api_key=KEY, base_url=URL)

    events = asyncio.run(made())

    async def read() -> None:
        async with events:
            with pytest.raises(StreamClosedError, match="loop that the source runs in"):
                await anext(events)

    asyncio.run(read())
    del outside


def test_sources_that_cannot_be_read(outside: Outside) -> None:
    """The error says where they can be read."""
    mock = MockLegnext()
    _, channel = trio.open_memory_channel[str](1)

    async def awaits_trio() -> AsyncIterator[str]:
        await trio.sleep(1)
        yield "never"

    async def main() -> None:
        async with under_asyncio(mock) as client:
            with pytest.raises(TypeError, match="only on Trio"):
                client.watch(channel)
            with pytest.raises(NotTrioError, match="awaits Trio"):
                await anext(client.watch(awaits_trio()))
            with pytest.raises(InvalidJobId):
                client.watch(["a", "b/c"])
            with pytest.raises(TypeError, match="string"):
                client.watch("a")

    asyncio.run(main())
    wrong: Any = awaits_trio()
    with plain(mock) as client, pytest.raises(TypeError, match="plain iterables"):
        client.watch(wrong)
    with pytest.raises(ConfigurationError, match="needs a running asyncio loop"):
        aio.watch(wrong, api_key=KEY)
    del outside
