"""The transport, as an httpx client sees it."""

from __future__ import annotations

import asyncio  # noqa: TID251 - where the transport doesn't work
import contextlib
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest
import trio

from mockserver import MockLegnext, Script, run_virtual
from mockserver._faults import ConnectionFault
from mockserver._faults.connection import Refuse, Reset
from mockserver._serving.network import MemoryBackend, MemoryTransport
from mockserver._serving.network.pipe import CAPACITY
from tests.mockserver.helpers import client_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HELLO = b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nhi"


def transport_to(serve: Callable[[trio.abc.Stream], Awaitable[None]]) -> MemoryTransport:
    """A transport to a server in raw bytes."""
    return MemoryTransport(MemoryBackend(serve))


async def say_hello(stream: trio.abc.Stream) -> None:
    """Answer all requests with the same two letters."""
    while await stream.receive_some(65536):
        await stream.send_all(HELLO)
    await stream.aclose()


async def get(transport: httpx.AsyncBaseTransport, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    """Make one request."""
    async with httpx.AsyncClient(transport=transport, **options) as client:
        return await client.get("https://anywhere.example/")


def test_https_needs_no_certificates() -> None:
    """All URLs lead to the server, without encryption."""
    answer = run_virtual(get, transport_to(say_hello))
    assert (answer.status_code, answer.text, answer.http_version) == (200, "hi", "HTTP/1.1")


def test_a_connection_is_used_again() -> None:
    """Consecutive requests share a connection; concurrent ones have one each."""
    connections = 0

    async def serve(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        while await stream.receive_some(65536):
            await trio.sleep(1)
            await stream.send_all(HELLO)

    async def use() -> None:
        async with httpx.AsyncClient(transport=transport_to(serve)) as client:
            for _ in range(5):
                await client.get("http://a/")
            assert connections == 1
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(client.get, "http://a/")
            assert connections == 3
            await client.get("http://a/")
            assert connections == 3

    run_virtual(use)


def test_a_transport_can_be_closed_and_used_again() -> None:
    """A transport can be used after one of its clients has closed it."""

    async def use() -> None:
        transport = transport_to(say_hello)
        for _ in range(2):
            assert (await get(transport)).text == "hi"

    run_virtual(use)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    """A connection that the server closed while idle is replaced."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some(65536)
        await stream.send_all(HELLO)
        await stream.aclose()

    async def use() -> None:
        async with httpx.AsyncClient(transport=transport_to(serve)) as client:
            for _ in range(3):
                assert (await client.get("http://a/")).text == "hi"

    run_virtual(use)


def test_a_body_can_be_closed_twice_and_left_unread() -> None:
    """Closing an answer twice returns its connection once."""

    async def serve(stream: trio.abc.Stream) -> None:
        while await stream.receive_some(65536):
            await stream.send_all(HELLO)

    async def use() -> None:
        transport = transport_to(serve)
        async with httpx.AsyncClient(transport=transport) as client:
            async with client.stream("GET", "http://a/") as answer:
                assert [chunk async for chunk in answer.aiter_raw()] == [b"hi"]
                await answer.stream.aclose()  # type: ignore[union-attr] # it is an async one
            assert len(transport._idle) == 1
            async with client.stream("GET", "http://a/"):
                pass
            assert len(transport._idle) == 0

    run_virtual(use)


async def silent(_stream: trio.abc.Stream) -> None:
    """Answer nothing."""
    await trio.sleep_forever()


async def half(stream: trio.abc.Stream) -> None:
    """Answer the first half."""
    await stream.receive_some(65536)
    await stream.send_all(HELLO[:-1])
    await trio.sleep_forever()


@pytest.mark.parametrize("serve", [silent, half])
def test_read_timeouts_fire_in_virtual_time(serve: Callable[..., Awaitable[None]]) -> None:
    """The read timeout passes in virtual time."""

    async def use() -> float:
        with pytest.raises(httpx.ReadTimeout, match="nothing within 7"):
            await get(transport_to(serve), timeout=7)
        return trio.current_time()

    assert run_virtual(use) == 7


def test_connect_timeouts_fire_in_virtual_time() -> None:
    """The connect timeout passes in virtual time."""
    mock = MockLegnext()

    async def use() -> list[float]:
        begun = trio.current_time()
        transport = mock.transport(connect_seconds=3)
        with pytest.raises(httpx.ConnectTimeout):
            await get(transport, timeout=2)
        middle = trio.current_time()
        assert (await get(transport, timeout=4)).status_code == 401
        return [middle - begun, trio.current_time() - middle]

    assert run_virtual(use) == [2, 3]


def test_write_timeouts_fire_in_virtual_time() -> None:
    """The write timeout passes in virtual time."""

    async def use() -> float:
        with pytest.raises(httpx.WriteTimeout):
            await get(transport_to(silent), headers={"x": "y" * CAPACITY}, timeout=4)
        return trio.current_time()

    assert run_virtual(use) == 4


def test_a_server_that_just_ends_has_hung_up() -> None:
    """A server that returns without closing leaves a closed connection."""

    async def gone(_stream: trio.abc.Stream) -> None:
        await trio.lowlevel.checkpoint()

    async def use() -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await get(transport_to(gone))

    run_virtual(use)


def test_a_door_decides_about_each_connection() -> None:
    """Some connections are refused, some have faults, and the others have none."""
    faults: list[list[ConnectionFault]] = [[Refuse()], [Reset()], []]

    async def serve(stream: trio.abc.Stream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            await say_hello(stream)

    backend = MemoryBackend(serve, admit=lambda: faults.pop(0))

    async def use() -> None:
        async with httpx.AsyncClient(transport=MemoryTransport(backend)) as client:
            with pytest.raises(httpx.ConnectError, match="refused"):
                await client.get("http://a/")
            with pytest.raises(httpx.ReadError):
                await client.get("http://a/")
            assert (await client.get("http://a/")).text == "hi"

    run_virtual(use)


async def nothing(stream: trio.abc.Stream) -> None:
    """Close after the request."""
    await stream.receive_some(65536)
    await stream.aclose()


async def at_once(stream: trio.abc.Stream) -> None:
    """Close before the request."""
    await stream.aclose()


async def a_half(stream: trio.abc.Stream) -> None:
    """Close within the answer."""
    await stream.receive_some(65536)
    await stream.send_all(HELLO[:-1])
    await stream.aclose()


async def noise(stream: trio.abc.Stream) -> None:
    """Answer something other than HTTP."""
    await stream.receive_some(65536)
    await stream.send_all(b"\x00\x01\x02\r\n\r\n")


@pytest.mark.parametrize("serve", [nothing, at_once, a_half, noise])
def test_broken_answers_are_protocol_errors(serve: Callable[..., Awaitable[None]]) -> None:
    """Broken answers raise the errors of a real network."""

    async def use() -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await get(transport_to(serve))

    run_virtual(use)


def test_a_stream_closed_on_this_side_is_a_read_error() -> None:
    """Reading and writing after closing raise errors of the connection."""

    async def use() -> None:
        stream = await MemoryBackend(say_hello).connect_tcp("a", 80)
        assert stream.get_extra_info("ssl_object") is None
        await stream.aclose()
        with pytest.raises(httpcore.ReadError):
            await stream.read(1)
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"a")
        await stream.write(b"")

    run_virtual(use)


def test_the_backend_sleeps_in_the_runs_time() -> None:
    """The backend's sleep follows Trio's clock."""

    async def use() -> float:
        await MemoryBackend(say_hello).sleep(5)
        return trio.current_time()

    assert run_virtual(use) == 5


def test_a_request_that_is_given_up_leaves_nothing_behind() -> None:
    """After a timeout the connection ends, and the next request is answered."""
    mock = MockLegnext(latency=5)

    async def use() -> int:
        job_id = mock.add_job(Script(["processing"]))
        tasks = trio.lowlevel.current_statistics().tasks_living
        async with client_of(mock) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"/api/v1/job/{job_id}", timeout=1)
            status = (await client.get(f"/api/v1/job/{job_id}", timeout=9)).status_code
        await trio.sleep(20)
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        return status

    assert run_virtual(use) == 200
    assert mock.crashes == []
    # Given up by the client, the first was answered all the same.
    assert [record.status_code for record in mock.requests] == [200, 200]


def test_ending_the_run_ends_the_connections() -> None:
    """A client that is never closed leaves no task, warning or error."""
    mock = MockLegnext(latency=5)

    async def use() -> None:
        client = client_of(mock)
        await client.get("/api/account/balance", timeout=None)
        with trio.move_on_after(1):
            await client.get("/api/account/balance", timeout=None)

    run_virtual(use)
    assert mock.crashes == []


def test_a_submit_that_breaks_off_makes_no_job() -> None:
    """A submit with an incomplete body makes no job."""
    mock = MockLegnext()

    async def use() -> None:
        stream = await MemoryBackend(mock._serve_stream).connect_tcp("a", 80)
        await stream.write(
            b"POST /api/v1/diffusion HTTP/1.1\r\nhost: a\r\nx-api-key: k\r\n"
            b"content-length: 99\r\n\r\n{"
        )
        await trio.sleep(1)
        await stream.aclose()
        await trio.sleep(1)

    run_virtual(use)
    assert len(mock.truth) == 0
    assert mock.crashes == []


class _Counted(MemoryBackend):
    """Counts the open connections of the client."""

    now_open = 0

    async def connect_tcp(self, *given: Any, **options: Any) -> httpcore.AsyncNetworkStream:  # noqa: ANN401 - httpcore's own
        """Connect, and count."""
        stream = await super().connect_tcp(*given, **options)
        self.now_open += 1
        close = stream.aclose

        async def count_and_close() -> None:
            self.now_open -= 1
            stream.aclose = close  # type: ignore[method-assign] # counted once
            await close()

        stream.aclose = count_and_close  # type: ignore[method-assign] # this stream's alone
        return stream


@pytest.mark.parametrize("moment", range(12))
def test_a_cancellation_loses_no_connection(moment: int) -> None:
    """A cancellation at any point leaves no connection open."""

    async def use() -> None:
        backend = _Counted(say_hello)
        transport = MemoryTransport(backend)
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get("http://a/")
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(client.get, "http://a/")
                    for _ in range(moment):
                        await trio.lowlevel.cancel_shielded_checkpoint()
                    scope.cancel()
        assert backend.now_open == 0

    run_virtual(use)


def test_outside_a_trio_run() -> None:
    """Under asyncio and in a client that blocks, the error says what to use instead."""
    mock = MockLegnext()

    async def main() -> None:
        await get(mock.transport())

    with pytest.raises(
        RuntimeError, match=r"only in a Trio run: under asyncio, give it to legnext_stre"
    ):
        asyncio.run(main())
    blocking: Any = mock.transport()
    with pytest.raises(RuntimeError, match=r"not for httpx\.Client.*legnext_stream\.sync"):
        httpx.Client(transport=blocking).__enter__()
    client = httpx.Client(transport=blocking)
    with pytest.raises(RuntimeError, match=r"not for httpx\.Client.*legnext_stream\.sync"):
        client.get("https://api.legnext.ai/api/v1/job/a")
    client.close()
    with pytest.raises(RuntimeError, match=r"not for httpx\.Client"), blocking:
        pass


def test_serving_outside_a_trio_run() -> None:
    """A socket needs a Trio run too, and says so."""

    async def main() -> None:
        async with MockLegnext().serve():
            pass

    with pytest.raises(
        RuntimeError, match=r"mock\.serve\(\) works only in a Trio run: elsewhere, run"
    ):
        asyncio.run(main())
