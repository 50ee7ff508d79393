"""Lanes: workers with one HTTP connection each, opened as needed and closed when idle.

httpx's pool searches all its connections for each request, so a hundred connections in one pool are
slower than ten (measured: 336 requests a second instead of 1,211), while a hundred pools of one
connection each are not. So each lane is a pool with a single connection. The lane used last is used
next, so that idle ones can be closed. Requests go straight to the pool: what an httpx client adds
(cookies, redirects, authentication, hooks) isn't needed, and takes a third of the time.
"""

from __future__ import annotations

import itertools
import math
import ssl
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import httpx
import msgspec
import trio

from legnext_stream._core.answers import Answer, NoReply, Reply
from legnext_stream._http.causes import no_reply
from legnext_stream._http.http2 import prepare_http2
from legnext_stream._http.requests import Request, Writer, parse_base_url
from legnext_stream._http.responses import read_reply
from legnext_stream._http.transports import (
    CLOSING,
    CONNECT_TIMEOUT,
    IDLE,
    open_client,
    ssl_context,
)
from legnext_stream.errors import ConfigurationError

if TYPE_CHECKING:
    from legnext_stream._http.files import Files

# The most idle lanes that are closed by one request.
_CLOSED_AT_ONCE = 10
# The most concurrent requests on one HTTP/2 connection: what httpcore allows. The cost of a request
# doesn't depend on it, and few connections is the point of HTTP/2.
_STREAMS = 100
# Whatever the network or the host may do.
_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)


class _Lane(msgspec.Struct, eq=False):
    """One connection."""

    transport: httpx.AsyncBaseTransport  # sends its requests
    # The client to close with it; None if the transport is the caller's.
    owner: httpx.AsyncClient | None
    room: float  # how many requests it can take at the same time
    proxy: str | None = None  # the proxy that it goes through, if any
    in_flight: int = 0  # how many it has now
    unused_since: float = 0.0  # when the last one ended
    speaks_http2: bool = False  # whether its last response came by HTTP/2


class Lanes:
    """All lanes to one host with one key, which leaves this object only in a header.

    A transport sends the requests instead of sockets. One request may take `request_timeout`
    seconds once connected. HTTP/2 is used if the host supports it, which takes https; a lane then
    carries several requests at the same time.

    Raises:
        ConfigurationError: The base URL or a header field is invalid, HTTP/2 isn't available, or the
            proxies or certificates that the environment names can't be used.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        transport: httpx.AsyncBaseTransport | None,
        request_timeout: float,
        headers: Mapping[str, str] = MappingProxyType({}),
        http2: bool = False,
    ) -> None:
        self.base_url: str = parse_base_url(base_url)
        self._errors: tuple[type[Exception], ...] = _ERRORS
        if http2:
            _check_http2(self.base_url, transport)
            self._errors = (*_ERRORS, prepare_http2())
        connect_timeout = min(CONNECT_TIMEOUT, request_timeout)
        timeout = httpx.Timeout(request_timeout, connect=connect_timeout)
        self._writer = Writer(self.base_url, api_key, timeout, headers)
        self._request_timeout = request_timeout
        self._within = connect_timeout + request_timeout
        self._transport = transport
        self._http2 = http2
        self._ssl: ssl.SSLContext | None = None
        # The lanes that have room, the most recently used at the end.
        self._free: list[_Lane] = []
        self._is_closed = False
        if transport is None:
            # The first one now, so that what is wrong in the environment is found out before any
            # request is recorded as sent.
            self._free.append(self._open())

    def fingerprint(self, salt: str) -> str:
        """A salted hash of the key, to tell one account from another."""
        return self._writer.fingerprint(salt)

    def files(self) -> Files:
        """A downloader of files from other hosts, without the key. The caller closes it."""
        # Imported only for downloads.
        from legnext_stream._http.files import Files, is_loopback  # noqa: PLC0415 - see above

        return Files(
            transport=self._transport,
            allow_loopback=is_loopback(httpx.URL(self.base_url).host),
            silence=self._request_timeout,
        )

    async def send(self, request: Request) -> Answer:
        """Send one request on a lane. Network errors are returned as values, too."""
        sent_at = trio.current_time()
        lane = self._take()
        try:
            with trio.move_on_after(self._within):
                try:
                    return await self._exchange(lane, request, sent_at)
                except self._errors as error:
                    return no_reply(self.base_url, error, sent_at, proxy=lane.proxy)
        finally:
            await self._put_back(lane)  # noqa: ASYNC102 - it shields what it waits for
        cause = f"no complete answer within {self._within:g} s"
        said = f"{self.base_url} gave no answer: {cause}"
        return NoReply(said, sent_at, trio.current_time(), cause=cause)

    async def aclose(self) -> None:
        """Close all lanes, and the caller's transport. Bounded in time, even under cancellation."""
        self._is_closed = True
        # A lane that is still used by a task that outlives the client closes after that request.
        unused = [lane for lane in self._free if not lane.in_flight]
        self._free = [lane for lane in self._free if lane.in_flight]
        await self._close(unused)
        if self._transport is not None:
            with trio.move_on_after(CLOSING, shield=True):
                await self._transport.aclose()

    async def _exchange(self, lane: _Lane, request: Request, sent_at: float) -> Reply:
        response = await lane.transport.handle_async_request(self._writer.write(request))
        lane.speaks_http2 = self._http2 and response.http_version == "HTTP/2"
        try:
            return await read_reply(response, sent_at)
        finally:
            if not response.is_closed:
                with trio.move_on_after(CLOSING, shield=True):
                    await response.aclose()

    def _take(self) -> _Lane:
        """A lane for one more request: the most recently used that has room, or a new one."""
        if not self._free:
            self._free.append(self._open())
        lane = self._free[-1]
        lane.in_flight += 1
        if lane.in_flight == lane.room:
            self._free.pop()
        return lane

    async def _put_back(self, lane: _Lane) -> None:
        """Release a lane after a request. Never raises; waits only for idle lanes to close."""
        if lane.in_flight == lane.room:
            self._free.append(lane)
        lane.in_flight -= 1
        if lane.speaks_http2:
            # Only now, when it is in the list already, so that it can't get there twice. If it ever
            # reconnects with HTTP/1.1, its requests queue.
            lane.room = _STREAMS
        lane.unused_since = trio.current_time()
        if self._is_closed:
            if not lane.in_flight:
                self._free.remove(lane)
                await self._close([lane])
        elif self._is_old(self._free[0]):
            # The first lane has been unused the longest. Only a few are closed at a time: the caller
            # is waiting for its response.
            old = list(itertools.takewhile(self._is_old, self._free[:_CLOSED_AT_ONCE]))
            del self._free[: len(old)]
            await self._close(old)

    def _is_old(self, lane: _Lane) -> bool:
        return not lane.in_flight and trio.current_time() - lane.unused_since > IDLE

    async def _close(self, lanes: Iterable[_Lane]) -> None:
        """Close lanes. Bounded in time, even under cancellation."""
        with trio.move_on_after(CLOSING, shield=True):
            for lane in lanes:
                if lane.owner is not None:
                    await lane.owner.aclose()

    def _open(self) -> _Lane:
        if self._transport is not None:
            # One lane for all requests: the transport manages its own connections.
            return _Lane(self._transport, None, math.inf)
        limits = httpx.Limits(max_connections=1, keepalive_expiry=IDLE)
        client = open_client(self._shared_ssl(), limits, http2=self._http2)
        proxy = client.proxy_for(self.base_url)
        return _Lane(client.transport_for(self.base_url), client, 1, proxy)

    def _shared_ssl(self) -> ssl.SSLContext:
        # Loading the certificates takes tens of milliseconds, so all lanes share a context.
        if self._ssl is None:
            self._ssl = ssl_context(is_needed=self.base_url.startswith("https:"))
        return self._ssl


def _check_http2(base_url: str, transport: httpx.AsyncBaseTransport | None) -> None:
    if transport is not None:
        raise ConfigurationError(
            "http2=True can't be used with a transport, which makes its own connections"
        )
    if not base_url.startswith("https:"):
        raise ConfigurationError("http2=True needs an https base_url: HTTP/2 is negotiated by TLS")
