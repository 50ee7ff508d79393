"""The wire: lanes, each one HTTP connection of its own. The only file that speaks httpx.

httpx's pool searches all its connections for each request, so a hundred of them on one client are
slower than ten; a hundred clients of one connection each are not. Hence a lane is a client with a
single connection, and the lane used last is used first, so that idle ones can be closed.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs
import httpx
import trio

from legnext_stream.core.answers import Answer, NoReply, Reply
from legnext_stream.errors import ConfigurationError
from legnext_stream.version import __version__

# Enough for any job object many times over; a body that goes on beyond it is no job.
_LARGEST_BODY = 4 * 1024 * 1024
_CONNECT_TIMEOUT = 5.0
# How long an unused connection is kept, and how long closing one may take, seconds.
_IDLE = 30.0
_CLOSING = 1.0
# The request never left this machine, so repeating it is safe whatever it would have done.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)


@attrs.frozen
class Request:
    """One request to the API.

    Attributes:
        method: The HTTP method.
        path: The path below the base URL, quoted.
        json: A JSON body, or None.
        files: The files of a multipart body by field name, or None: (name, content, media type).
        fields: The other fields of a multipart body.
    """

    method: str
    path: str
    json: object = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    fields: Mapping[str, str] | None = None


class _KeyHeader(httpx.Auth):
    """Puts the API key into its header, at the last moment, so that no repr of a client shows it."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["x-api-key"] = self._api_key
        yield request

    def fingerprint(self, salt: str) -> str:
        """A hash that tells this key from others, and from which it can't be found."""
        return hmac.new(salt.encode(), self._api_key.encode(), hashlib.sha256).hexdigest()[:32]


class _Borrowed(httpx.AsyncBaseTransport):
    """The caller's transport, as one lane sees it: closing the lane does not close it."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


def parse_base_url(text: str) -> str:
    """The base URL without a trailing slash, `/api` or `/api/v1`, which other clients want there.

    Raises:
        ConfigurationError: It is not the http or https URL of a host.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError) as error:
        msg = f"base_url={text!r} is no URL: {error}"
        raise ConfigurationError(msg) from None
    if url.userinfo:
        # Not shown, for it may be a secret; and it would be shown wherever the host is named.
        raise ConfigurationError("base_url takes no user and password; the API wants only its key")
    if url.scheme not in {"http", "https"} or not url.host:
        msg = f"base_url must look like https://api.legnext.ai, not {text!r}"
        raise ConfigurationError(msg)
    path = url.path.rstrip("/").removesuffix("/v1").removesuffix("/api")
    return str(url.copy_with(path=path or "/", query=None, fragment=None)).rstrip("/")


class Lanes:
    """All lanes to one host with one key. Opened as needed, closed when long unused, or at the end.

    Args:
        base_url: Where the API is; see `parse_base_url`.
        api_key: The key; it leaves this object only in its header.
        transport: What carries the requests instead of sockets, or None.
        request_timeout: How long one request may take once connected, seconds.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        transport: httpx.AsyncBaseTransport | None,
        request_timeout: float,
    ) -> None:
        self.base_url: str = parse_base_url(base_url)
        self._auth = _KeyHeader(api_key)
        self._transport = transport
        self._ssl: ssl.SSLContext | None = None
        self._request_timeout = request_timeout
        self._connect_timeout = min(_CONNECT_TIMEOUT, request_timeout)
        self._idle: list[tuple[float, httpx.AsyncClient]] = []
        self._is_closed = False

    def fingerprint(self, salt: str) -> str:
        """A salted hash of the key, to tell one account from another."""
        return self._auth.fingerprint(salt)

    async def send(self, request: Request) -> Answer:
        """Send one request on a lane of its own; whatever the network does comes back as a value."""
        sent_at = trio.current_time()
        within = self._connect_timeout + self._request_timeout
        was_sent = True
        reason = f"no whole answer within {within:g} s"
        async with self._lane() as lane:
            with trio.move_on_after(within):
                try:
                    return await self._exchange(lane, request, sent_at)
                except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                    was_sent = not isinstance(error, _NEVER_SENT)
                    reason = _reason(error)
        said = f"{self.base_url} gave no answer: {reason}"
        return NoReply(said, sent_at, trio.current_time(), was_sent=was_sent)

    async def aclose(self) -> None:
        """Close all lanes, and the caller's transport. Bounded in time, also under cancellation."""
        self._is_closed = True
        with trio.move_on_after(_CLOSING, shield=True):
            while self._idle:
                await self._idle.pop()[1].aclose()
            if self._transport is not None:
                await self._transport.aclose()

    async def _exchange(self, lane: httpx.AsyncClient, request: Request, sent_at: float) -> Reply:
        received = bytearray()
        # An iteration over a body must never be left in the middle: httpx's generators would be
        # left to the garbage collector, which warns. A cancellation ends each of them from inside.
        with trio.CancelScope() as reading:
            async with lane.stream(
                request.method,
                self.base_url + request.path,
                json=request.json,
                files=request.files,
                data=request.fields,
            ) as response:
                # A transport without a network may hand over an answer that has been read already.
                is_read = response.is_stream_consumed
                async for chunk in response.aiter_bytes() if is_read else response.aiter_raw():
                    received += chunk
                    if len(received) > _LARGEST_BODY:
                        reading.cancel()
            if not reading.cancel_called:
                headers = _headers(response)
                encoding = "" if is_read else headers.get("content-encoding", "")
                content = _unpacked(bytes(received), encoding)
                return Reply(
                    response.status_code,
                    headers,
                    content,
                    sent_at,
                    trio.current_time(),
                    time.time(),
                )
        raise httpx.DecodingError("a body larger than any job")

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[httpx.AsyncClient]:
        """A lane for one request: the one used last, or a new one."""
        lane = self._idle.pop()[1] if self._idle else self._open()
        try:
            yield lane
        finally:
            now = trio.current_time()
            self._idle.append((now, lane))
            # The bottom of the stack is what has been unused the longest; one at a time will do.
            # A request of a task that outlives the client comes back when all else is closed.
            if self._is_closed or now - self._idle[0][0] > _IDLE:
                with trio.move_on_after(_CLOSING, shield=True):
                    await self._idle.pop(0)[1].aclose()

    def _open(self) -> httpx.AsyncClient:
        transport = None if self._transport is None else _Borrowed(self._transport)
        return httpx.AsyncClient(
            auth=self._auth,
            transport=transport,
            verify=self._shared_ssl(),
            follow_redirects=False,
            timeout=httpx.Timeout(self._request_timeout, connect=self._connect_timeout),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=_IDLE),
            headers={
                "user-agent": f"legnext-stream/{__version__}",
                "accept": "application/json",
                "accept-encoding": "gzip",
            },
        )

    def _shared_ssl(self) -> ssl.SSLContext:
        # Loading the certificates takes tens of milliseconds, so all lanes share one context, and
        # a plain http host, which needs none, gets an empty one.
        if self._ssl is None:
            secure = self.base_url.startswith("https:") and self._transport is None
            self._ssl = (
                httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        return self._ssl


def _headers(response: httpx.Response) -> dict[str, str]:
    """The headers, names in lower case; those that are repeated are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _unpacked(received: bytes, encoding: str) -> bytes:
    """A body without its compression. Not left to httpx, which unpacks without any bound.

    Raises:
        httpx.DecodingError: It is packed in another way than we asked for, broken, or too large.
    """
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


def _reason(error: Exception) -> str:
    """An httpx error in words: its name says more than its often empty text."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
