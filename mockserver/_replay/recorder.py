"""The recorder: an httpx transport that writes all traffic to a transcript."""

from __future__ import annotations

import errno
import os
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx

from mockserver._replay.redaction import redact_body, redact_headers, redact_url
from mockserver._replay.transcript import Exchange, exchange_line, head_line
from mockserver._serving.clocks import TrioSeconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_MOST_BYTES: Final = 1_000_000
# A shorter key is no secret, and would be found in the middle of words.
_SHORTEST_KEY: Final = 8
# zlib's `wbits` for a header of either gzip or zlib, with the largest window.
_GZIP_OR_ZLIB: Final = 47


class Recorder(httpx.AsyncBaseTransport):
    """An httpx transport that wraps another, and writes all traffic to a transcript.

        recorder = Recorder("night.jsonl", httpx.AsyncHTTPTransport())
        async with httpx.AsyncClient(transport=recorder) as client: ...

    The traffic isn't changed. The transcript has no API keys, cookies, signatures or queries of
    URLs; it does have prompts. Each exchange is written when it is over, so a crash loses only those
    in progress. Only the file's owner may read the file.

    If writing fails (a full disk), the traffic goes on, the recording ends, and `aclose` raises the
    error.

    Args:
        path: The file; it must not exist yet.
        transport: Carries the requests, and is closed with the recorder. By default
            `httpx.AsyncHTTPTransport()`.
        clock: Gives seconds, from any origin; by default Trio's clock. For the time of a mock, use
            `lambda: mock.now`.
        began_at: The calendar time at the start; by default the time of this machine.
        most_bytes: The number of bytes to keep of each body.

    Raises:
        FileExistsError: The file exists already.
        OSError: The file can't be created.
        ValueError: `most_bytes` is below 0.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        clock: Callable[[], float] | None = None,
        began_at: datetime | None = None,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        if most_bytes < 0:
            raise ValueError(f"most_bytes must be 0 or more, not {most_bytes}")
        self._transport = httpx.AsyncHTTPTransport() if transport is None else transport
        self._clock = TrioSeconds() if clock is None else clock
        # Trio's clock counts from its first use in a run; any other has an origin of its own.
        origin = self._clock()
        self._origin = 0.0 if clock is None else origin
        self._most_bytes = most_bytes
        self._failure: OSError | None = None
        # Unbuffered, so that a crash loses nothing that has been written.
        self._file = open(  # noqa: SIM115 - `aclose` closes it
            path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, mode=0o600)
        )
        self._write(head_line(datetime.now(UTC) if began_at is None else began_at))

    def now(self) -> float:
        """The seconds since the recording's start."""
        return self._clock() - self._origin

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and wait for the head of its answer, as the wrapped transport does.

        Raises:
            httpx.TransportError: As the wrapped transport does.
        """
        in_progress = _InProgress(self, request)
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as error:
            in_progress.end(error)
            raise
        in_progress.answer(response)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an async transport's
        return httpx.Response(
            status_code=response.status_code,
            headers=response.headers,
            stream=_Body(response.stream, in_progress),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the file and the wrapped transport.

        Raises:
            OSError: Writing to the file failed, now or earlier.
        """
        try:
            await self._transport.aclose()
        finally:
            self._file.close()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _write(self, line: bytes) -> None:
        if self._failure is not None or self._file.closed:
            return
        try:
            if self._file.write(line) < len(line):
                self._failure = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._file.name)
        except OSError as failure:
            self._failure = failure

    def note(self, exchange: Exchange) -> None:
        """Write an exchange that is over."""
        self._write(exchange_line(exchange))

    @property
    def most_bytes(self) -> int:
        """The number of bytes to keep of each body."""
        return self._most_bytes


class _InProgress:
    """An exchange that isn't over yet."""

    def __init__(self, recorder: Recorder, request: httpx.Request) -> None:
        self._recorder = recorder
        self._request = request
        self._at = recorder.now()
        self._answered_at: float | None = None
        self._response: httpx.Response | None = None
        self._kept = bytearray()
        self._cut = False
        self._is_over = False

    def answer(self, response: httpx.Response) -> None:
        """Note the head of the answer."""
        self._answered_at = self._recorder.now()
        self._response = response

    def take(self, chunk: bytes) -> None:
        """Note a part of the answer's body."""
        room = self._recorder.most_bytes - len(self._kept)
        self._kept += chunk[:room]
        self._cut = self._cut or len(chunk) > room

    def end(self, error: BaseException | None = None, *, whole: bool = True) -> None:
        """Write it to the transcript, once; it is `whole` if the client has read to the end."""
        if self._is_over:
            return
        self._is_over = True
        self._cut = self._cut or not whole
        request, response = self._request, self._response
        keys = [
            value.encode()
            for name in ("x-api-key", "authorization")
            for value in request.headers.get(name, "").split()
            if len(value) >= _SHORTEST_KEY
        ]
        body, cut = (b"", False) if response is None else self._body(response)
        self._recorder.note(
            Exchange(
                at=self._at,
                ended_at=self._recorder.now(),
                answered_at=self._answered_at,
                method=request.method,
                path=redact_url(request.url.raw_path.decode("ascii")),
                sent=redact_body(self._sent(), keys),
                status_code=None if response is None else response.status_code,
                headers=() if response is None else redact_headers(response.headers.multi_items()),
                body=redact_body(body, keys),
                cut=cut,
                error="" if error is None else type(error).__name__,
            )
        )

    def _sent(self) -> bytes:
        """The request's body if it is JSON, complete and not too long."""
        if not self._request.headers.get("content-type", "").startswith("application/json"):
            return b""
        try:
            content = self._request.content
        except httpx.RequestNotRead:
            return b""
        return content if len(content) <= self._recorder.most_bytes else b""

    def _body(self, response: httpx.Response) -> tuple[bytes, bool]:
        """The kept part of the answer's body, decoded, and whether it is incomplete."""
        kept = bytes(self._kept)
        match response.headers.get("content-encoding", "identity").lower():
            case "identity":
                return kept, self._cut
            case "gzip" | "x-gzip" | "deflate":
                unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
                try:
                    # Bounded, as a small body can decompress to one that fills the memory.
                    body = unpacker.decompress(kept, self._recorder.most_bytes)
                except zlib.error:
                    return b"", True
                return body, self._cut or not unpacker.eof
            case _:
                return b"", True


class _Body(httpx.AsyncByteStream):
    """An answer's body on its way to the client."""

    def __init__(self, stream: httpx.AsyncByteStream, in_progress: _InProgress) -> None:
        self._stream = stream
        self._in_progress = in_progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._in_progress.take(chunk)
                yield chunk
        except GeneratorExit:
            raise  # The client stopped reading; `aclose` writes the exchange.
        except BaseException as error:
            self._in_progress.end(error)
            raise
        self._in_progress.end()

    async def aclose(self) -> None:
        self._in_progress.end(whole=False)
        await self._stream.aclose()
