"""The proxy that simulates a bad network."""

from __future__ import annotations

import errno
import socket

import httpx
import pytest
import trio

from mockserver import MockLegnext
from mockserver._faults.connection import Close, Refuse
from mockserver._serving.network.proxy import FaultProxy
from tests.mockserver.serving.network.test_sockets import stream_to
from tests.patience import PATIENCE

KEY = {"x-api-key": "key"}
PATH = "/api/account/balance"


async def echo_all(stream: trio.SocketStream) -> None:
    """After the client's end, answer with everything that it sent."""
    data = b""
    while part := await stream.receive_some():
        data += part
    await stream.send_all(data)


async def serve(nursery: trio.Nursery, handler: object) -> str:
    """Serve connections until the nursery ends; return the URL."""
    listeners = await nursery.start(trio.serve_tcp, handler, 0)
    return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


async def test_without_rules_it_is_not_noticed() -> None:
    """Without rules, requests and answers pass unchanged over one connection."""
    mock = MockLegnext()
    async with (
        mock.serve() as url,
        FaultProxy(url).serve() as way,
        httpx.AsyncClient(base_url=way, headers=KEY) as client,
    ):
        for _ in range(3):
            assert (await client.get(PATH)).status_code == 200
        answer = await client.post("/api/v1/diffusion", json={"text": "a" * 5000})
        assert answer.status_code == 200


async def test_a_client_can_end_its_half_first() -> None:
    """The client's end reaches the server, whose answer still arrives."""
    async with trio.open_nursery() as nursery:
        url = await serve(nursery, echo_all)
        async with FaultProxy(url).serve() as way, await stream_to(way) as stream:
            await stream.send_all(b"hello")
            await stream.send_eof()
            assert await stream.receive_some() == b"hello"
            assert await stream.receive_some() == b""
        nursery.cancel_scope.cancel()


async def test_a_server_that_is_not_there_is_a_reset() -> None:
    """If the server isn't available, the client's connection is reset."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with FaultProxy(url).serve() as way, await stream_to(way) as stream:
            with pytest.raises(trio.BrokenResourceError) as caught:
                await stream.receive_some()
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ECONNRESET


async def test_a_server_that_resets_is_a_reset() -> None:
    """A reset by the server is passed on to the client."""

    async def reset(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async with trio.open_nursery() as nursery:
        url = await serve(nursery, reset)
        async with FaultProxy(url).serve() as way, await stream_to(way) as stream:
            await stream.send_all(b"?")
            with pytest.raises(trio.BrokenResourceError):
                await stream.receive_some()
        nursery.cancel_scope.cancel()


async def test_a_client_that_breaks_off_ends_it_for_the_server() -> None:
    """A client's reset ends the connection to the server, too."""
    ended = trio.Event()

    async def listen(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            pass
        ended.set()

    async with trio.open_nursery() as nursery:
        url = await serve(nursery, listen)
        async with FaultProxy(url).serve() as way:
            stream = await stream_to(way)
            await stream.send_all(b"?")
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await stream.aclose()
            with trio.fail_after(PATIENCE):
                await ended.wait()
        nursery.cancel_scope.cancel()


async def test_rules_can_change_while_it_serves() -> None:
    """Added and removed rules apply to later connections."""
    async with MockLegnext().serve() as url:
        proxy = FaultProxy(url)
        async with proxy.serve() as way:
            name = proxy.faults.add(Close())
            with pytest.raises(httpx.RemoteProtocolError):
                await get(way)
            proxy.faults.remove(name)
            assert await get(way) == 200
            proxy.faults.add(Refuse(), probability=1.0)
            with pytest.raises(httpx.ReadError):
                await get(way)


async def get(url: str) -> int:
    """The status of an answer, over a connection of its own."""
    async with httpx.AsyncClient(headers=KEY) as client:
        return (await client.get(f"{url}{PATH}")).status_code


@pytest.mark.parametrize("url", ["http://example.com", "ftp://127.0.0.1", "nonsense"])
def test_it_leads_to_this_machine_only(url: str) -> None:
    """Other hosts must be allowed, and an invalid URL is refused."""
    with pytest.raises(ValueError, match="no proxy to"):
        FaultProxy(url)
    FaultProxy("https://example.com", allowed_hosts=["example.com"])
