"""The connection in memory."""

from __future__ import annotations

from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from mockserver import run_virtual
from mockserver._serving.network.pipe import CAPACITY, PipeEnd, open_pipe


def test_it_is_a_stream_as_trio_has_them() -> None:
    """It passes Trio's checks for half-closeable streams."""

    async def make() -> tuple[PipeEnd, PipeEnd]:
        return open_pipe()

    async def make_clogged() -> tuple[PipeEnd, PipeEnd]:
        ours, theirs = open_pipe(1)
        for end in (ours, theirs):
            await end.send_all(b"a")
        return ours, theirs

    async def check() -> None:
        await trio.testing.check_half_closeable_stream(make, make_clogged)

    run_virtual(check)


@given(
    data=st.binary(max_size=60), capacity=st.integers(1, 9), portion=st.none() | st.integers(1, 9)
)
def test_bytes_come_out_as_they_went_in(data: bytes, capacity: int, portion: int | None) -> None:
    """All bytes arrive in order, and then the end, for any capacity and sizes."""

    async def use() -> bytes:
        ours, theirs = open_pipe(capacity)
        received = b""
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                await ours.send_all(data)
                await ours.send_eof()

            nursery.start_soon(send)
            while part := await theirs.receive_some(portion):
                assert len(part) <= min(capacity, portion or capacity)
                received += part
        return received

    assert run_virtual(use) == data


def test_a_sender_waits_for_room() -> None:
    """At most the capacity is in transit; the sender waits."""

    async def use() -> None:
        ours, theirs = open_pipe()
        with trio.move_on_after(1) as scope:
            await ours.send_all(bytes(CAPACITY + 1))
        assert scope.cancelled_caught
        assert len(await theirs.receive_some()) == CAPACITY
        with trio.fail_after(1):
            await ours.wait_send_all_might_not_block()

    run_virtual(use)


def test_readable_means_that_there_is_something_to_receive() -> None:
    """An end is readable if there are bytes or the end to receive."""

    async def use() -> list[bool]:
        ours, theirs = open_pipe()
        seen = [ours.is_readable]
        await theirs.send_all(b"a")
        seen.append(ours.is_readable)
        await ours.receive_some()
        seen.append(ours.is_readable)
        await theirs.aclose()
        seen.append(ours.is_readable)
        return seen

    assert run_virtual(use) == [False, True, False, True]


def test_a_reset_comes_after_the_bytes() -> None:
    """Bytes before a reset arrive; then both directions raise an error."""

    async def use() -> None:
        ours, theirs = open_pipe()
        await theirs.send_all(b"a")
        theirs.reset()
        with pytest.raises(trio.BrokenResourceError):
            await ours.send_all(b"b")
        assert await ours.receive_some() == b"a"
        with pytest.raises(trio.BrokenResourceError, match="reset"):
            await ours.receive_some()
        for used in (theirs.receive_some, partial(theirs.send_all, b"a")):
            with pytest.raises(trio.ClosedResourceError):
                await used()

    run_virtual(use)


def test_a_reset_wakes_those_who_wait() -> None:
    """A waiting receiver and a waiting sender get the error at once."""

    async def use() -> None:
        ours, theirs = open_pipe(1)

        async def receive() -> None:
            with pytest.raises(trio.BrokenResourceError):
                await ours.receive_some()

        async def send() -> None:
            with pytest.raises(trio.BrokenResourceError):
                await ours.send_all(b"ab")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            nursery.start_soon(send)
            await trio.testing.wait_all_tasks_blocked()
            theirs.reset()

    run_virtual(use)
