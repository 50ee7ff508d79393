"""Responses: read and decompressed within bounds, and returned as values."""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator

import httpx
import trio

from legnext_stream._core.answers import Reply

# In bytes. Many times the size of any job; a larger body is not a job.
_LARGEST_BODY = 4 * 1024 * 1024


async def read_reply(response: httpx.Response, sent_at: float) -> Reply:
    """Read a response to its end; the caller closes it.

    The status and headers of a refusal say what matters, so an undecodable body of a refusal is
    ignored.

    Raises:
        httpx.HTTPError: The connection broke; or the body of a success is too large, broken, or
            compressed in a way that wasn't asked for.
    """
    headers = read_headers(response)
    try:
        content = await _body(response, headers.get("content-encoding", ""))
    except httpx.DecodingError:
        if response.status_code < 400:
            raise
        content = b""
    return Reply(response.status_code, headers, content, sent_at, trio.current_time(), time.time())


def read_headers(response: httpx.Response) -> dict[str, str]:
    """The headers, with lower-case names; repeated ones are joined with commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(response: httpx.Response, encoding: str) -> bytes:
    """The decompressed body."""
    # A transport without a network may return a response that was read and decompressed already.
    if response.is_stream_consumed:
        return _bounded(response.content)
    chunks = []
    left = _LARGEST_BODY
    body = response.aiter_raw()
    async for chunk in body:
        chunks.append(chunk)
        left -= len(chunk)
        if left < 0:
            await leave(body)
            break
    return _decompressed(_bounded(b"".join(chunks)), encoding)


async def leave(body: AsyncIterator[bytes]) -> None:
    """End the iteration over a body before its end.

    httpx's generators must not be left to the garbage collector, which warns about them. A
    cancellation ends each from the inside.
    """
    with trio.CancelScope() as ending:
        ending.cancel()
        async for _ in body:
            pass


def _bounded(content: bytes) -> bytes:
    if len(content) > _LARGEST_BODY:
        raise httpx.DecodingError("the body is too large for a job")
    return content


def _decompressed(received: bytes, encoding: str) -> bytes:
    """The body, decompressed. Not by httpx, which has no bound for the result."""
    if encoding.strip().lower() in {"", "identity"}:
        return received
    try:
        decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS)  # 16: a gzip header is expected
        content = decompressor.decompress(received, _LARGEST_BODY)
    except zlib.error as error:
        raise httpx.DecodingError(f"the body can't be decompressed ({encoding}): {error}") from None
    if not decompressor.eof:
        raise httpx.DecodingError("the body is cut off, or too large for a job")
    return content
