"""HTTP/2: many requests on one connection."""

from __future__ import annotations

import logging
import ssl
import sys
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import h2.config
import h2.connection
import h2.events
import httpcore
import pytest
import trio
import trio.testing

from legnext_stream import ConfigurationError, LegnextClient, UnexpectedAnswerError
from legnext_stream._core.answers import NoReply, Reply
from legnext_stream._http import Lanes, Request
from legnext_stream._http.lanes import _STREAMS
from tests.legnext_stream.http.conftest import GET
from tests.legnext_stream.support import KEY, URL, Network, RawServer, http_bytes, in_turn

SECURE = "https://legnext.test"
# A data frame on a stream that was never opened.
RUBBISH = b"\0\0\1\0\0\0\0\0\x63x"


class Encrypted(httpcore.AsyncNetworkStream):
    """A connection that claims to use TLS, with this protocol negotiated."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, protocol: str) -> None:
        self._inner = inner
        self._tls = SimpleNamespace(selected_alpn_protocol=lambda: protocol)
        self.read = inner.read  # type: ignore[method-assign] # as it is
        self.write = inner.write  # type: ignore[method-assign] # as it is
        self.aclose = inner.aclose  # type: ignore[method-assign] # as it is

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        """Claim that TLS has started."""
        del ssl_context, server_hostname, timeout
        await trio.lowlevel.checkpoint()
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """The negotiated protocol, as TLS would report it."""
        return self._tls if info == "ssl_object" else self._inner.get_extra_info(info)


class SecureNetwork(Network):
    """A network whose hosts use TLS and this protocol."""

    def __init__(self, serve: Callable[[trio.abc.Stream], Any], protocol: str = "h2") -> None:
        super().__init__(serve)
        self._protocol = protocol

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the server."""
        inner = await super().connect_tcp(host, port, timeout, local_address, socket_options)
        return Encrypted(inner, self._protocol)


class Server:
    """Speaks HTTP/2; answers each request with its own path, after a second.

    Attributes:
        requests: The headers of each request.
        most_at_once: The most concurrent requests on one connection.
    """

    def __init__(self) -> None:
        self.requests: list[dict[bytes, bytes]] = []
        self.most_at_once = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        wire.initiate_connection()
        sending = trio.Lock()

        async def flush(rubbish: bytes = b"") -> None:
            async with sending:
                await stream.send_all(wire.data_to_send() + rubbish)

        async def answer(number: int, path: bytes) -> None:
            await trio.sleep(1)
            under_way.remove(number)
            wire.send_headers(number, [(":status", "200"), ("x-kind", "job")])
            if path == b"/rubbish":
                await flush(RUBBISH)
                return
            wire.send_data(number, path, end_stream=True)
            await flush()

        await flush()
        async with trio.open_nursery() as nursery:
            under_way: set[int] = set()
            while data := await stream.receive_some(65536):
                for event in wire.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        assert event.stream_id is not None
                        assert event.headers is not None
                        headers = {bytes(name): bytes(value) for name, value in event.headers}
                        self.requests.append(headers)
                        under_way.add(event.stream_id)
                        self.most_at_once = max(self.most_at_once, len(under_way))
                        nursery.start_soon(answer, event.stream_id, headers[b":path"])
                await flush()
            nursery.cancel_scope.cancel()


@pytest.fixture
def server() -> Server:
    """An HTTP/2 server."""
    return Server()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, server: Server) -> SecureNetwork:
    """The network to the server."""
    network = SecureNetwork(server.serve)
    network.install(monkeypatch)
    return network


def open_lanes() -> Lanes:
    """Lanes with HTTP/2."""
    return Lanes(base_url=SECURE, api_key=KEY, transport=None, request_timeout=10, http2=True)


async def send_many(lanes: Lanes, count: int) -> list[tuple[str, object]]:
    """Send requests concurrently; return the path and answer of each."""
    answers: list[tuple[str, object]] = []

    async def send(path: str) -> None:
        answers.append((path, await lanes.send(Request("GET", path))))

    async with trio.open_nursery() as nursery:
        for number in range(count):
            nursery.start_soon(send, f"/{number}")
    return answers


async def test_many_requests_share_a_connection(network: SecureNetwork, server: Server) -> None:
    """From the first answer on, when HTTP/2 is known to be supported."""
    lanes = open_lanes()
    first = await lanes.send(GET)
    assert isinstance(first, Reply)
    assert (first.content, first.headers["x-kind"]) == (b"/api/v1/job/a", "job")
    for path, answer in await send_many(lanes, _STREAMS):
        assert isinstance(answer, Reply)
        assert answer.content == path.encode()
    assert server.most_at_once == _STREAMS
    assert network.opened == 1
    assert trio.current_time() == 2
    await lanes.aclose()
    assert network.now_open == 0


async def test_a_request_by_http2(network: SecureNetwork, server: Server) -> None:
    """It has the key in one header, the user agent and the host."""
    lanes = open_lanes()
    await lanes.send(GET)
    (headers,) = server.requests
    assert headers[b":authority"] == b"legnext.test"
    assert headers[b"x-api-key"] == KEY.encode()
    assert headers[b"user-agent"].startswith(b"legnext-stream/")
    assert [value for value in headers.values() if KEY.encode() in value] == [KEY.encode()]
    await lanes.aclose()
    assert network.now_open == 0


async def test_more_requests_than_a_connection_takes(network: SecureNetwork) -> None:
    """More connections are opened, each beginning with one request."""
    lanes = open_lanes()
    await lanes.send(GET)
    assert len(await send_many(lanes, _STREAMS + 3)) == _STREAMS + 3
    assert network.opened == 4
    assert len(await send_many(lanes, 4 * _STREAMS)) == 4 * _STREAMS
    assert network.opened == 4
    await lanes.aclose()
    assert network.now_open == 0


async def test_a_host_with_only_http_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each concurrent request has its own connection then."""
    network = SecureNetwork(RawServer((http_bytes(), 0.01)).serve, "http/1.1")
    network.install(monkeypatch)
    lanes = open_lanes()
    for _ in range(2):
        answers = await send_many(lanes, 5)
        assert all(isinstance(answer, Reply) for _, answer in answers)
    assert network.opened == 5
    await lanes.aclose()


async def test_a_connection_that_is_unused_for_long_is_closed(network: SecureNetwork) -> None:
    """But not while a request is in flight on it."""
    lanes = open_lanes()
    await send_many(lanes, 3)
    assert network.now_open == 3
    for _ in range(40):
        await send_many(lanes, 2)
    assert network.now_open == 1
    await lanes.aclose()
    assert network.now_open == 0


async def test_a_protocol_violation_is_no_answer(network: SecureNetwork) -> None:
    """A protocol violation closes the connection; the next request gets a new one."""
    lanes = open_lanes()
    await lanes.send(GET)
    answer = await lanes.send(Request("GET", "/rubbish"))
    assert isinstance(answer, NoReply)
    assert answer.was_sent
    assert "ProtocolError" in answer.reason
    assert isinstance(await lanes.send(GET), Reply)
    assert network.opened == 2
    await lanes.aclose()


async def test_a_request_that_comes_back_after_the_end(network: SecureNetwork) -> None:
    """A request that outlives the client leaves no connection open."""
    lanes = open_lanes()
    await lanes.send(GET)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lanes.send, GET)
        nursery.start_soon(lanes.send, GET)
        await trio.testing.wait_all_tasks_blocked()
        await lanes.aclose()
        assert network.now_open == 1
    assert network.now_open == 0


async def test_the_key_is_in_no_log(
    network: SecureNetwork, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The package hpack logs all headers, but not the key."""
    caplog.set_level(logging.DEBUG)
    async with LegnextClient(KEY, SECURE, http2=True, retry_for=0) as client:
        with pytest.raises(UnexpectedAnswerError):
            await client.get_job("a")
    assert server.requests[0][b"x-api-key"] == KEY.encode()
    assert network.opened == 1
    said = [record.getMessage() for record in caplog.records]
    assert any("user-agent" in text for text in said)
    # The server in this process logs the headers that it decodes.
    told = [text for text in said if not text.startswith("Decod")]
    assert not any(KEY in text or "Encoded header" in text for text in told)


def test_where_http2_is_impossible() -> None:
    """HTTP/2 can't be used with plain http or a given transport."""
    with pytest.raises(ConfigurationError, match="https"):
        LegnextClient(KEY, URL, http2=True)
    with pytest.raises(ConfigurationError, match="transport"):
        LegnextClient(KEY, SECURE, in_turn(), http2=True)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "h2.exceptions", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'legnext-stream\[http2\]'"):
        LegnextClient(KEY, SECURE, http2=True)
