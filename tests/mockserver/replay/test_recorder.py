"""The recorder, over real HTTP."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import stat
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from mockserver import Fixed, MockLegnext, run_virtual
from mockserver._replay import Exchange, Recorder, read_transcript
from tests.mockserver.helpers import POST
from tests.mockserver.replay.recording import KEY, client_to

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


class Canned(httpx.AsyncBaseTransport):
    """Answers with one body in chunks, and optionally an error after it."""

    def __init__(
        self, *chunks: bytes, error: Exception | None = None, encoding: str = "identity"
    ) -> None:
        self.chunks = chunks
        self.error = error
        self.encoding = encoding
        self.is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's signature
        """Answer."""
        headers = {"content-encoding": self.encoding, "set-cookie": "a=b"}
        return httpx.Response(200, headers=headers, stream=_Stream(self))

    async def aclose(self) -> None:
        """Close."""
        self.is_closed = True


class _Stream(httpx.AsyncByteStream):
    def __init__(self, canned: Canned) -> None:
        self.chunks = iter(canned.chunks)
        self.error = canned.error

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self.chunks:
            return chunk
        raise self.error or StopAsyncIteration


async def one_of(path: Path, canned: Canned, most_bytes: int = 1000) -> Exchange:
    """Make one request, and return what was recorded."""
    recorder = Recorder(path, canned, most_bytes=most_bytes)
    async with httpx.AsyncClient(transport=recorder) as client:
        with contextlib.suppress(httpx.ReadError):
            async with client.stream("GET", "http://a.b/c?d=e", headers={"x-api-key": KEY}) as it:
                # As it came: what can't be unpacked is an error of the client's otherwise.
                assert b"".join([chunk async for chunk in it.aiter_raw()]) == b"".join(
                    canned.chunks
                )
    (exchange,) = read_transcript(path).exchanges
    return exchange


def test_what_passes(tmp_path: Path) -> None:
    """Requests and answers are recorded with their times, and the client sees no difference."""
    mock = MockLegnext(latency=Fixed(0.25))
    path = tmp_path / "night.jsonl"

    async def ask(transport: httpx.AsyncBaseTransport) -> list[bytes]:
        async with client_to(mock, transport) as client:
            submitted = await client.post(POST, json={"text": f"a key: {KEY}"})
            await trio.sleep(1)
            job_id = submitted.json()["job_id"]
            seen = await client.get(f"/api/v1/job/{job_id}", params={"signature": "s3cret"})
            return [submitted.content, seen.content]

    bodies = run_virtual(lambda: ask(Recorder(path, mock.transport(), began_at=BEGAN)))
    transcript = read_transcript(path)
    submitted, seen = transcript.exchanges
    assert transcript.began_at == BEGAN
    assert [submitted.at, submitted.answered_at, submitted.ended_at] == [0, 0.25, 0.25]
    assert [seen.at, seen.answered_at] == [1.25, 1.5]
    assert (submitted.method, submitted.path, submitted.status_code) == ("POST", POST, 200)
    assert submitted.sent == b'{"text":"a key: [removed]"}'
    assert [submitted.body, seen.body] == bodies
    assert seen.header("date") == "Thu, 01 Jan 2026 00:00:01 GMT"
    assert "signature" not in path.read_text()
    assert KEY not in path.read_text()


async def test_nobody_else_reads_it(tmp_path: Path) -> None:
    """Only the owner can read the file, and an existing file isn't overwritten."""
    path = tmp_path / "night.jsonl"
    await Recorder(path, Canned()).aclose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        Recorder(path, Canned())
    with pytest.raises(ValueError, match="most_bytes must be 0 or more"):
        Recorder(tmp_path / "other.jsonl", Canned(), most_bytes=-1)


def test_requests_without_an_answer(tmp_path: Path) -> None:
    """The error that ended a request is recorded by name."""
    mock = MockLegnext(latency=Fixed(60))
    path = tmp_path / "night.jsonl"

    async def ask() -> None:
        async with client_to(mock, Recorder(path, mock.transport())) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/api/account/balance")
            with trio.move_on_after(5):
                await client.get("/api/account/balance")

    run_virtual(ask)
    timed_out, cancelled = read_transcript(path).exchanges
    assert (timed_out.error, timed_out.ended_at, timed_out.answered_at) == ("ReadTimeout", 20, None)
    assert (cancelled.error, cancelled.at, cancelled.ended_at) == ("Cancelled", 20, 25)


async def test_a_body_that_breaks_off(tmp_path: Path) -> None:
    """An incomplete answer is recorded as far as it came, with the error."""
    broken = Canned(b"ab", b"cd", error=httpx.ReadError("gone"))
    exchange = await one_of(tmp_path / "a.jsonl", broken)
    assert (exchange.status_code, exchange.body, exchange.error) == (200, b"abcd", "ReadError")
    assert exchange.headers == ()
    assert broken.is_closed


async def test_long_bodies_are_cut(tmp_path: Path) -> None:
    """At most the configured number of bytes is kept of a body, and the file says so."""
    whole = await one_of(tmp_path / "a.jsonl", Canned(b"abc", b"def"), most_bytes=6)
    cut = await one_of(tmp_path / "b.jsonl", Canned(b"abc", b"def"), most_bytes=5)
    none = await one_of(tmp_path / "c.jsonl", Canned(b"abc", b"def"), most_bytes=0)
    assert [(e.body, e.cut) for e in (whole, cut, none)] == [
        (b"abcdef", False),
        (b"abcde", True),
        (b"", True),
    ]


@pytest.mark.parametrize(
    ("encoding", "body", "kept", "cut"),
    [
        ("gzip", gzip.compress(b'{"a":1}', mtime=0), b'{"a":1}', False),
        ("deflate", zlib.compress(b'{"a":1}'), b'{"a":1}', False),
        ("gzip", gzip.compress(b"\0" * 10_000_000, mtime=0), b"\0" * 100_000, True),
        ("gzip", b"no gzip", b"", True),
        ("br", b"whatever", b"", True),
    ],
)
async def test_packed_bodies(
    tmp_path: Path, encoding: str, body: bytes, kept: bytes, *, cut: bool
) -> None:
    """A compressed body is recorded decompressed, within the bound, or left out if it can't be."""
    packed = Canned(body, encoding=encoding)
    exchange = await one_of(tmp_path / "a.jsonl", packed, most_bytes=100_000)
    assert (exchange.body, exchange.cut) == (kept, cut)


async def test_packed_secrets(tmp_path: Path) -> None:
    """Secrets in compressed bodies are removed too."""
    body = gzip.compress(f'{{"key":"{KEY}","url":"http://a/?Signature=1"}}'.encode())
    exchange = await one_of(tmp_path / "a.jsonl", Canned(body, encoding="gzip"))
    assert exchange.body == b'{"key":"[removed]","url":"http://a/"}'


async def test_a_client_that_has_had_enough(tmp_path: Path) -> None:
    """An answer that is closed before its end is recorded as cut, once."""
    path = tmp_path / "a.jsonl"
    recorder = Recorder(path, Canned(b"abc", b"def"))
    request = httpx.Request("GET", "http://a.b/")
    begun = await recorder.handle_async_request(request)
    unread = await recorder.handle_async_request(request)
    for answer in (begun, unread):
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        async with aclosing(answer.stream):
            if answer is begun:
                chunks = aiter(answer.stream)
                assert await anext(chunks) == b"abc"
                assert isinstance(chunks, AsyncGenerator)
                await chunks.aclose()
    await recorder.aclose()
    first, second = read_transcript(path).exchanges
    assert (first.body, first.cut, first.error) == (b"abc", True, "")
    assert (second.body, second.cut) == (b"", True)


async def test_bodies_of_requests(tmp_path: Path) -> None:
    """Only complete JSON bodies of requests are kept, if they are short enough."""
    path = tmp_path / "a.jsonl"

    async def streamed() -> AsyncIterator[bytes]:
        yield b"{}"

    json_type = {"content-type": "application/json"}
    async with httpx.AsyncClient(transport=Recorder(path, Canned(), most_bytes=20)) as client:
        await client.post("http://a.b/", json={"a": 1})
        await client.post("http://a.b/", json={"a": "long" * 9})
        await client.post("http://a.b/", content=streamed(), headers=json_type)
        await client.post("http://a.b/", data={"a": "1"}, files={"mask": b"PNG"})
    assert [e.sent for e in read_transcript(path).exchanges] == [b'{"a":1}', b"", b"", b""]


async def test_short_keys_are_no_secret(tmp_path: Path) -> None:
    """A short key isn't removed from bodies, as it would be found in other words."""
    path = tmp_path / "a.jsonl"
    async with httpx.AsyncClient(transport=Recorder(path, Canned(b"a test"))) as client:
        await client.get("http://a.b/", headers={"x-api-key": "test"})
    assert read_transcript(path).exchanges[0].body == b"a test"


async def test_a_crash_costs_only_what_is_under_way(tmp_path: Path) -> None:
    """Each exchange is in the file once it is over, without closing the recorder."""
    path = tmp_path / "a.jsonl"
    client = httpx.AsyncClient(transport=Recorder(path, Canned(b"a")))
    await client.get("http://a.b/")
    assert len(read_transcript(path).exchanges) == 1
    await client.aclose()


@pytest.mark.parametrize("taken", [0, 5], ids=["nothing", "a part"])
async def test_a_full_disk_does_not_stop_the_traffic(tmp_path: Path, taken: int) -> None:
    """If writing fails, requests go on, and closing raises the error."""

    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:  # noqa: ANN401 - the base's own
            if not taken:
                raise OSError(errno.ENOSPC, "No space left")
            return super().write(bytes(data)[:taken])

    path = tmp_path / "a.jsonl"
    recorder = Recorder(path, Canned(b"abc"))
    recorder._file.close()
    recorder._file = FullDisk(path, "ab")
    client = httpx.AsyncClient(transport=recorder)
    assert (await client.get("http://a.b/")).content == b"abc"
    assert (await client.get("http://a.b/")).content == b"abc"
    with pytest.raises(OSError, match="No space left"):
        await client.aclose()
    await recorder.aclose()  # It has been said.
    assert read_transcript(path).exchanges == ()


async def test_over_sockets(tmp_path: Path) -> None:
    """By default a recorder wraps the usual transport; its clock can be that of a mock."""
    mock = MockLegnext(time_scale=1000)
    path = tmp_path / "a.jsonl"
    async with mock.serve() as url:
        recorder = Recorder(path, clock=lambda: mock.now)
        async with httpx.AsyncClient(transport=recorder, base_url=url) as client:
            answer = await client.get("/api/account/balance", headers={"x-api-key": KEY})
    (exchange,) = read_transcript(path).exchanges
    assert exchange.body == answer.content
    assert exchange.answered_at is not None
    assert 0 <= exchange.at < exchange.answered_at
    assert recorder.now() > 0
