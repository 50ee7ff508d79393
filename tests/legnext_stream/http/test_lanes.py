"""Lanes and their connections."""

from __future__ import annotations

import ssl

import httpcore
import httpx
import pytest
import trio

from legnext_stream import HostUnreachableError, LegnextClient, ServerError
from legnext_stream._core.answers import Answer, NoReply, Reply
from legnext_stream._http import Lanes
from mockserver import MockLegnext
from tests.legnext_stream.http.conftest import GET, Setup
from tests.legnext_stream.support import (
    KEY,
    URL,
    HandMade,
    Network,
    RawServer,
    Unreachable,
    http_bytes,
    job_body,
    json_bytes,
    mock_network,
    use_backend,
)


async def test_a_lane_is_reused_after_a_broken_answer(connect: Setup) -> None:
    """The connection is closed, but the lane is reused."""
    lanes = connect(RawServer(None, (http_bytes(200, b"x" * 100), 1.0), http_bytes(200, b"good")))
    for _ in range(2):
        assert isinstance(await lanes.send(GET), NoReply)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert answer.content == b"good"
    await lanes.aclose()


async def test_a_refused_connection_was_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is safe to repeat."""
    use_backend(monkeypatch, Unreachable())
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    answer = await lanes.send(GET)
    assert isinstance(answer, NoReply)
    assert not answer.was_sent
    assert "http://legnext.test" in answer.reason
    await lanes.aclose()


async def test_a_connection_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting has a shorter limit, and the request was never sent."""

    class Slow(Unreachable):
        """A network on which connecting takes forever."""

        async def connect_tcp(  # type: ignore[override] # httpcore calls it by these names
            self,
            host: str,  # noqa: ARG002
            port: int,  # noqa: ARG002
            timeout: float,  # noqa: ASYNC109
            **_: object,
        ) -> object:
            with trio.move_on_after(timeout):
                await trio.sleep_forever()
            raise httpcore.ConnectTimeout("too slow")

    use_backend(monkeypatch, Slow())
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    answer = await lanes.send(GET)
    assert isinstance(answer, NoReply)
    assert not answer.was_sent
    assert trio.current_time() == 5
    await lanes.aclose()


async def test_a_lane_is_a_connection_and_is_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are as many connections as concurrent requests."""
    mock = MockLegnext(latency=1.0)
    network = mock_network(mock)
    network.install(monkeypatch)
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    for _ in range(20):
        await lanes.send(GET)
    assert network.opened == 1
    async with trio.open_nursery() as nursery:
        for _ in range(7):
            nursery.start_soon(lanes.send, GET)
    for _ in range(20):
        await lanes.send(GET)
    assert network.opened == 7
    await lanes.aclose()
    assert network.now_open == 0


async def test_lanes_that_are_long_unused_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are closed one at a time, the longest idle first."""
    network = mock_network(MockLegnext(latency=1.0))
    network.install(monkeypatch)
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(lanes.send, GET)
    assert network.now_open == 10
    for _ in range(60):
        await lanes.send(GET)
    assert network.now_open <= 2
    await lanes.aclose()


async def test_five_hundred_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are as many connections as requests; one that breaks affects no other."""
    served = 0

    async def serve(stream: trio.abc.Stream) -> None:
        nonlocal served
        served += 1
        number = served
        while await stream.receive_some(65536):
            await trio.sleep(1)
            if number == 77:
                return
            await stream.send_all(http_bytes(200, b"ok"))

    network = Network(serve)
    network.install(monkeypatch)
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    answers: list[Answer] = []

    async def send() -> None:
        answers.append(await lanes.send(GET))

    async def send_many(count: int) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(send)

    await send_many(500)
    assert network.opened == 500
    assert sum(isinstance(answer, Reply) for answer in answers) == 499
    answers.clear()
    await send_many(500)
    assert network.opened == 501
    assert all(isinstance(answer, Reply) for answer in answers)
    for _ in range(60):
        await send_many(10)
    assert network.opened == 501
    assert network.now_open == 10
    await lanes.aclose()
    assert network.now_open == 0


@pytest.mark.parametrize("at", [0.0, 0.2, 1.0])
async def test_a_cancelled_request_leaves_its_lane_usable(
    monkeypatch: pytest.MonkeyPatch, at: float
) -> None:
    """A request may be cancelled while it connects, waits, or reads the body."""
    network = Network(RawServer((http_bytes(200, b"x" * 100), 0.01)).serve)
    network.install(monkeypatch)
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    with trio.move_on_after(at) as giving_up:
        await lanes.send(GET)
    assert giving_up.cancelled_caught
    assert network.now_open == 0
    assert isinstance(await lanes.send(GET), Reply)
    assert network.now_open == 1
    await lanes.aclose()


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({"HTTP_PROXY": "http://proxy.test:3128"}, ["GET http://legnext.test/api/v1/job/a"]),
        ({"ALL_PROXY": "http://proxy.test:3128"}, ["GET http://legnext.test/api/v1/job/a"]),
        ({"HTTP_PROXY": "http://proxy.test", "NO_PROXY": "legnext.test"}, ["GET /api/v1/job/a"]),
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, ["GET /api/v1/job/a"]),
    ],
)
async def test_the_environments_proxy(
    connect: Setup,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    lines: list[str],
) -> None:
    """Requests use the proxy that the environment has for this host."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name.lower(), value)
    server = RawServer(http_bytes())
    lanes = connect(server)
    await lanes.send(GET)
    asked = [request.decode().split(" HTTP/1.1")[0] for request in server.requests]
    assert asked == lines
    await lanes.aclose()


async def test_a_proxy_for_https_makes_a_tunnel(
    connect: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy gets the host, but not the key."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    server = RawServer(http_bytes(407))
    lanes = connect(server, base_url="https://legnext.test")
    answer = await lanes.send(GET)
    assert isinstance(answer, NoReply)
    assert answer.cause.startswith("the proxy http://proxy.test:3128 refused: 407")
    assert not answer.was_sent
    assert server.requests[0].startswith(b"CONNECT legnext.test:443 HTTP/1.1\r\n")
    assert KEY.encode() not in server.requests[0]
    await lanes.aclose()


async def test_a_connection_that_the_server_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed idle connection is replaced."""
    count = 0

    async def serve(stream: trio.abc.Stream) -> None:
        nonlocal count
        count += 1
        await stream.receive_some(65536)
        await stream.send_all(http_bytes(200, b"ok"))

    network = Network(serve)
    network.install(monkeypatch)
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    for _ in range(3):
        assert isinstance(await lanes.send(GET), Reply)
        await trio.testing.wait_all_tasks_blocked()
    assert count == 3
    await lanes.aclose()


async def test_a_given_transport_is_closed_once() -> None:
    """It is closed with the client, even if several lanes used it."""
    transport = HandMade(lambda _: httpx.Response(200, json=job_body("a", "completed")))
    async with LegnextClient(KEY, URL, transport) as client, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(client.get_job, "a")
    assert transport.closings == 1


async def test_closing_is_bounded_in_time() -> None:
    """A transport that doesn't close delays the end by a second at most."""

    class Stuck(HandMade):
        """A transport that never closes."""

        async def aclose(self) -> None:
            await trio.sleep_forever()

    async with LegnextClient(KEY, URL, Stuck(lambda _: httpx.Response(200))):
        pass
    assert trio.current_time() == 1


async def test_all_lanes_share_one_ssl_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are loaded once, and never for plain http."""
    made: list[ssl.SSLContext] = []
    create = httpx.create_ssl_context

    def counting() -> ssl.SSLContext:
        made.append(create())
        return made[-1]

    monkeypatch.setattr("legnext_stream._http.lanes.httpx.create_ssl_context", counting)
    use_backend(monkeypatch, Unreachable())
    for base_url, expected in ((URL, 0), ("https://legnext.test", 1)):
        lanes = Lanes(base_url=base_url, api_key=KEY, transport=None, request_timeout=10)
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(lanes.send, GET)
        assert len(made) == expected
        await lanes.aclose()
    assert made[0].verify_mode is ssl.CERT_REQUIRED
    assert made[0].check_hostname


async def test_over_a_real_socket(mock_clock: trio.testing.MockClock) -> None:
    """The same works over TCP; the clock stands still, so nothing depends on time."""
    assert mock_clock.rate == 0
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)
    async with mock.serve() as url, LegnextClient(KEY, url) as client:
        assert (await client.get_job(job_id)).job_id == job_id


async def test_trouble_on_the_wire_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """After broken, limited and overloaded answers, the caller gets the good one."""
    server = RawServer(
        None,
        json_bytes(429, {"code": 429}),
        json_bytes(503, {"code": 503}),
        json_bytes(200, job_body("a", "staged")),
    )
    Network(server.serve).install(monkeypatch)
    async with LegnextClient(KEY, URL) as client:
        assert (await client.get_job("a")).raw_status == "staged"
    assert len(server.requests) == 4


async def test_the_time_of_a_single_request_is_the_callers(connect: Setup) -> None:
    """`request_timeout` bounds a request, and `retry_for` all its retries."""
    del connect
    network = Network(RawServer(b"").serve)
    since = trio.current_time()
    async with LegnextClient(
        KEY, URL, network.transport(), request_timeout=2, retry_for=20
    ) as client:
        with pytest.raises(HostUnreachableError, match=r"legnext\.test"):
            await client.get_job("a")
    assert 10 < trio.current_time() - since <= 20 + 4 + 1
    assert not issubclass(HostUnreachableError, ServerError)
