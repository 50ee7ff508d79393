"""The wire: what goes out, what may come in, and what becomes of connections."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Callable

import httpcore
import httpx
import pytest
import trio

from legnext_stream import ConfigurationError, HostUnreachableError, LegnextClient, ServerError
from legnext_stream.core.answers import NoReply, Reply
from legnext_stream.http import Lanes, Request, parse_base_url
from legnext_stream.version import __version__
from mockserver import MockLegnext
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

GET = Request("GET", "/api/v1/job/a")
Setup = Callable[..., Lanes]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Setup:
    """Lanes to a server of bytes, over httpx's own pools."""

    def lanes(server: RawServer, base_url: str = URL, timeout: float = 10.0) -> Lanes:
        network = Network(server.serve)
        network.install(monkeypatch)
        return Lanes(base_url=base_url, api_key=KEY, transport=None, request_timeout=timeout)

    return lanes


# ---------------------------------------------------------------- what goes out


async def test_the_bytes_of_a_status_request(connect: Setup) -> None:
    """The key once, in its header and nowhere else; who we are; JSON wanted; no cookies."""
    server = RawServer(http_bytes())
    lanes = connect(server)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    head = server.requests[0].decode()
    lines = head.split("\r\n")
    assert lines[0] == "GET /api/v1/job/a HTTP/1.1"
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    assert head.count(KEY) == 1
    assert headers["x-api-key"] == KEY
    assert [line.lower().split(":")[0] for line in lines].count("x-api-key") == 1
    assert headers["user-agent"] == f"legnext-stream/{__version__}"
    assert headers["accept"] == "application/json"
    assert headers["host"] == "legnext.test"
    assert not {"cookie", "authorization", "referer"} & set(headers)
    await lanes.aclose()


async def test_no_credentials_from_the_machine(
    connect: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A `.netrc` that knows the host is not for this library."""
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine legnext.test login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = RawServer(http_bytes())
    lanes = connect(server)
    await lanes.send(GET)
    assert b"authorization" not in server.requests[0].lower()
    await lanes.aclose()


async def test_the_bytes_of_a_submit(connect: Setup) -> None:
    """A JSON body with its type and length."""
    server = RawServer(http_bytes())
    lanes = connect(server)
    await lanes.send(Request("POST", "/api/v1/diffusion", json={"text": "ein Füchslein"}))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/diffusion HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {"text": "ein Füchslein"}
    await lanes.aclose()


async def test_the_bytes_of_a_file(connect: Setup) -> None:
    """A form of several parts: the file with its name and type, the fields as text."""
    server = RawServer(http_bytes())
    lanes = connect(server)
    await lanes.send(
        Request(
            "POST",
            "/api/v1/inpaint",
            files={"mask": ("mask.png", b"\x89PNG-bytes", "image/png")},
            fields={"jobId": "j", "imageNo": "2"},
        )
    )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"content-type: multipart/form-data; boundary=" in head.lower()
    assert b'name="mask"; filename="mask.png"\r\nContent-Type: image/png' in body
    assert b"\x89PNG-bytes" in body
    assert b'name="jobId"\r\n\r\nj\r\n' in body
    assert b'name="imageNo"\r\n\r\n2\r\n' in body
    await lanes.aclose()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.legnext.ai", "https://api.legnext.ai"),
        ("https://api.legnext.ai/", "https://api.legnext.ai"),
        ("https://api.legnext.ai/api", "https://api.legnext.ai"),
        ("https://api.legnext.ai/api/", "https://api.legnext.ai"),
        ("https://api.legnext.ai/api/v1/", "https://api.legnext.ai"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://gate.test/legnext/api?x=1#y", "https://gate.test/legnext"),
    ],
)
def test_base_urls(text: str, expected: str) -> None:
    """As other clients want it, with `/api`, or as it is; a path before it stays."""
    assert parse_base_url(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "api.legnext.ai", "ftp://x.test", "http://", "//x.test", "http://x:y", 7],
)
def test_what_is_no_base_url(text: str) -> None:
    """It is refused at once, and shown."""
    with pytest.raises(ConfigurationError, match="base_url"):
        parse_base_url(text)


def test_a_base_url_with_a_password_is_refused() -> None:
    """It would be shown wherever the host is named; and so it is not shown in the refusal."""
    with pytest.raises(ConfigurationError) as caught:
        parse_base_url("https://user:s3cret@x.test")
    assert "s3cret" not in str(caught.value)


async def test_the_path_before_the_api_is_kept(connect: Setup) -> None:
    """For a gateway that has the API somewhere below."""
    server = RawServer(http_bytes())
    lanes = connect(server, base_url="http://gate.test/legnext/api")
    await lanes.send(GET)
    assert server.requests[0].startswith(b"GET /legnext/api/v1/job/a ")
    await lanes.aclose()


# ---------------------------------------------------------------- what comes in


async def test_an_answer_as_a_value(connect: Setup) -> None:
    """Code, headers in lower case (repeated ones joined), body, and when."""
    headers = [("X-One", "1"), ("x-one", "2"), ("X-Latin", "\xe9")]
    server = RawServer(http_bytes(418, b"tea", headers).decode().encode("latin-1"))
    lanes = connect(server)
    await trio.sleep(3)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert (answer.status_code, answer.content) == (418, b"tea")
    assert answer.headers["x-one"] == "1, 2"
    assert answer.headers["x-latin"] == "\xe9"
    assert answer.sent_at == answer.received_at == trio.current_time()
    await lanes.aclose()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_never_followed(connect: Setup, code: int) -> None:
    """The key must not be carried to another host."""
    server = RawServer(http_bytes(code, b"", [("location", "http://elsewhere.test/")]))
    lanes = connect(server)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert answer.status_code == code
    assert len(server.requests) == 1
    await lanes.aclose()


async def test_a_packed_body_is_unpacked(connect: Setup) -> None:
    """We ask for gzip, and for nothing else."""
    server = RawServer(http_bytes(200, gzip.compress(b"{}"), [("content-encoding", "GZIP")]))
    lanes = connect(server)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert answer.content == b"{}"
    assert b"\r\naccept-encoding: gzip\r\n" in server.requests[0].lower()
    await lanes.aclose()


async def test_an_answer_that_has_been_read_already() -> None:
    """As `httpx.MockTransport` gives it, read and unpacked: it is taken as it is."""
    packed = httpx.Response(
        200,
        content=gzip.compress(json.dumps(job_body("a", "staged")).encode()),
        headers={"content-encoding": "gzip"},
    )
    async with LegnextClient(KEY, URL, httpx.MockTransport(lambda _: packed)) as client:
        assert (await client.get_job("a")).raw_status == "staged"
    endless = httpx.Response(200, content=b" " * (5 * 1024 * 1024))
    transport = httpx.MockTransport(lambda _: endless)
    async with LegnextClient(KEY, URL, transport, retry_for=0) as client:
        with pytest.raises(HostUnreachableError, match="larger than any job"):
            await client.get_job("a")


@pytest.mark.parametrize("is_packed", [True, False])
async def test_an_endless_body_is_refused(connect: Setup, is_packed: bool) -> None:  # noqa: FBT001 - parametrized
    """No job is that large; a packed one is measured unpacked. And nothing is warned of."""
    body = b" " * (5 * 1024 * 1024)
    headers = [("content-encoding", "gzip")] if is_packed else []
    lanes = connect(RawServer(http_bytes(200, gzip.compress(body) if is_packed else body, headers)))
    answer = await lanes.send(GET)
    assert isinstance(answer, NoReply)
    assert "larger than any job" in answer.reason
    assert "http://legnext.test" in answer.reason
    await lanes.aclose()


async def test_a_body_that_is_not_what_it_says(connect: Setup) -> None:
    """Bytes that can't be unpacked, or are cut short, are no answer."""
    cut = gzip.compress(b"x" * 1000)[:-9]
    for body, encoding in ((b"no gzip", "gzip"), (cut, "gzip"), (b"what is it", "br")):
        lanes = connect(RawServer(http_bytes(200, body, [("content-encoding", encoding)])))
        answer = await lanes.send(GET)
        assert isinstance(answer, NoReply)
        assert "DecodingError" in answer.reason
        await lanes.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        (http_bytes(200, b"x" * 1000), 1.0),
    ],
)
async def test_broken_answers_take_bounded_time(
    connect: Setup, answer: bytes | tuple[bytes, float] | None
) -> None:
    """Hung up, silent, cut off, not HTTP, or a byte a second: no answer, soon, naming the host."""
    lanes = connect(RawServer(answer))
    got = await lanes.send(GET)
    assert isinstance(got, NoReply)
    assert got.was_sent
    assert got.reason.startswith("http://legnext.test gave no answer: ")
    assert trio.current_time() <= 15.001
    assert got.received_at == trio.current_time()
    await lanes.aclose()


async def test_a_lane_is_used_again_after_a_broken_answer(connect: Setup) -> None:
    """The connection is given up, the lane is not."""
    lanes = connect(RawServer(None, (http_bytes(200, b"x" * 100), 1.0), http_bytes(200, b"good")))
    for _ in range(2):
        assert isinstance(await lanes.send(GET), NoReply)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert answer.content == b"good"
    await lanes.aclose()


async def test_a_refused_connection_was_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """So whatever it would have done, it can be repeated."""
    use_backend(monkeypatch, Unreachable())
    lanes = Lanes(base_url=URL, api_key=KEY, transport=None, request_timeout=10)
    answer = await lanes.send(GET)
    assert isinstance(answer, NoReply)
    assert not answer.was_sent
    assert "http://legnext.test" in answer.reason
    await lanes.aclose()


async def test_a_connection_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting has its own, shorter limit; and what never connected was never sent."""

    class Slow(Unreachable):
        """A network on which connecting takes for ever."""

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


# ---------------------------------------------------------------- connections


async def test_a_lane_is_a_connection_and_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many connections as requests were ever under way at once, and no more."""
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
    """One at a time, the one that has been idle the longest first."""
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


async def test_a_connection_that_was_closed_over_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle connection that the server has closed is noticed, and a new one taken."""
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
    """With the client, however many lanes have used it."""
    transport = HandMade(lambda _: httpx.Response(200, json=job_body("a", "completed")))
    async with LegnextClient(KEY, URL, transport) as client, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(client.get_job, "a")
    assert transport.closings == 1


async def test_closing_is_bounded_in_time() -> None:
    """A transport that won't close keeps nobody for more than a second."""

    class Stuck(HandMade):
        """A transport that never closes."""

        async def aclose(self) -> None:
            await trio.sleep_forever()

    async with LegnextClient(KEY, URL, Stuck(lambda _: httpx.Response(200))):
        pass
    assert trio.current_time() == 1


async def test_all_lanes_share_one_ssl_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are loaded once, and not at all for plain http."""
    made: list[ssl.SSLContext] = []
    create = httpx.create_ssl_context

    def counting() -> ssl.SSLContext:
        made.append(create())
        return made[-1]

    monkeypatch.setattr("legnext_stream.http.httpx.create_ssl_context", counting)
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
    """The same over TCP; the clock stands still, so nothing can be a matter of time."""
    assert mock_clock.rate == 0
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)
    async with mock.serve() as url, LegnextClient(KEY, url) as client:
        assert (await client.get_job(job_id)).job_id == job_id


async def test_trouble_on_the_wire_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken once, limited once, overloaded once, then good: the caller sees the good one."""
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
    """`request_timeout` bounds a request, `retry_for` all its repetitions."""
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
