"""Files by HTTP: a job's results, from whatever host they lie on, streamed.

Beside the lanes, not on them: another host is asked, which must never see the key, and what comes
may be long. Connections are shared by all hosts and kept for a while; redirects are followed by
hand, a few, each looked at as the first URL is.
"""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping

import httpx
import trio

from legnext_stream._core.answers import NoReply, Reply
from legnext_stream._core.results.urls import without_query
from legnext_stream._http.responses import leave, read_headers, reason_of
from legnext_stream._http.transports import Client, ssl_context
from legnext_stream._version import __version__

Sink = Callable[[bytes], Awaitable[bool]]
"""Takes a piece of a body, and says whether it wants more."""

Begin = Callable[[Reply], Awaitable[Sink | None]]
"""Is given the head of an answer (its content is empty), and says where the body goes, if anywhere."""

_CONNECT_TIMEOUT = 5.0
# How long an unused connection is kept, and how long closing one may take, seconds.
_IDLE = 30.0
_CLOSING = 1.0
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_URL = 8192
_ERRORS = (httpx.HTTPError, httpx.StreamError)


class RefusedUrlError(Exception):
    """A URL that is never asked for; the message says why, and shows no query."""


class Files:
    """Fetches files. Knows no API key, and keeps no cookies.

    Args:
        transport: What carries the requests instead of sockets, or None. It stays its owner's to
            close.
        allow_loopback: Whether plain http is let pass to this machine, as where the API itself is a
            mock on it. Else a job's answer could have this machine's own services asked.
        silence: How long a host may send nothing, seconds.
    """

    def __init__(
        self,
        *,
        transport: httpx.AsyncBaseTransport | None,
        allow_loopback: bool,
        silence: float,
    ) -> None:
        self._transport = transport
        self._allow_loopback = allow_loopback
        timeout = httpx.Timeout(silence, connect=min(_CONNECT_TIMEOUT, silence))
        self._extensions = {"timeout": timeout.as_dict()}
        # By scheme; opened as needed.
        self._clients: dict[str, Client] = {}

    async def get(self, url: str, headers: Mapping[str, str], begin: Begin) -> Reply | NoReply:
        """Ask for a file once, and hand on what comes, piece by piece.

        Args:
            url: Where it is.
            headers: Further headers.
            begin: Is told of the answer's head, behind all redirects. What it, or the sink that it
                returns, raises comes out of here.

        Returns:
            The answer, its content left out, once its whole body has come or `begin` has declined it;
            or that there was none, or none to its end.

        Raises:
            RefusedUrlError: The URL, or one that it redirects to, is none that is asked for.
        """
        sent_at = trio.current_time()
        place = parse_file_url(url, allow_loopback=self._allow_loopback)
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                reply = await self._exchange(place, headers, begin)
                if reply.status_code not in _REDIRECTS:
                    return reply
                place = self._redirected(place, reply.headers.get("location", ""))
        except _ERRORS as error:
            said = f"{place.host} gave no whole answer: {reason_of(error)}"
            return NoReply(said, sent_at, trio.current_time())
        raise RefusedUrlError(f"more than {_MOST_REDIRECTS} redirects")

    async def aclose(self) -> None:
        """Close all connections. Bounded in time, also under cancellation."""
        clients, self._clients = list(self._clients.values()), {}
        with trio.move_on_after(_CLOSING, shield=True):
            for client in clients:
                await client.aclose()

    async def _exchange(self, place: httpx.URL, headers: Mapping[str, str], begin: Begin) -> Reply:
        sent_at = trio.current_time()
        request = httpx.Request(
            "GET",
            place,
            headers={
                "user-agent": f"legnext-stream/{__version__}",
                "accept": "image/*, video/*",
                # As they are, so that lengths and ranges are those of the file.
                "accept-encoding": "identity",
                **headers,
            },
            extensions=self._extensions,
        )
        response = await self._carrier(place).handle_async_request(request)
        try:
            reply = Reply(
                response.status_code,
                read_headers(response),
                b"",
                sent_at,
                trio.current_time(),
                time.time(),
            )
            if reply.status_code not in _REDIRECTS:
                sink = await begin(reply)
                if sink is not None:
                    await _receive(response, sink)
            return reply
        finally:
            if not response.is_closed:
                with trio.move_on_after(_CLOSING, shield=True):
                    await response.aclose()

    def _redirected(self, place: httpx.URL, location: str) -> httpx.URL:
        try:
            url = str(place.join(location)) if location else ""
        except httpx.InvalidURL:
            url = ""
        if not url:
            raise RefusedUrlError("it redirects to nowhere")
        try:
            return parse_file_url(url, allow_loopback=self._allow_loopback)
        except RefusedUrlError as refused:
            raise RefusedUrlError(f"it redirects to where {refused}") from None

    def _carrier(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        if self._transport is not None:
            return self._transport
        client = self._clients.get(url.scheme)
        if client is None:
            # How many there are at once is decided by who asks.
            limits = httpx.Limits(keepalive_expiry=_IDLE)
            context = ssl_context(is_needed=url.scheme == "https")
            client = self._clients[url.scheme] = Client(verify=context, limits=limits)
        return client.carrier(url)


def parse_file_url(text: str, *, allow_loopback: bool) -> httpx.URL:
    """The URL of a file, if it is one that may be asked for.

    It is taken apart by what will also connect, so that the two can't read it differently.

    Raises:
        RefusedUrlError: It is neither https, nor plain http to this machine where that is allowed; or
            has a user in it; or is no URL of a host at all.
    """
    if len(text) > _LONGEST_URL:
        raise RefusedUrlError(f"its URL has more than {_LONGEST_URL:,} characters")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise RefusedUrlError(f"its URL is none: {error}") from None
    if url.userinfo:
        raise RefusedUrlError("its URL has a user in it")
    if not url.host:
        raise RefusedUrlError("its URL names no host")
    if url.port is not None and not 0 < url.port < 65536:
        raise RefusedUrlError("its URL has a port that can't be")
    if url.scheme == "https" or (url.scheme == "http" and allow_loopback and is_loopback(url.host)):
        return url
    raise RefusedUrlError(f"its URL is not https, but {without_query(text)[:200]}")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


async def _receive(response: httpx.Response, sink: Sink) -> None:
    """Hand on a body."""
    # A transport without a network may hand over an answer that has been read.
    if response.is_stream_consumed:
        await sink(response.content)
        return
    body = response.aiter_raw()
    async for chunk in body:
        wants_more = False
        try:
            wants_more = await sink(chunk)
        finally:
            if not wants_more:
                with contextlib.suppress(*_ERRORS):
                    await leave(body)  # noqa: ASYNC102 - it waits for nothing
