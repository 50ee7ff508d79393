"""Serving on sockets."""

from __future__ import annotations

import contextlib
import errno
import math
import socket
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
import trio

from mockserver import Fixed, MockLegnext, TokenBucket
from mockserver._faults import Faults
from mockserver._faults.connection import Close, Refuse, Reset
from mockserver._serving.clocks import WorldClock
from mockserver._serving.network.acceptor import Door
from mockserver._serving.network.faulty import FaultyStream
from mockserver._serving.network.sockets import listen, serve_app
from tests.mockserver.helpers import POST
from tests.patience import PATIENCE

KEY = {"x-api-key": "key"}
BALANCE = "/api/account/balance"
GET = b"GET /api/account/balance HTTP/1.1\r\nhost: a\r\nx-api-key: key\r\n\r\n"
SLOW_BODY = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc"


def port_of(url: str) -> int:
    """The port of a URL."""
    return int(url.rpartition(":")[2])


async def stream_to(url: str) -> trio.SocketStream:
    """A connection for raw bytes."""
    return await trio.open_tcp_stream(httpx.URL(url).host, port_of(url))


async def can_connect(url: str) -> bool:
    """Whether the address can be connected to."""
    try:
        stream = await stream_to(url)
    except OSError:
        return False
    await stream.aclose()
    return True


def open_door() -> Door:
    """A door without rules."""
    return Door(Faults(), WorldClock(None, 1.0), knows_requests=True)


async def read_all(_scope: Any, receive: Any, _send: Any) -> None:  # noqa: ANN401 - as in ASGI
    """Read a request to its end, or until the client leaves."""
    while (await receive()).get("more_body"):
        pass


def serving(
    app: Any = read_all,  # noqa: ANN401 - as in ASGI
    idle_seconds: float = 60.0,
) -> AbstractAsyncContextManager[str]:
    """Serve an application on a socket."""
    return serve_app(
        app, "127.0.0.1", 0, on_crash=print, door=open_door(), idle_seconds=idle_seconds
    )


async def test_the_api_is_on_a_socket() -> None:
    """A job that is submitted over a socket completes, in the world's time."""
    mock = MockLegnext(run_times=Fixed(60), time_scale=1000)
    async with mock.serve() as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        submitted = await client.post(POST, json={"text": "a"})
        assert "server" not in submitted.headers
        assert submitted.headers.get_list("date") == [submitted.headers["date"]]
        job = submitted.json()
        with trio.fail_after(PATIENCE):
            while job["status"] != "completed":
                job = (await client.get(f"/api/v1/job/{job['job_id']}")).json()
    assert job["meta"]["usage"]["consume"] == 80
    assert mock.crashes == []


async def test_it_ends_at_once_with_clients_connected() -> None:
    """Leaving the context doesn't wait for idle connections."""
    async with httpx.AsyncClient() as client:
        with trio.fail_after(PATIENCE):
            async with serving(no_content, idle_seconds=math.inf) as url:
                assert (await client.get(url)).status_code == 204
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_what_the_body_raises_comes_out_as_it_is() -> None:
    """An exception of the body passes unchanged, not in a group."""
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        async with MockLegnext().serve():
            raise error
    assert caught.value is error


async def test_cancelling_ends_it() -> None:
    """Cancelling the body ends the server."""
    with trio.move_on_after(0.2) as scope:
        async with MockLegnext().serve():
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_port_in_use_is_an_os_error() -> None:
    """If the port is in use, entering raises a plain OSError."""
    async with MockLegnext().serve() as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with MockLegnext().serve(port=port):
                pass


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_ipv6() -> None:
    """It can listen on an IPv6 address."""
    async with MockLegnext().serve("::1") as url, httpx.AsyncClient() as client:
        assert url.startswith("http://[::1]:")
        assert (await client.get(f"{url}/api/account/balance")).status_code == 401


async def test_head_and_limits_over_sockets() -> None:
    """The answers are the same as in memory."""
    mock = MockLegnext(limit=TokenBucket(0.001))
    async with mock.serve() as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        head = await client.head("/api/account/balance")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 100
        refused = await client.get("/api/account/balance")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1000")


async def test_a_reset_is_a_real_one() -> None:
    """On a socket, a reset is a RST, and a close is the end of the stream."""
    for fault, raised in ((Reset(), errno.ECONNRESET), (Close(), None)):
        async with MockLegnext(faults=[fault]).serve() as url, await stream_to(url) as stream:
            await stream.send_all(GET)
            if raised is None:
                assert await stream.receive_some() == b""
                continue
            with pytest.raises(trio.BrokenResourceError) as caught:
                await stream.receive_some()
            assert isinstance(caught.value.__cause__, OSError)
            assert caught.value.__cause__.errno == raised


async def test_a_refusal_comes_and_goes() -> None:
    """While all connections are refused, the socket does not listen."""
    mock = MockLegnext()
    async with mock.serve() as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        assert (await client.get(BALANCE)).status_code == 200
        name = mock.faults.add(Refuse())
        # The connection that is there goes on; no other is made.
        assert (await client.get(BALANCE)).status_code == 200
        with trio.fail_after(PATIENCE):
            while await can_connect(url):
                pass
        mock.faults.remove(name)
        with trio.fail_after(PATIENCE):
            while not await can_connect(url):
                pass
        async with httpx.AsyncClient(base_url=url, headers=KEY) as other:
            assert (await other.get(BALANCE)).status_code == 200


async def test_a_port_that_is_lost_while_nobody_listens_is_an_os_error() -> None:
    """If the port is taken during a refusal, its end raises a plain OSError."""
    mock = MockLegnext(faults=[Refuse()])

    async def use() -> None:
        async with mock.serve() as url:
            with trio.fail_after(PATIENCE):
                while await can_connect(url):
                    pass
            with socket.create_server(("127.0.0.1", port_of(url))):
                mock.faults.clear()
                await trio.sleep_forever()

    with pytest.raises(OSError, match="in use"):
        await use()


async def no_content(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
    """Answer 204."""
    await read_all(scope, receive, send)
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body"})


async def test_requests_under_way_are_finished() -> None:
    """On leaving, requests in progress are still answered."""
    has_begun = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        has_begun.set()
        await trio.sleep(0.05)
        await no_content(scope, receive, send)

    async with serving(app) as url:
        stream = await stream_to(url)
        await stream.send_all(GET)
        await has_begun.wait()
    answer = bytes(await stream.receive_some())
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert await stream.receive_some() == b""
    await stream.aclose()


async def test_clients_that_take_too_long_are_hung_up() -> None:
    """A slow head ends the connection; a slow body gets 408."""
    for sent, received, patience in (
        (b"", b"", 0.05),
        (b"GET / HT", b"", 0.05),
        # The head must be there in time.
        (SLOW_BODY, b"HTTP/1.1 408 ", 1.0),
    ):
        async with serving(idle_seconds=patience) as url, await stream_to(url) as stream:
            await stream.send_all(sent)
            with trio.fail_after(PATIENCE):
                assert (await stream.receive_some()).startswith(received)


async def test_there_is_a_most_of_connections() -> None:
    """Connections above the maximum are reset."""
    served = []

    async def handle(line: FaultyStream) -> None:
        served.append(line)
        await line.receive_some()

    async with listen(handle, open_door(), "127.0.0.1", 0, max_connections=1) as address:
        async with await stream_to(f"http://{address}") as first:
            await first.send_all(b"")
            async with await stream_to(f"http://{address}") as second:
                with pytest.raises(trio.BrokenResourceError):
                    await second.receive_some()
            assert len(served) == 1
        with trio.fail_after(PATIENCE):
            while len(served) == 1:
                async with await stream_to(f"http://{address}") as third:
                    with contextlib.suppress(trio.BrokenResourceError):
                        await third.send_all(b"?")
                        await third.receive_some()


async def test_a_name_with_several_addresses_has_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """With port 0, only the first address of a name is used."""

    async def two_addresses(*_: object, **_options: object) -> list[object]:
        await trio.lowlevel.checkpoint()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", 0)) for n in (1, 2)]

    monkeypatch.setattr(trio.socket, "getaddrinfo", two_addresses)
    async with MockLegnext().serve("two.test") as url:
        monkeypatch.undo()
        assert url.startswith("http://two.test:")
        assert await can_connect(f"http://127.0.0.1:{port_of(url)}")
        assert not await can_connect(f"http://127.0.0.2:{port_of(url)}")


async def test_the_client_is_known_by_its_address() -> None:
    """The application gets the addresses of the client and of the server."""
    scopes: list[Any] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as in ASGI
        scopes.append(scope)
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async with serving(app) as url, await stream_to(url) as stream:
        await stream.send_all(GET)
        await stream.receive_some()
        assert scopes[0]["server"] == ("127.0.0.1", port_of(url))
        assert scopes[0]["client"] == stream.socket.getsockname()


async def test_the_limits_of_open_files_are_survived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that the system can't accept is accepted when it can."""
    accept = trio.SocketListener.accept
    failures = [OSError(errno.EMFILE, "too many open files")]

    async def accept_at_last(self: trio.SocketListener) -> trio.SocketStream:
        if failures:
            raise failures.pop()
        return await accept(self)

    monkeypatch.setattr(trio.SocketListener, "accept", accept_at_last)
    async with MockLegnext().serve() as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        assert (await client.get(BALANCE)).status_code == 200
    assert "EMFILE" in caplog.text
