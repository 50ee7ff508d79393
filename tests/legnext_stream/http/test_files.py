"""Downloads of files: requests, refused URLs, and connections."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.answers import NoReply, Reply
from legnext_stream._http import Lanes
from legnext_stream._http.files import Files, RefusedUrlError, is_loopback, parse_file_url
from legnext_stream._http.transports import ssl_context
from tests.legnext_stream.support import (
    KEY,
    HandMade,
    Network,
    RawServer,
    Unreachable,
    http_bytes,
    in_turn,
    use_backend,
)

LOCAL = "http://127.0.0.1:8080/a.png"
SECURE = "https://files.example/a.png"


class Taken:
    """Takes a body.

    Args:
        most: How many pieces are wanted.
        trouble: Called for each piece.
    """

    def __init__(self, most: float = float("inf"), trouble: Exception | None = None) -> None:
        self.heads: list[Reply] = []
        self.pieces: list[bytes] = []
        self._most = most
        self._trouble = trouble

    async def begin(self, reply: Reply) -> Callable[[bytes], Awaitable[bool]] | None:
        """Take every body, unless no piece is wanted."""
        await trio.lowlevel.checkpoint()
        self.heads.append(reply)
        return self._take if self._most else None

    async def _take(self, data: bytes) -> bool:
        await trio.lowlevel.checkpoint()
        if self._trouble is not None:
            raise self._trouble
        self.pieces.append(data)
        return len(self.pieces) < self._most

    @property
    def body(self) -> bytes:
        """All bytes that arrived."""
        return b"".join(self.pieces)


def files(transport: httpx.AsyncBaseTransport | None = None) -> Files:
    """A downloader that allows plain http to this machine."""
    return Files(transport=transport, allow_loopback=True, silence=10.0)


def over(network: Network, monkeypatch: pytest.MonkeyPatch) -> Files:
    """A downloader over httpx's pools."""
    network.install(monkeypatch)
    return files()


async def test_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes arrive as they are sent; a connection is reused, and closed at the end."""
    server = RawServer(http_bytes(200, b"x" * 200_000, [("ETag", '"e"')]))
    network = Network(server.serve)
    fetching = over(network, monkeypatch)
    for _ in range(2):
        taken = Taken()
        answer = await fetching.get(LOCAL, {"range": "bytes=5-"}, taken.begin)
        assert isinstance(answer, Reply)
        assert answer is taken.heads[0]
        assert (answer.status_code, answer.headers["etag"]) == (200, '"e"')
        assert taken.body == b"x" * 200_000
        assert len(taken.pieces) > 1
    assert network.opened == 1
    request = server.requests[0].lower()
    assert b"get /a.png http/1.1\r\n" in request
    assert b"range: bytes=5-\r\n" in request
    assert b"accept-encoding: identity\r\n" in request
    assert KEY.encode().lower() not in request
    assert b"x-api-key" not in request
    await fetching.aclose()
    assert network.now_open == 0


@pytest.mark.parametrize("most", [0, 1])
async def test_a_body_that_is_not_wanted(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """The connection is closed at once."""
    network = Network(RawServer(http_bytes(200, b"x" * 200_000)).serve)
    fetching = over(network, monkeypatch)
    taken = Taken(most)
    assert isinstance(await fetching.get(LOCAL, {}, taken.begin), Reply)
    assert len(taken.pieces) == most
    assert network.now_open == 0
    await fetching.aclose()


async def test_trouble_while_taking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sink's exception is raised unchanged, and the connection is closed."""
    network = Network(RawServer(http_bytes(200, b"x" * 200_000)).serve)
    fetching = over(network, monkeypatch)
    full = OSError("no space left")
    with pytest.raises(OSError, match="no space left") as caught:
        await fetching.get(LOCAL, {}, Taken(trouble=full).begin)
    assert caught.value is full
    assert network.now_open == 0
    await fetching.aclose()


async def test_cancelled_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is closed at once."""
    network = Network(RawServer((http_bytes(200, b"x" * 100), 1.0)).serve)
    fetching = over(network, monkeypatch)
    taken = Taken()
    with trio.move_on_after(90) as scope:
        await fetching.get(LOCAL, {}, taken.begin)
    assert scope.cancelled_caught
    assert 0 < len(taken.body) < 100
    assert network.now_open == 0
    await fetching.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"nonsense",
        http_bytes(200, b"x" * 100)[:-50],
        (http_bytes(200, b"x"), 11.0),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
    ],
    ids=["nothing", "no HTTP", "cut", "silence", "half a chunk"],
)
async def test_no_complete_answer(
    answer: bytes | tuple[bytes, float] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Network trouble is returned as a value, with the host and without the query."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        if isinstance(answer, bytes):
            await stream.send_all(answer)
        elif answer is not None:
            await RawServer(answer).serve(stream)

    network = Network(serve)
    fetching = over(network, monkeypatch)
    said = await fetching.get(f"{LOCAL}?Signature=secret", {}, Taken().begin)
    assert isinstance(said, NoReply)
    assert "127.0.0.1 gave no complete answer" in said.reason
    assert "secret" not in said.reason
    assert network.now_open == 0
    await fetching.aclose()


async def test_an_unreachable_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable host is not an exception, because it may be reachable later."""
    use_backend(monkeypatch, Unreachable())
    fetching = files()
    assert isinstance(await fetching.get(SECURE, {}, Taken().begin), NoReply)
    await fetching.aclose()


async def test_a_response_that_has_been_read() -> None:
    """A transport without a network may return one."""
    taken = Taken()
    transport = in_turn(httpx.Response(200, content=b"whole"))
    await files(transport).get(SECURE, {}, taken.begin)
    assert taken.pieces == [b"whole"]


async def test_the_transport_of_a_client_stays_open() -> None:
    """Its owner closes it."""
    transport = in_turn(httpx.Response(200, content=b"whole"))
    fetching = files(transport)
    await fetching.get(SECURE, {}, Taken().begin)
    await fetching.aclose()
    assert transport.closings == 0


def redirecting(*places: str, code: int = 302) -> HandMade:
    """A transport with redirects that end at a file."""
    return in_turn(
        *(httpx.Response(code, headers={"location": place}) for place in places),
        httpx.Response(200, content=b"found"),
    )


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(code: int) -> None:
    """Relative redirects and other hosts are followed, with the same headers."""
    transport = redirecting("/b.png", "https://cdn.example/c.png", code=code)
    taken = Taken()
    await files(transport).get(SECURE, {"range": "bytes=1-"}, taken.begin)
    assert taken.body == b"found"
    assert [str(request.url) for request in transport.requests] == [
        SECURE,
        "https://files.example/b.png",
        "https://cdn.example/c.png",
    ]
    assert {request.headers["range"] for request in transport.requests} == {"bytes=1-"}
    assert len(taken.heads) == 1


@pytest.mark.parametrize(
    ("places", "why"),
    [
        (["http://files.example/a.png"], "refused: its URL is not https"),
        (["file:///etc/passwd"], "refused: its URL has no host"),
        (["https://user:secret@files.example/"], "refused: its URL contains a user"),
        (["http://169.254.169.254/latest/meta-data"], "refused: its URL is not https"),
        ([""], "redirects without a valid location"),
        (["https://a b/\x7f"], "redirects without a valid location"),
        ([SECURE] * 4, "more than 3 redirects"),
    ],
)
async def test_redirects_that_are_not_followed(places: list[str], why: str) -> None:
    """Each URL is checked as the first one is, and their number is bounded."""
    transport = redirecting(*places)
    taken = Taken()
    with pytest.raises(RefusedUrlError, match=why) as refused:
        await files(transport).get(SECURE, {}, taken.begin)
    assert not taken.heads
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.png",
        "//files.example/a.png",
        "http://files.example/a.png",
        "http://127.0.0.1.files.example/a.png",
        "http://2130706433/a.png",
        "http://0.0.0.0/a.png",
        "http://169.254.169.254/a.png",
        "ftp://files.example/a.png",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https://",
        "https:///a.png",
        "https://user@files.example/a.png",
        "https://files.example\n.evil/a.png",
        "https://files.example:99999999/a.png",
        f"https://files.example/{'a' * 9000}",
    ],
)
async def test_urls_that_are_never_requested(url: str) -> None:
    """Only https, and plain http to this machine, are allowed; others are never requested."""
    transport = in_turn(httpx.Response(200, content=b"x"))
    with pytest.raises(RefusedUrlError):
        await files(transport).get(url, {}, Taken().begin)
    assert not transport.requests


@pytest.mark.parametrize(
    "url", [LOCAL, "http://localhost/a", "http://[::1]:80/a", "http://127.9/a"]
)
def test_this_machine_only_where_the_api_is(url: str) -> None:
    """Otherwise a job could make us call this machine's services."""
    with pytest.raises(RefusedUrlError):
        parse_file_url(url, allow_loopback=False)
    if is_loopback(httpx.URL(url).host):
        assert parse_file_url(url, allow_loopback=True) == httpx.URL(url)


@pytest.mark.parametrize(
    ("base_url", "allowed"), [("http://127.0.0.1:1", True), ("https://api.legnext.ai", False)]
)
async def test_lanes_know_where_the_api_is(base_url: str, allowed: bool) -> None:  # noqa: FBT001 - a table's
    """Files may be on this machine only if the API is."""
    transport = in_turn(httpx.Response(200, content=b"x"))
    lanes = Lanes(base_url=base_url, api_key=KEY, transport=transport, request_timeout=5)
    try:
        await lanes.files().get(LOCAL, {}, Taken().begin)
    except RefusedUrlError:
        assert not allowed
    else:
        assert allowed
    await lanes.aclose()


@given(st.text())
def test_any_url(url: str) -> None:
    """Any text is refused or is an https URL."""
    try:
        parsed = parse_file_url(url, allow_loopback=False)
    except RefusedUrlError:
        return
    assert parsed.scheme == "https"


def test_trusted_certificates() -> None:
    """Certificates are httpx's; without https none are loaded."""
    assert ssl_context(is_needed=True).verify_mode is ssl.CERT_REQUIRED
    empty = ssl_context(is_needed=False)
    assert empty.verify_mode is ssl.CERT_REQUIRED
    assert not empty.get_ca_certs()
