"""Responses as values, read within bounds."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import trio

from legnext_stream import HostUnreachableError, LegnextClient
from legnext_stream._core.answers import NoReply, Reply
from legnext_stream._http import Lanes
from tests.legnext_stream.http.conftest import GET, Setup
from tests.legnext_stream.support import (
    KEY,
    URL,
    HandMade,
    Network,
    RawServer,
    http_bytes,
    job_body,
    json_bytes,
)


async def test_an_answer_as_a_value(connect: Setup) -> None:
    """It has the status, headers in lower case (repeated ones joined), body and times."""
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
    """The key must not be sent to another host."""
    server = RawServer(http_bytes(code, b"", [("location", "http://elsewhere.test/")]))
    lanes = connect(server)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert answer.status_code == code
    assert len(server.requests) == 1
    await lanes.aclose()


async def test_a_compressed_body_is_decompressed(connect: Setup) -> None:
    """Only gzip is accepted."""
    server = RawServer(http_bytes(200, gzip.compress(b"{}"), [("content-encoding", "GZIP")]))
    lanes = connect(server)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert answer.content == b"{}"
    assert b"\r\naccept-encoding: gzip\r\n" in server.requests[0].lower()
    await lanes.aclose()


async def test_a_response_that_has_been_read_already() -> None:
    """A response from `httpx.MockTransport`, already read and decompressed, is used as it is."""
    compressed = httpx.Response(
        200,
        content=gzip.compress(json.dumps(job_body("a", "staged")).encode()),
        headers={"content-encoding": "gzip"},
    )
    async with LegnextClient(KEY, URL, httpx.MockTransport(lambda _: compressed)) as client:
        assert (await client.get_job("a")).raw_status == "staged"
    endless = httpx.Response(200, content=b" " * (5 * 1024 * 1024))
    transport = httpx.MockTransport(lambda _: endless)
    async with LegnextClient(KEY, URL, transport, retry_for=0) as client:
        with pytest.raises(HostUnreachableError, match="too large for a job"):
            await client.get_job("a")


@pytest.mark.parametrize("is_compressed", [True, False])
async def test_an_endless_body_is_refused(connect: Setup, is_compressed: bool) -> None:  # noqa: FBT001 - parametrized
    """The bound applies to the decompressed body, and no warning is raised."""
    body = b" " * (5 * 1024 * 1024)
    headers = [("content-encoding", "gzip")] if is_compressed else []
    lanes = connect(
        RawServer(http_bytes(200, gzip.compress(body) if is_compressed else body, headers))
    )
    answer = await lanes.send(GET)
    assert isinstance(answer, NoReply)
    assert "too large for a job" in answer.reason
    assert "http://legnext.test" in answer.reason
    await lanes.aclose()


@pytest.mark.parametrize("code", [401, 404, 429, 503])
@pytest.mark.parametrize(
    "body", [b" " * (5 * 1024 * 1024), gzip.compress(b" " * (5 * 1024 * 1024)), b"no gzip"]
)
async def test_a_refusal_with_an_unreadable_body(connect: Setup, code: int, body: bytes) -> None:
    """The status and headers of a refusal count; an unreadable body is ignored."""
    headers = [("retry-after", "7")]
    if len(body) < 5 * 1024 * 1024:
        headers.append(("content-encoding", "gzip"))
    server = RawServer(http_bytes(code, body, headers), http_bytes(200, b"good"))
    lanes = connect(server)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert (answer.status_code, answer.headers["retry-after"]) == (code, "7")
    assert answer.content == b""
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert answer.content == b"good"
    await lanes.aclose()


async def test_an_endless_body_that_waits_for_nothing() -> None:
    """Without a network it can't be cancelled, so it is read but not kept."""

    class Endless(httpx.AsyncByteStream):
        """A body of 60 MiB."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(60):
                yield b" " * 1024 * 1024

    transport = HandMade(lambda _: httpx.Response(429, stream=Endless()))
    lanes = Lanes(base_url=URL, api_key=KEY, transport=transport, request_timeout=10)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    assert (answer.status_code, answer.content) == (429, b"")
    await lanes.aclose()


async def test_retry_after_with_an_endless_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retry-After of an answer with an endless body is obeyed."""
    much = b" " * (5 * 1024 * 1024)
    server = RawServer(
        http_bytes(429, much, [("retry-after", "20")]), json_bytes(200, job_body("a", "staged"))
    )
    Network(server.serve).install(monkeypatch)
    async with LegnextClient(KEY, URL) as client:
        assert (await client.get_job("a")).raw_status == "staged"
    assert trio.current_time() >= 20


async def test_an_undecodable_body(connect: Setup) -> None:
    """Bytes that can't be decompressed, or are cut off, are no answer."""
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
    """Each kind of broken answer ends soon, with an error that names the host."""
    lanes = connect(RawServer(answer))
    got = await lanes.send(GET)
    assert isinstance(got, NoReply)
    assert got.was_sent
    assert got.reason.startswith("http://legnext.test gave no answer: ")
    assert trio.current_time() <= 15.001
    assert got.received_at == trio.current_time()
    await lanes.aclose()
