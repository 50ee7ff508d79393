"""The receivers of webhooks: functions and applications in this process, and servers.

Each is called as a `Receiver`: with a request, and returns the status of its answer.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import httpx
import msgspec

from mockserver._serving.network import MemoryBackend, MemoryTransport, serve_connection

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# An answer that is at most this long by its header, in bytes, is read to its end: closing a connection
# to a server that is still writing would give it an error.
_READ: Final = 65536
_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen
class WebhookRequest:
    """A webhook as its receiver gets it.

    Attributes:
        at: When it was sent, in seconds since the world's start.
        url: The URL that it was sent to.
        headers: Its header fields; the case of names doesn't matter.
        body: Its body.
    """

    at: float
    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - as various as JSON
        """The body, decoded from JSON."""
        return msgspec.json.decode(self.body)


Handler: TypeAlias = Callable[[WebhookRequest], "Awaitable[int | None] | int | None"]
"""Receives webhooks in this process; returns the status of its answer, or None for 200."""
Receiver: TypeAlias = Callable[[WebhookRequest], Awaitable[int]]
"""Receives a webhook, and returns the status of its answer."""
OnCrash: TypeAlias = Callable[[Exception], None]


class ReceiverError(Exception):
    """A handler raised an exception, which is the cause."""


async def call(handler: Handler, on_crash: OnCrash, request: WebhookRequest) -> int:
    """Call a handler; its exception goes to `on_crash`, and is raised as a `ReceiverError`."""
    try:
        answer: object = handler(request)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is None:
            return 200
        if not isinstance(answer, int) or isinstance(answer, bool):
            raise TypeError(f"a receiver of webhooks returns a status or None, not {answer!r}")  # noqa: TRY301 - reported as the handler's own errors are
    except Exception as error:
        error.add_note(f"in the receiver of webhooks to {request.url}")
        on_crash(error)
        raise ReceiverError(f"{type(error).__name__}: {error}") from error
    return answer


async def post(
    open_transport: Callable[[], httpx.AsyncBaseTransport], request: WebhookRequest
) -> int:
    """Send a request over HTTP.

    It uses a bare transport, which follows no redirects and uses no proxies or cookies.
    """
    async with open_transport() as transport:
        response = await transport.handle_async_request(
            httpx.Request("POST", request.url, headers=request.headers, content=request.body)
        )
        async with contextlib.aclosing(response):
            if int(response.headers.get("content-length", _READ + 1)) <= _READ:
                await response.aread()
    return response.status_code


async def post_to_server(request: WebhookRequest) -> int:
    """Send a request to the server behind its URL."""
    # Loading the certificates is slow, and only https needs them.
    is_secure = request.url.lower().startswith("https:")
    return await post(partial(httpx.AsyncHTTPTransport, verify=is_secure, trust_env=False), request)


@attrs.frozen
class _Place:
    """A URL, and the receiver of what is sent to it or below it."""

    url: httpx.URL
    receiver: Receiver

    def covers(self, url: httpx.URL) -> bool:
        below = f"{self.url.path.rstrip('/')}/"
        return _origin(self.url) == _origin(url) and f"{url.path}/".startswith(below)


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or _PORTS.get(url.scheme)


class Receivers:
    """The receivers in this process, by URL.

    Each receives what is sent to its URL or below it, with any query. Of several that fit, the one
    with the longest path counts, and of equal ones the last that was added.
    """

    def __init__(self, on_crash: OnCrash) -> None:
        self._on_crash = on_crash
        self._places: list[_Place] = []

    def add_handler(self, url: str, handler: Handler) -> None:
        """Add a function for a URL."""
        self._add(url, partial(call, handler, self._on_crash))

    def add_app(self, url: str, app: ASGIApp) -> None:
        """Add an ASGI application for a URL, called over HTTP in memory."""
        backend = MemoryBackend(partial(serve_connection, app, on_crash=self._on_crash))
        self._add(url, partial(post, partial(MemoryTransport, backend)))

    def _add(self, url: str, receiver: Receiver) -> None:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(f"{url!r} is not a URL: {error}") from error
        if not (parsed.scheme and parsed.host):
            raise ValueError(f"{url!r} is not a URL with a scheme and a host")
        self._places.append(_Place(parsed, receiver))

    def find(self, url: str) -> Receiver | None:
        """The receiver of what is sent to a URL; None if there is none in this process."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            return None
        covering = [place for place in reversed(self._places) if place.covers(parsed)]
        # `max` returns the first of equal ones, which was added last.
        best = max(covering, key=lambda place: len(place.url.path), default=None)
        return None if best is None else best.receiver
