"""Lanes: each one HTTP connection of its own, opened as needed, and closed when long unused.

httpx's pool searches all its connections for each request, so a hundred of them in one pool are
slower than ten; a hundred pools of one connection each are not. Hence a lane is a pool with a single
connection, and the lane used last is used first, so that idle ones can be closed. And the request
goes straight to the pool: what a client does before and after (cookies, redirects, sign-in, hooks)
nobody wants here, and it takes a third of the time.
"""

from __future__ import annotations

import itertools
import math
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING

import httpx
import msgspec
import trio

from legnext_stream._core.answers import Answer, NoReply, Reply
from legnext_stream._http.http2 import prepare_http2
from legnext_stream._http.requests import Request, Writer, parse_base_url
from legnext_stream._http.responses import read_reply, reason_of
from legnext_stream._http.transports import Client, ssl_context
from legnext_stream.errors import ConfigurationError

if TYPE_CHECKING:
    from legnext_stream._http.files import Files

_CONNECT_TIMEOUT = 5.0
# How long an unused connection is kept, and how long closing one may take, seconds.
_IDLE = 30.0
_CLOSING = 1.0
_CLOSED_AT_ONCE = 10
# The most requests at once on one connection that speaks HTTP/2: what httpcore allows. How many there
# are makes no difference to what each costs, and few connections is what HTTP/2 is for.
_STREAMS = 100
# Whatever the network, or the host, may do.
_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
# The request never left this machine, so repeating it is safe whatever it would have done.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)


class _Lane(msgspec.Struct, eq=False):
    """One connection, and what is under way on it.

    Attributes:
        carrier: What carries its requests.
        owner: What is to be closed with it, or None.
        room: How many requests it takes at once.
        under_way: How many there are now.
        unused_since: When the last one ended.
        speaks_http2: Whether its last answer came by HTTP/2.
    """

    carrier: httpx.AsyncBaseTransport
    owner: httpx.AsyncClient | None
    room: float
    under_way: int = 0
    unused_since: float = 0.0
    speaks_http2: bool = False

    async def aclose(self) -> None:
        """Close the connection, if it is ours to close."""
        if self.owner is not None:
            await self.owner.aclose()


class Lanes:
    """All lanes to one host with one key. Opened as needed, closed when long unused, or at the end.

    Args:
        base_url: Where the API is; see `parse_base_url`.
        api_key: The key; it leaves this object only in its header.
        transport: What carries the requests instead of sockets, or None.
        request_timeout: How long one request may take once connected, seconds.
        http2: Whether to speak HTTP/2 where the host does, which takes https. Then a lane carries
            several requests at once.

    Raises:
        ConfigurationError: The base URL is none, or HTTP/2 can't be had.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        transport: httpx.AsyncBaseTransport | None,
        request_timeout: float,
        http2: bool = False,
    ) -> None:
        self.base_url: str = parse_base_url(base_url)
        self._errors: tuple[type[Exception], ...] = _ERRORS
        if http2:
            _check_http2(self.base_url, transport)
            self._errors = (*_ERRORS, prepare_http2())
        connect_timeout = min(_CONNECT_TIMEOUT, request_timeout)
        self._writer = Writer(
            self.base_url, api_key, httpx.Timeout(request_timeout, connect=connect_timeout)
        )
        self._request_timeout = request_timeout
        self._within = connect_timeout + request_timeout
        self._transport = transport
        self._http2 = http2
        self._ssl: ssl.SSLContext | None = None
        # The lanes that have room, the one that got it last at the end.
        self._free: list[_Lane] = []
        self._is_closed = False

    def fingerprint(self, salt: str) -> str:
        """A salted hash of the key, to tell one account from another."""
        return self._writer.fingerprint(salt)

    def files(self) -> Files:
        """What fetches files from other hosts, without the key; the caller closes it."""
        # Only who downloads pays for the import.
        from legnext_stream._http.files import Files, is_loopback  # noqa: PLC0415 - see above

        return Files(
            transport=self._transport,
            allow_loopback=is_loopback(httpx.URL(self.base_url).host),
            silence=self._request_timeout,
        )

    async def send(self, request: Request) -> Answer:
        """Send one request on a lane; whatever the network does comes back as a value."""
        sent_at = trio.current_time()
        was_sent = True
        reason, kind = f"no whole answer within {self._within:g} s", "timeout"
        lane = self._take()
        try:
            with trio.move_on_after(self._within):
                try:
                    return await self._exchange(lane, request, sent_at)
                except self._errors as error:
                    was_sent = not isinstance(error, _NEVER_SENT)
                    reason, kind = reason_of(error), type(error).__name__
        finally:
            await self._put_back(lane)  # noqa: ASYNC102 - it shields what it waits for
        said = f"{self.base_url} gave no answer: {reason}"
        return NoReply(said, sent_at, trio.current_time(), was_sent=was_sent, kind=kind)

    async def aclose(self) -> None:
        """Close all lanes, and the caller's transport. Bounded in time, also under cancellation."""
        self._is_closed = True
        # A lane that a task which outlives the client still uses closes when it comes back.
        unused = [lane for lane in self._free if not lane.under_way]
        self._free = [lane for lane in self._free if lane.under_way]
        await self._close(unused)
        if self._transport is not None:
            with trio.move_on_after(_CLOSING, shield=True):
                await self._transport.aclose()

    async def _exchange(self, lane: _Lane, request: Request, sent_at: float) -> Reply:
        response = await lane.carrier.handle_async_request(self._writer.write(request))
        lane.speaks_http2 = self._http2 and response.http_version == "HTTP/2"
        try:
            return await read_reply(response, sent_at)
        finally:
            if not response.is_closed:
                with trio.move_on_after(_CLOSING, shield=True):
                    await response.aclose()

    def _take(self) -> _Lane:
        """A lane for one more request: the one used last that has room, or a new one."""
        if not self._free:
            self._free.append(self._open())
        lane = self._free[-1]
        lane.under_way += 1
        if lane.under_way == lane.room:
            self._free.pop()
        return lane

    async def _put_back(self, lane: _Lane) -> None:
        """A request has ended. Never raises, and waits for nothing but the end of an old lane."""
        if lane.under_way == lane.room:
            self._free.append(lane)
        lane.under_way -= 1
        if lane.speaks_http2:
            # Only now, when it is among those that have room: so it can't be there twice. Should
            # it ever have to connect anew, and speak HTTP/1.1 then, its requests have to queue.
            lane.room = _STREAMS
        lane.unused_since = trio.current_time()
        if self._is_closed:
            if not lane.under_way:
                self._free.remove(lane)
                await self._close([lane])
        elif self._is_old(self._free[0]):
            # The bottom of the stack is what has been unused the longest. A few at a time, for
            # somebody is waiting for the answer that this request has got.
            old = list(itertools.takewhile(self._is_old, self._free[:_CLOSED_AT_ONCE]))
            del self._free[: len(old)]
            await self._close(old)

    def _is_old(self, lane: _Lane) -> bool:
        return not lane.under_way and trio.current_time() - lane.unused_since > _IDLE

    async def _close(self, lanes: Iterable[_Lane]) -> None:
        """Close lanes. Bounded in time, also under cancellation."""
        with trio.move_on_after(_CLOSING, shield=True):
            for lane in lanes:
                await lane.aclose()

    def _open(self) -> _Lane:
        if self._transport is not None:
            # The caller's transport is one lane for all; how many connections it has is its affair.
            return _Lane(self._transport, None, math.inf)
        client = Client(
            verify=self._shared_ssl(),
            http2=self._http2,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=_IDLE),
        )
        return _Lane(client.carrier(self.base_url), client, 1)

    def _shared_ssl(self) -> ssl.SSLContext:
        # Loading the certificates takes tens of milliseconds, so all lanes share one context.
        if self._ssl is None:
            self._ssl = ssl_context(is_needed=self.base_url.startswith("https:"))
        return self._ssl


def _check_http2(base_url: str, transport: httpx.AsyncBaseTransport | None) -> None:
    if transport is not None:
        raise ConfigurationError("http2=True says how to connect, but a transport was given")
    if not base_url.startswith("https:"):
        raise ConfigurationError("http2=True takes https: over plain http it can't be agreed on")
