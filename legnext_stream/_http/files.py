"""Downloads of files by HTTP: a job's results, streamed from any host.

They don't use lanes, because the hosts must never see the key and the bodies may be long. Connections
are shared by all hosts and kept for a while. A few redirects are followed; each URL is checked as the
first one is.
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
from legnext_stream._http.causes import no_reply
from legnext_stream._http.responses import leave, read_headers
from legnext_stream._http.transports import (
    CLOSING,
    CONNECT_TIMEOUT,
    IDLE,
    Client,
    is_port,
    open_client,
    ssl_context,
)
from legnext_stream._version import __version__

Sink = Callable[[bytes], Awaitable[bool]]
"""Takes a chunk of a body; returns whether it wants more."""

Begin = Callable[[Reply], Awaitable[Sink | None]]
"""Takes the head of a response (its content is empty); returns where the body goes, if anywhere."""

_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_URL = 8192
_ERRORS = (httpx.HTTPError, httpx.StreamError)


class RefusedUrlError(Exception):
    """A URL that is never requested; the message says why, and doesn't show its query."""


class Files:
    """Downloads files. Has no API key, and keeps no cookies.

    A transport sends the requests instead of sockets; the caller closes it. Plain http to this
    machine is only allowed if the API itself is a mock server on it (`allow_loopback`): otherwise a
    job could make us call this machine's own services. A host may send nothing for `silence`
    seconds.
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
        timeout = httpx.Timeout(silence, connect=min(CONNECT_TIMEOUT, silence))
        self._extensions = {"timeout": timeout.as_dict()}
        # By scheme.
        self._clients: dict[str, Client] = {}

    async def get(self, url: str, headers: Mapping[str, str], begin: Begin) -> Reply | NoReply:
        """Request a file once, and pass on its body chunk by chunk.

        `begin` is called with the head of the response, after all redirects. What it raises, or the
        sink that it returns, is raised here. Returns the response without its content, after the
        whole body has arrived or `begin` has declined it; or a `NoReply` if there was no complete
        response.

        Raises:
            RefusedUrlError: The URL, or one that it redirects to, is not allowed.
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
            proxy, wanted = self._proxy_for(place), "complete answer"
            return no_reply(place.host, error, sent_at, proxy=proxy, wanted=wanted)
        raise RefusedUrlError(f"more than {_MOST_REDIRECTS} redirects")

    async def aclose(self) -> None:
        """Close all connections. Bounded in time, even under cancellation."""
        clients, self._clients = list(self._clients.values()), {}
        with trio.move_on_after(CLOSING, shield=True):
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
                # Uncompressed, so that lengths and ranges are those of the file.
                "accept-encoding": "identity",
                **headers,
            },
            extensions=self._extensions,
        )
        response = await self._transport_for(place).handle_async_request(request)
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
                with trio.move_on_after(CLOSING, shield=True):
                    await response.aclose()

    def _proxy_for(self, url: httpx.URL) -> str | None:
        client = self._clients.get(url.scheme)
        return None if client is None else client.proxy_for(url)

    def _redirected(self, place: httpx.URL, location: str) -> httpx.URL:
        try:
            url = str(place.join(location)) if location else ""
        except httpx.InvalidURL:
            url = ""
        if not url:
            raise RefusedUrlError("it redirects without a valid location")
        try:
            return parse_file_url(url, allow_loopback=self._allow_loopback)
        except RefusedUrlError as refused:
            raise RefusedUrlError(f"it redirects to a URL that is refused: {refused}") from None

    def _transport_for(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        if self._transport is not None:
            return self._transport
        client = self._clients.get(url.scheme)
        if client is None:
            # The caller limits the number of concurrent downloads.
            limits = httpx.Limits(keepalive_expiry=IDLE)
            context = ssl_context(is_needed=url.scheme == "https")
            client = self._clients[url.scheme] = open_client(context, limits)
        return client.transport_for(url)


def parse_file_url(text: str, *, allow_loopback: bool) -> httpx.URL:
    """The URL of a file, if requests to it are allowed.

    It is parsed by httpx, which will also connect, so that the check and the connection agree.

    Raises:
        RefusedUrlError: It is neither https, nor plain http to this machine where that is allowed; or
            it contains a user; or it has no host.
    """
    if len(text) > _LONGEST_URL:
        raise RefusedUrlError(f"its URL has more than {_LONGEST_URL:,} characters")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise RefusedUrlError(f"its URL is invalid: {error}") from None
    if url.userinfo:
        raise RefusedUrlError("its URL contains a user")
    if not url.host:
        raise RefusedUrlError("its URL has no host")
    if not is_port(url.port):
        raise RefusedUrlError("its URL has an invalid port")
    if url.scheme == "https" or (url.scheme == "http" and allow_loopback and is_loopback(url.host)):
        return url
    raise RefusedUrlError(f"its URL is not https, but {without_query(text)[:200]}")


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


async def _receive(response: httpx.Response, sink: Sink) -> None:
    """Pass on a body."""
    # A transport without a network may return a response that was read already.
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
