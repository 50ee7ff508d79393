"""Leaving: every way of leaving a stream, in every form of using it, leaves nothing behind.

Nothing behind means: no task, no connection, nobody who goes on asking, no warning (all of them are
errors in these tests), and what the body raised comes out as it was.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeAlias

import pytest
import trio
import trio.testing

from legnext_stream import EventStream, JobEvent, LegnextClient, StreamClosedError, watch
from legnext_stream._engine import stream as stream_module
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import KEY, URL, Left, Network, mock_network

Body: TypeAlias = Callable[[JobEvent], Awaitable[bool]]
"""What is done with an event; True to break out of the loop."""
Form: TypeAlias = Callable[[list[str], Body], Awaitable[None]]
Way: TypeAlias = Callable[[Form, list[str]], Awaitable[None]]


class Interrupt(KeyboardInterrupt):
    """Like Ctrl-C, but not to be mistaken for a real one."""


@pytest.fixture
def mock() -> MockLegnext:
    """An account with slow answers, so that requests are in flight when the stream is left."""
    return MockLegnext(seed=5, latency=0.4)


@pytest.fixture
def network(mock: MockLegnext, monkeypatch: pytest.MonkeyPatch) -> Network:
    """The mock on a network in memory, under httpx's own pools; key and URL in the environment."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setenv("LEGNEXT_BASE_URL", URL)
    network = mock_network(mock)
    network.install(monkeypatch)
    return network


def endless(mock: MockLegnext) -> list[str]:
    """Jobs of which each changes and none ends."""
    script = Script([("pending", 3), ("staged", 20), "processing"])
    return [mock.add_job(script) for _ in range(20)]


# ---------------------------------------------------------------- forms


async def bare(ids: list[str], body: Body) -> None:
    """`async for` over the function's result."""
    async for event in watch(ids):
        if await body(event):
            break


async def entered(ids: list[str], body: Body) -> None:
    """`async with`, then `async for`."""
    async with watch(ids) as events:
        async for event in events:
            if await body(event):
                break


async def by_client(ids: list[str], body: Body) -> None:
    """In a client's nursery, bare."""
    async with LegnextClient() as client:
        async for event in client.watch(ids):
            if await body(event):
                break


async def by_client_entered(ids: list[str], body: Body) -> None:
    """In a client's nursery, and by `async with`."""
    async with LegnextClient() as client, client.watch(ids) as events:
        async for event in events:
            if await body(event):
                break


async def selected(ids: list[str], body: Body) -> None:
    """Bare, over some of the events only."""
    async for event in watch(ids).only("staged", "processing"):
        if await body(event):
            break


async def selected_and_entered(ids: list[str], body: Body) -> None:
    """By `async with`, over some of the events only."""
    async with watch(ids).only("staged", "processing") as events:
        async for event in events:
            if await body(event):
                break


async def from_an_async_source(ids: list[str], body: Body) -> None:
    """Bare, with ids from an async generator that has more to come."""

    async def source() -> AsyncIterator[str]:
        for job_id in ids:
            yield job_id
            await trio.sleep(0.1)
        await trio.sleep(10**6)

    async for event in watch(source()):
        if await body(event):
            break


FORMS = [
    bare,
    entered,
    by_client,
    by_client_entered,
    selected,
    selected_and_entered,
    from_an_async_source,
]

# ---------------------------------------------------------------- ways


def after(count: int, act: Callable[[], bool]) -> Body:
    """A body that does something at an event some way into the stream."""
    seen = 0

    async def body(event: JobEvent) -> bool:
        nonlocal seen
        assert event.job_id
        seen += 1
        await trio.lowlevel.checkpoint()
        return seen >= count and act()

    return body


async def go_on(_: JobEvent) -> bool:
    """A body that never leaves by itself."""
    await trio.lowlevel.checkpoint()
    return False


async def by_break(form: Form, ids: list[str]) -> None:
    """`break`, at the first event."""
    await form(ids, after(1, lambda: True))


async def by_break_later(form: Form, ids: list[str]) -> None:
    """`break`, with many requests behind and some under way."""
    await form(ids, after(25, lambda: True))


async def by_break_with_polls_under_way(form: Form, ids: list[str]) -> None:
    """`break` in the middle of waiting for answers."""

    async def body(_: JobEvent) -> bool:
        await trio.sleep(1.05)
        return True

    await form(ids, body)


async def by_exception(form: Form, ids: list[str]) -> None:
    """An exception in the body: it comes out as the same object, in no group."""
    error = ValueError("the body's own")

    def fail() -> bool:
        raise error

    with pytest.raises(ValueError, match="the body's own") as caught:
        await form(ids, after(7, fail))
    assert caught.value is error
    assert caught.value.__cause__ is None


async def by_interrupt(form: Form, ids: list[str]) -> None:
    """Something like Ctrl-C in the body: not even an `Exception`."""
    error = Interrupt()

    def fail() -> bool:
        raise error

    with pytest.raises(Interrupt) as caught:
        await form(ids, after(7, fail))
    assert caught.value is error


async def by_group(form: Form, ids: list[str]) -> None:
    """The body raises a group of its own: it comes out with nothing around it."""
    group = ExceptionGroup("the body's own", [ValueError("x")])

    def fail() -> bool:
        raise group

    with pytest.raises(ExceptionGroup) as caught:  # noqa: ASYNC401 - the very same group
        await form(ids, after(3, fail))
    assert caught.value is group


async def by_cancellation(form: Form, ids: list[str]) -> None:
    """Another task cancels it while it waits for an event."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(form, ids, go_on)
        await trio.sleep(11.3)
        nursery.cancel_scope.cancel()


async def by_cancellation_at_once(form: Form, ids: list[str]) -> None:
    """It is cancelled before it has begun."""
    with trio.CancelScope() as scope:
        scope.cancel()
        await form(ids, go_on)
    assert scope.cancelled_caught


async def by_an_error_beside_a_cancellation(form: Form, ids: list[str]) -> None:
    """The body is cancelled, and raises something else on its way out: that comes out, bare."""
    error = OSError("while it was cleaning up")

    async def body(_: JobEvent) -> bool:
        try:
            await trio.sleep_forever()
        finally:
            raise error

    with trio.move_on_after(5), pytest.raises(OSError, match="cleaning up") as caught:
        await form(ids, body)
    assert caught.value is error


async def by_deadline(form: Form, ids: list[str]) -> None:
    """The time is up."""
    with pytest.raises(trio.TooSlowError), trio.fail_after(9.7):
        await form(ids, go_on)


async def by_cancelling_from_the_body(form: Form, ids: list[str]) -> None:
    """The body cancels the scope around the loop."""
    with trio.CancelScope() as scope:

        def cancel() -> bool:
            scope.cancel()
            return False

        await form(ids, after(9, cancel))
    assert scope.cancelled_caught


WAYS = [
    by_break,
    by_break_later,
    by_break_with_polls_under_way,
    by_exception,
    by_interrupt,
    by_group,
    by_cancellation,
    by_cancellation_at_once,
    by_an_error_beside_a_cancellation,
    by_deadline,
    by_cancelling_from_the_body,
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", WAYS)
async def test_leaving_leaves_nothing(
    form: Form, way: Way, mock: MockLegnext, network: Network
) -> None:
    """Each way of leaving, in each form."""
    left = await Left.before()
    await way(form, endless(mock))
    gc.collect()
    await left.check(network, mock)


@pytest.mark.parametrize("form", FORMS[:-1])
async def test_coming_to_the_end_leaves_nothing(
    form: Form, mock: MockLegnext, network: Network
) -> None:
    """All jobs have ended, and the loop with them."""
    left = await Left.before()
    await form(mock.add_jobs(15), go_on)
    assert network.opened > 0
    await left.check(network, mock)


@pytest.mark.parametrize("form", FORMS[:3])
async def test_leaving_again_and_again(form: Form, mock: MockLegnext, network: Network) -> None:
    """A hundred streams left in the middle leave no more than one."""
    left = await Left.before()
    ids = endless(mock)
    for _ in range(100):
        await by_break(form, ids)
    await left.check(network, mock)


@pytest.mark.parametrize("is_entered", [True, False])
async def test_closing_in_the_body(
    is_entered: bool,  # noqa: FBT001 - parametrized
    mock: MockLegnext,
    network: Network,
) -> None:
    """`aclose` from within the loop: the polling has stopped, and the loop's next turn says so."""
    left = await Left.before()
    events = watch(endless(mock))
    if is_entered:
        await events.__aenter__()
    with pytest.raises(StreamClosedError):  # noqa: PT012 - the loop is what raises
        async for _ in events:
            await events.aclose()
            assert network.now_open == 0
    await left.check(network, mock)


@pytest.mark.parametrize("has_client", [True, False])
async def test_closing_from_another_task(
    has_client: bool,  # noqa: FBT001 - parametrized
    mock: MockLegnext,
    network: Network,
) -> None:
    """The reader gets an error at its loop; nothing is left when `aclose` is through."""
    left = await Left.before()
    ids = endless(mock)

    async def read(events: EventStream) -> None:
        with pytest.raises(StreamClosedError):
            async for _ in events:
                pass

    async def read_and_close(events: EventStream) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, events)
            await trio.sleep(8)
            await events.aclose()

    if has_client:
        async with LegnextClient() as client:
            await read_and_close(client.watch(ids))
    else:
        await read_and_close(watch(ids))
    await left.check(network, mock)


@pytest.mark.parametrize("has_client", [True, False])
async def test_losing_the_last_reference(
    has_client: bool,  # noqa: FBT001 - parametrized
    mock: MockLegnext,
    network: Network,
) -> None:
    """Dropping the last reference to a stream leaves it."""
    left = await Left.before()
    client = LegnextClient()
    if has_client:
        await client.__aenter__()
    events = client.watch(endless(mock)) if has_client else watch(endless(mock))
    await anext(events)
    await trio.sleep(2)
    del events
    gc.collect()
    # What is under way is given up, and nothing new is begun.
    await trio.sleep(1)
    asked = len(mock.requests)
    await trio.sleep(1000)
    assert len(mock.requests) == asked
    if has_client:
        await client.__aexit__(None, None, None)
    await left.check(network, mock)


async def test_losing_it_in_a_cycle(mock: MockLegnext, network: Network) -> None:
    """Then it is the garbage collector that ends it, whenever it runs."""
    left = await Left.before()

    class Holder:
        """Something that refers to itself."""

    holder = Holder()
    holder.__dict__.update(me=holder, events=watch(endless(mock)))
    await anext(holder.__dict__["events"])
    del holder
    await trio.to_thread.run_sync(gc.collect)
    await left.check(network, mock)


async def test_a_stream_that_is_never_begun(mock: MockLegnext, network: Network) -> None:
    """It has nothing to leave behind, nor anything to warn of."""
    left = await Left.before()

    async def source() -> AsyncIterator[str]:
        yield "a"

    for jobs in (endless(mock), source()):
        watch(jobs)
    async with LegnextClient() as client:
        client.watch(endless(mock))
        async with client.watch(source()):
            pass
    gc.collect()
    await left.check(network, mock)
    assert network.opened <= 1


async def test_an_error_in_the_body_of_a_client_that_watches(
    mock: MockLegnext, network: Network
) -> None:
    """With several streams open and never left by hand: the error comes out bare, all else ends."""
    left = await Left.before()
    error = RuntimeError("outside of any loop")
    kept = []
    with pytest.raises(RuntimeError) as caught:  # noqa: PT012 - all of it belongs to what raises
        async with LegnextClient() as client:
            for _ in range(3):
                kept.append(client.watch(endless(mock)))
                await anext(kept[-1])
            raise error
    assert caught.value is error
    await left.check(network, mock)


async def test_the_last_request_of_a_task_that_outlives_the_client(
    mock: MockLegnext, network: Network
) -> None:
    """A connection that comes back after the closing is closed too."""
    left = await Left.before()
    (job_id,) = mock.add_jobs(1)
    async with trio.open_nursery() as nursery, LegnextClient() as client:
        nursery.start_soon(client.get_job, job_id)  # noqa: ASYNC111 - outliving it is the point
        await trio.sleep(0.1)
        assert network.now_open == 1
    await left.check(network, mock)


async def test_the_engine_gets_only_so_long_to_leave(
    mock: MockLegnext, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input that can't be closed delays leaving by a few seconds at most."""
    monkeypatch.setattr(stream_module, "_LEAVING", 0.5)
    left = await Left.before()
    (job_id,) = mock.add_jobs(1)

    async def stubborn() -> AsyncIterator[str]:
        yield job_id
        with trio.CancelScope(shield=True):
            await trio.sleep(50)

    since = 0.0
    async with watch(stubborn()) as events:
        await anext(events)
        since = trio.current_time()
    assert trio.current_time() - since <= 0.5
    await trio.sleep(100)
    await left.check(network, mock)


# ---------------------------------------------------------------- the end of the run


def run(main: Callable[[], Awaitable[object]]) -> None:
    """Run in virtual time."""
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize("is_entered", [True, False])
def test_the_run_ends_while_the_stream_is_open(
    is_entered: bool,  # noqa: FBT001 - parametrized
    mock: MockLegnext,
    network: Network,
) -> None:
    """The stream ends with the Trio run, and may be dropped afterwards."""
    kept: list[EventStream] = []

    async def main() -> None:
        kept.append(watch(endless(mock)))
        if is_entered:
            await kept[0].__aenter__()
        await anext(kept[0])

    run(main)
    asked = len(mock.requests)
    assert network.now_open == 0
    kept.clear()
    gc.collect()
    assert len(mock.requests) == asked


@pytest.fixture
def python_handles_sigint() -> Iterator[None]:
    """As in a terminal; in a shell's background, where tests may run too, it would be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("python_handles_sigint")
@pytest.mark.parametrize("form", FORMS)
def test_a_real_ctrl_c(form: Form, mock: MockLegnext, network: Network) -> None:
    """It comes out of `trio.run` as a bare `KeyboardInterrupt`, and nothing is left."""

    def interrupt() -> bool:
        signal.raise_signal(signal.SIGINT)
        return False

    async def main() -> None:
        await form(endless(mock), after(5, interrupt))

    with pytest.raises(KeyboardInterrupt):
        run(main)
    gc.collect()
    assert network.now_open == 0


@pytest.mark.usefixtures("python_handles_sigint")
@pytest.mark.parametrize("form", FORMS)
def test_ctrl_c_while_everybody_waits(form: Form, mock: MockLegnext, network: Network) -> None:
    """It goes to the main task, not into the engine, where it would break things."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def press() -> None:
                await trio.sleep(4.2)
                signal.raise_signal(signal.SIGINT)

            await form(endless(mock), go_on)

    with pytest.raises(BaseExceptionGroup) as caught:  # noqa: ASYNC401 - of any shape
        run(main)
    assert caught.value.split(KeyboardInterrupt)[1] is None
    gc.collect()
    assert network.now_open == 0
