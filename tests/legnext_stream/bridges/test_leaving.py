"""Every way of leaving a stream of `aio` or `sync`, in every form of using it, leaves nothing behind.

That means: no lease and so no thread, no connection, no further request, no warning, and an error
of the body is raised unchanged. `tests/legnext_stream/engine/test_leaving.py` has the same for
Trio.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - `legnext_stream.aio` runs on it
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TypeAlias

import pytest
import trio.testing

from legnext_stream import JobEvent, aio, sync
from mockserver import MockLegnext, Script
from tests.legnext_stream.bridges.virtual import Interrupt, Outside, virtual_time, within
from tests.legnext_stream.support import KEY, URL, Network, mock_network

Body: TypeAlias = Callable[[], bool]
"""What is done with an event; True to break out of the loop."""
Form: TypeAlias = Callable[[list[str], Body], None]
AsyncForm: TypeAlias = Callable[[list[str], Body], Awaitable[None]]


@pytest.fixture
def mock() -> MockLegnext:
    """An account with slow answers, so that requests are in flight when the stream is left."""
    return MockLegnext(seed=5, latency=0.4)


@pytest.fixture
def network(mock: MockLegnext, monkeypatch: pytest.MonkeyPatch) -> Network:
    """The mock on a network in memory, below httpx's own pools; key and URL are in the environment."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setenv("LEGNEXT_BASE_URL", URL)
    network = mock_network(mock)
    network.install(monkeypatch)
    return network


@pytest.fixture
def outside() -> Iterator[Outside]:
    """Virtual time; at the end, nothing may be left open."""
    with virtual_time() as outside:
        yield outside


def endless(mock: MockLegnext) -> list[str]:
    """Add jobs that change and never end."""
    script = Script([("pending", 3), ("staged", 20), "processing"])
    return [mock.add_job(script) for _ in range(20)]


def check_left(outside: Outside, mock: MockLegnext, network: Network) -> None:
    """Check that nothing is left."""
    gc.collect()
    outside.on_trio(trio.testing.wait_all_tasks_blocked)
    assert network.now_open == 0, "a connection was left open"
    outside.sleep(5)
    asked = len(mock.requests)
    outside.sleep(10_000)
    assert len(mock.requests) == asked, "the polling went on"
    assert not mock.crashes


# ---------------------------------------------------------------- forms, in synchronous code


def bare(ids: list[str], body: Body) -> None:
    """`for` over the function's result."""
    for _ in sync.watch(ids):
        if body():
            break


def entered(ids: list[str], body: Body) -> None:
    """`with`, then `for`."""
    with sync.watch(ids) as events:
        for _ in events:
            if body():
                break


def by_client(ids: list[str], body: Body) -> None:
    """A client's stream."""
    with sync.LegnextClient() as client:
        for _ in client.watch(ids):
            if body():
                break


def by_client_entered(ids: list[str], body: Body) -> None:
    """A client's stream, by `with`."""
    with sync.LegnextClient() as client, client.watch(ids) as events:
        for _ in events:
            if body():
                break


def from_a_source(ids: list[str], body: Body) -> None:
    """With ids from an iterator."""
    for _ in sync.watch(iter(ids)):
        if body():
            break


def selected(ids: list[str], body: Body) -> None:
    """Some of the events only."""
    with sync.watch(ids).only("pending", "staged") as events:
        for _ in events:
            if body():
                break


FORMS: list[Form] = [bare, entered, by_client, by_client_entered, from_a_source, selected]

# ---------------------------------------------------------------- the same under asyncio


async def abare(ids: list[str], body: Body) -> None:
    """`async for` over the function's result."""
    async for _ in aio.watch(ids):
        if body():
            break


async def aentered(ids: list[str], body: Body) -> None:
    """`async with`, then `async for`."""
    async with aio.watch(ids) as events:
        async for _ in events:
            if body():
                break


async def aby_client(ids: list[str], body: Body) -> None:
    """A client's stream."""
    async with aio.LegnextClient() as client:
        async for _ in client.watch(ids):
            if body():
                break


async def aby_client_entered(ids: list[str], body: Body) -> None:
    """A client's stream, by `async with`."""
    async with aio.LegnextClient() as client, client.watch(ids) as events:
        async for _ in events:
            if body():
                break


async def afrom_a_source(ids: list[str], body: Body) -> None:
    """With ids from an async generator that has more to come."""

    async def source() -> AsyncIterator[str]:
        for job_id in ids:
            yield job_id
        await asyncio.Event().wait()

    async for _ in aio.watch(source()):
        if body():
            break


async def aselected(ids: list[str], body: Body) -> None:
    """Some of the events only."""
    async with aio.watch(ids).only("pending", "staged") as events:
        async for _ in events:
            if body():
                break


ASYNC_FORMS: list[AsyncForm] = [
    abare,
    aentered,
    aby_client,
    aby_client_entered,
    afrom_a_source,
    aselected,
]


def run(form: AsyncForm) -> Form:
    """Run an asyncio form in an event loop of its own."""

    def in_a_loop(ids: list[str], body: Body) -> None:
        async def main() -> None:
            await form(ids, body)

        asyncio.run(main())

    in_a_loop.__name__ = form.__name__
    return in_a_loop


ALL_FORMS = [*FORMS, *map(run, ASYNC_FORMS)]


def name(form: Callable[..., object]) -> str:
    """The name of a form or a way, for the test's id."""
    return form.__name__


# ---------------------------------------------------------------- ways


def after(count: int, act: Callable[[], bool]) -> Body:
    """A body that does something at an event some way into the stream."""
    seen = 0

    def body() -> bool:
        nonlocal seen
        seen += 1
        return seen >= count and act()

    return body


def by_break(form: Form, ids: list[str]) -> None:
    """`break`, at the first event."""
    form(ids, after(1, lambda: True))


def by_break_later(form: Form, ids: list[str]) -> None:
    """`break`, after many requests and with some in flight."""
    form(ids, after(25, lambda: True))


def _by(error: BaseException, form: Form, ids: list[str]) -> None:
    def fail() -> bool:
        raise error

    with pytest.raises(type(error)) as caught:
        form(ids, after(7, fail))
    assert caught.value is error
    assert caught.value.__cause__ is None


def by_exception(form: Form, ids: list[str]) -> None:
    """An exception in the body: the same object is raised, in no group."""
    _by(ValueError("the body's own"), form, ids)


def by_interrupt(form: Form, ids: list[str]) -> None:
    """An error like Ctrl-C in the body, which is no `Exception`."""
    _by(Interrupt(), form, ids)


def by_group(form: Form, ids: list[str]) -> None:
    """The body raises a group: it is raised as it is."""
    _by(ExceptionGroup("the body's own", [ValueError("x")]), form, ids)


WAYS = [by_break, by_break_later, by_exception, by_interrupt, by_group]


@pytest.mark.parametrize("form", ALL_FORMS, ids=name)
@pytest.mark.parametrize("way", WAYS, ids=name)
def test_leaving_leaves_nothing(
    form: Form,
    way: Callable[[Form, list[str]], None],
    mock: MockLegnext,
    network: Network,
    outside: Outside,
) -> None:
    """Each way of leaving, in each form."""
    way(form, endless(mock))
    check_left(outside, mock, network)


@pytest.mark.parametrize("form", [*FORMS[:5], *map(run, ASYNC_FORMS[:4])], ids=name)
def test_coming_to_the_end_leaves_nothing(
    form: Form, mock: MockLegnext, network: Network, outside: Outside
) -> None:
    """The loop ends with the last job."""
    form(mock.add_jobs(15), lambda: False)
    assert network.opened > 0
    check_left(outside, mock, network)


# ---------------------------------------------------------------- ways that only asyncio knows


async def acancelled(form: AsyncForm, ids: list[str], outside: Outside) -> None:
    """Its task is cancelled while it waits for an event."""
    with outside.alarm(11.3) as alarm, pytest.raises(TimeoutError):
        await within(alarm, form(ids, lambda: False))


async def acancelled_at_once(form: AsyncForm, ids: list[str], outside: Outside) -> None:
    """Its task is cancelled before anything has come."""
    task = asyncio.ensure_future(form(ids, lambda: False))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del outside


async def atwice(form: AsyncForm, ids: list[str], outside: Outside) -> None:
    """It is cancelled again while the stream is being closed."""
    task = asyncio.ensure_future(form(ids, lambda: False))
    with outside.alarm(11.3) as alarm:
        await asyncio.wrap_future(alarm.outcome)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


async def abeside(form: AsyncForm, ids: list[str], outside: Outside) -> None:
    """The body raises an error in a task that is cancelled before the stream is closed.

    Either the error or the cancellation is raised: the cancellation if closing still had to wait,
    because asyncio cancels only once.
    """
    error = OSError("while it was cleaning up")
    task: asyncio.Task[None]

    def fail() -> bool:
        task.cancel()
        raise error

    task = asyncio.ensure_future(form(ids, after(5, fail)))
    with pytest.raises((OSError, asyncio.CancelledError)):
        await task
    del outside


async def aby_deadline(form: AsyncForm, ids: list[str], outside: Outside) -> None:
    """`asyncio.timeout` expires."""
    loop = asyncio.get_running_loop()

    async def until_the_alarm() -> None:
        async with asyncio.timeout(None) as deadline:
            with outside.alarm(9.7) as alarm:
                alarm.outcome.add_done_callback(
                    lambda _: loop.call_soon_threadsafe(deadline.reschedule, 0)
                )
                await form(ids, lambda: False)

    with pytest.raises(TimeoutError):
        await until_the_alarm()


@pytest.mark.parametrize("form", ASYNC_FORMS, ids=name)
@pytest.mark.parametrize(
    "way", [acancelled, acancelled_at_once, atwice, abeside, aby_deadline], ids=name
)
def test_leaving_by_cancellation_leaves_nothing(
    form: AsyncForm,
    way: Callable[[AsyncForm, list[str], Outside], Awaitable[None]],
    mock: MockLegnext,
    network: Network,
    outside: Outside,
) -> None:
    """Each way of being cancelled, in each form."""

    async def main() -> None:
        await way(form, endless(mock), outside)

    asyncio.run(main())
    check_left(outside, mock, network)


# ---------------------------------------------------------------- losing it


def test_losing_the_last_reference(mock: MockLegnext, network: Network, outside: Outside) -> None:
    """A stream or client that is garbage is closed."""
    events = sync.watch(endless(mock))
    next(events)
    del events
    client = sync.LegnextClient()
    client.__enter__()
    other = client.watch(endless(mock))
    next(other)
    del other, client
    check_left(outside, mock, network)


def test_losing_it_in_a_cycle(mock: MockLegnext, network: Network, outside: Outside) -> None:
    """The garbage collector closes it then, whichever thread it runs in."""

    class Holder:
        """Something that refers to itself."""

    holder = Holder()
    events = sync.watch(endless(mock))
    holder.__dict__.update(me=holder, events=events)
    next(events)
    del holder, events

    async def collect() -> None:
        gc.collect()

    outside.on_trio(collect)
    check_left(outside, mock, network)


def test_a_subscription_keeps_what_it_reads(mock: MockLegnext, outside: Outside) -> None:
    """A subscription can be read to its end after the stream itself is gone."""
    ids = mock.add_jobs(3)
    with sync.LegnextClient(KEY, URL, mock.transport()) as client:
        events = client.watch(ids)
        along = events.subscribe()
        delivered: list[JobEvent] = list(events)
        del events
        # What it hadn't read was merged, so that it is left with the ends.
        assert (
            {event.job_id for event in along} == {event.job_id for event in delivered} == set(ids)
        )
    assert outside.now() > 0


def test_a_loop_that_is_closed_over_a_reader(
    mock: MockLegnext, network: Network, outside: Outside
) -> None:
    """A loop was closed while a task waited for an event: another loop can continue to read the stream."""
    events = aio.watch(endless(mock))
    loop = asyncio.new_event_loop()
    reading = loop.create_task(_one(events))
    loop.run_until_complete(asyncio.sleep(0))
    # If the answer was quicker, the task has it; else it is kept for the next read.
    wanted = 2 if reading.done() else 1
    loop.close()
    outside.sleep(50)
    # The loop says that it is closed, unless the answer came just before that.
    with suppress(RuntimeError):
        reading.cancel()
    reading._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio's own
    del reading, loop
    gc.collect()
    assert asyncio.run(_one(events)).sequence == wanted
    asyncio.run(events.aclose())
    del events
    check_left(outside, mock, network)


async def _one(events: aio.EventStream) -> JobEvent:
    return await anext(events)
