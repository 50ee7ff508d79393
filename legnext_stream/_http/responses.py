"""What comes back: an answer as a value, read and unpacked within bounds."""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator

import httpx
import trio

from legnext_stream._core.answers import Reply

# Enough for any job object many times over; a body that goes on beyond it is no job.
_LARGEST_BODY = 4 * 1024 * 1024


async def read_reply(response: httpx.Response, sent_at: float) -> Reply:
    """Read an answer to its end; the caller closes it.

    A refusal counts whatever its body is: its status and its headers say what matters, so a body
    that can't be had is left out of it.

    Raises:
        httpx.HTTPError: The connection broke; or a success has a body that can't be had, because it
            is too large, or packed in another way than we asked for, or broken.
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
    """The headers, names in lower case; those that are repeated are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(response: httpx.Response, encoding: str) -> bytes:
    """The body, unpacked."""
    # A transport without a network may hand over an answer that has been read, and unpacked.
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
    return _unpacked(_bounded(b"".join(chunks)), encoding)


async def leave(body: AsyncIterator[bytes]) -> None:
    """End the iteration over a body in its middle.

    It must never just be left there: httpx's generators would be left to the garbage collector,
    which warns. A cancellation ends each from inside.
    """
    with trio.CancelScope() as ending:
        ending.cancel()
        async for _ in body:
            pass


def _bounded(content: bytes) -> bytes:
    if len(content) > _LARGEST_BODY:
        raise httpx.DecodingError("a body larger than any job")
    return content


def _unpacked(received: bytes, encoding: str) -> bytes:
    """A body without its compression. Not left to httpx, which unpacks without any bound."""
    if encoding.strip().lower() in {"", "identity"}:
        return received
    try:
        unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)  # 16: a gzip header is expected
        content = unpacking.decompress(received, _LARGEST_BODY)
    except zlib.error as error:
        raise httpx.DecodingError(f"a body that can't be unpacked ({encoding}): {error}") from None
    if not unpacking.eof:
        raise httpx.DecodingError("a body cut short, or larger than any job")
    return content


def reason_of(error: Exception) -> str:
    """An httpx error in words: its name says more than its often empty text."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
