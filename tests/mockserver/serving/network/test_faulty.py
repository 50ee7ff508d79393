"""The stream with faults, byte for byte."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from mockserver import run_virtual
from mockserver._faults import ConnectionFault
from mockserver._faults.connection import (
    Bandwidth,
    Close,
    Dribble,
    EmptyAnswer,
    Garbage,
    Refuse,
    Reset,
    Silence,
    SlowClose,
)
from mockserver._serving.network.faulty import FaultyStream
from mockserver._serving.network.pipe import PipeEnd, open_pipe

ANSWER = bytes(range(100))


async def receive_all(stream: trio.abc.ReceiveStream) -> tuple[bytes, str]:
    """Everything that is received, and how it ended."""
    received = b""
    try:
        while part := await stream.receive_some():
            received += part
    except trio.BrokenResourceError:
        return received, "reset"
    return received, "closed"


async def echo(line: FaultyStream) -> None:
    """Answer the first bytes with the same bytes."""
    try:
        if await line.receive_some():
            await line.send_all(ANSWER)
    except trio.BrokenResourceError:
        pass
    await line.aclose()


async def ask(
    faults: Iterable[ConnectionFault], later: Iterable[ConnectionFault] = ()
) -> tuple[bytes, str, float]:
    """Send bytes over a connection with faults; return the answer, how it ended, and when."""
    client, server = open_pipe()
    line = FaultyStream(server, faults)
    for fault in later:
        line.fail_with(fault)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(echo, line)
        await client.send_all(b"?")
        received, end = await receive_all(client)
        at = trio.current_time()
        await client.aclose()
    return received, end, at


def _garbage(length: int) -> bytes:
    end = Garbage(length).effect.end
    assert end is not None
    assert len(end.instead) == length
    return end.instead


GARBAGE = _garbage(10)
ENDS = [
    (Refuse(), b"", "reset"),
    (Reset(), b"", "reset"),
    (Reset(7), ANSWER[:7], "reset"),
    (Reset(100), ANSWER, "reset"),
    (Reset(101), ANSWER, "closed"),
    (Close(), b"", "closed"),
    (Close(7), ANSWER[:7], "closed"),
    (EmptyAnswer(), b"", "closed"),
    (Garbage(10), GARBAGE, "closed"),
    (SlowClose(3.0), ANSWER, "closed"),
]


@pytest.mark.parametrize(("fault", "received", "end"), ENDS)
@pytest.mark.parametrize("is_lasting", [True, False])
def test_how_a_connection_ends(
    fault: ConnectionFault, received: bytes, end: str, *, is_lasting: bool
) -> None:
    """Each fault that ends a connection lets its bytes pass before."""
    asked = run_virtual(ask, *([[fault], []] if is_lasting else [[], [fault]]))
    assert asked == (received, end, 3.0 if isinstance(fault, SlowClose) else 0.0)


@pytest.mark.parametrize(
    ("fault", "seconds"), [(Dribble(10, 0.5), 5.0), (Bandwidth(50.0), 2.02), (Bandwidth(1), 101.0)]
)
def test_the_pace_of_a_connection(fault: ConnectionFault, seconds: float) -> None:
    """Slow bytes all arrive on time; a limited rate applies to both directions."""
    received, end, at = run_virtual(ask, [fault])
    assert (received, end) == (ANSWER, "closed")
    assert at == pytest.approx(seconds)


def test_the_pace_of_an_answer() -> None:
    """For a request, a limited rate applies to the answer and to the rest of the request."""
    assert run_virtual(ask, [], [Bandwidth(50.0)])[2] == pytest.approx(2.02)


@given(
    lasting=st.permutations([Dribble(3, 1.0), Reset(10)]),
    of_answer=st.permutations([Garbage(20), Bandwidth(1e6), Close(5)]),
)
def test_faults_act_together(
    lasting: list[ConnectionFault], of_answer: list[ConnectionFault]
) -> None:
    """A pace combines with an end in any order; of two ends the first acts."""
    received, end, at = run_virtual(ask, lasting, of_answer)
    ends = [fault for fault in of_answer if not isinstance(fault, Bandwidth)]
    if isinstance(ends[0], Close):
        assert (received, end) == (ANSWER[:5], "closed")
        assert at == pytest.approx(2, abs=1e-3)
    else:
        assert (received, end) == (_garbage(20)[:10], "reset")
        assert at == pytest.approx(4, abs=1e-3)


@pytest.mark.parametrize("is_lasting", [True, False])
def test_silence(*, is_lasting: bool) -> None:
    """Nothing is answered, everything is read, and the client ends the connection."""

    async def use() -> None:
        client, server = open_pipe(10)
        line = FaultyStream(server, [Silence()] if is_lasting else ())
        if not is_lasting:
            assert not line.is_silent
            line.fail_with(Silence())
        assert line.is_silent
        async with trio.open_nursery() as nursery:
            nursery.start_soon(echo, line)
            await line.send_all(ANSWER)
            await client.send_all(bytes(1000))
            with trio.move_on_after(100) as waited:
                await client.receive_some()
            assert waited.cancelled_caught
            await client.aclose()

    run_virtual(use)


def test_the_faults_of_an_answer_end_with_it() -> None:
    """The next answer has only the faults of the connection."""

    async def use() -> list[float]:
        client, server = open_pipe()
        line = FaultyStream(server, [Bandwidth(100.0)])
        times = []
        line.fail_with(Dribble(50, 5.0))
        for _ in range(2):
            begun = trio.current_time()
            await line.send_all(ANSWER)
            times.append(trio.current_time() - begun)
            line.begin_request()
        line.begin_request()
        assert (await client.receive_some()) == ANSWER * 2
        return times

    assert run_virtual(use) == pytest.approx([11.0, 1.0])


def test_a_client_that_sends_nothing_meets_no_end() -> None:
    """A fault at the first bytes needs bytes."""

    async def use() -> tuple[bytes, str]:
        client, server = open_pipe()
        await client.send_eof()
        await echo(FaultyStream(server, [Reset()]))
        return await receive_all(client)

    assert run_virtual(use) == (b"", "closed")


def test_a_client_that_goes_on_sending_can_still_read() -> None:
    """After the end, what the client sends is read for a while."""

    async def use() -> None:
        client, server = open_pipe(10)
        line = FaultyStream(server)
        await line.send_all(b"no")
        await line.hang_up()
        with pytest.raises(trio.BrokenResourceError):
            await line.send_all(b"more")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(line.aclose)
            await client.send_all(bytes(100))
            assert await receive_all(client) == (b"no", "closed")
        assert trio.current_time() == 1.0
        with pytest.raises(trio.BrokenResourceError):
            await client.send_all(b"?")

    run_virtual(use)


def test_any_stream_will_do() -> None:
    """A stream that can't be half-closed or reset is closed at the end."""

    async def use(end: Callable[[FaultyStream], Awaitable[None]]) -> tuple[bytes, str]:
        client, server = open_pipe()
        whole = WholeStream(server)
        line = FaultyStream(whole)
        assert line.carrier is whole
        await line.wait_send_all_might_not_block()
        await end(line)
        with trio.CancelScope() as scope:
            scope.cancel()
            await line.aclose()
        return await receive_all(client)

    assert run_virtual(use, FaultyStream.reset) == (b"", "closed")
    assert run_virtual(use, FaultyStream.hang_up) == (b"", "closed")


class WholeStream(trio.abc.Stream):
    """A stream that can't be half-closed."""

    def __init__(self, end: PipeEnd) -> None:
        self._end = end

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        await self._end.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait for room."""
        await self._end.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait for bytes."""
        return await self._end.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Close it."""
        await self._end.aclose()


def test_reading_at_a_limited_rate_takes_no_more_than_is_asked_for() -> None:
    """A limited rate never reads more bytes than requested."""

    async def use() -> list[int]:
        client, server = open_pipe()
        line = FaultyStream(server, [Bandwidth(100)])
        await client.send_all(bytes(30))
        return [len(await line.receive_some(limit)) for limit in (4, 99, None)]

    assert run_virtual(use) == [4, 10, 10]
