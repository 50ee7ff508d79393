"""Who takes webhooks: functions and applications in this process, and servers behind URLs.

Each of them is a `Receiver` in the end: it is given a request, and gives the status of its answer.
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

# An answer that says it is no longer than this, in bytes, is read to its end, as a courtesy: who
# hangs up on a server that is still writing shows it an error.
_READ: Final = 65536
_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen
class WebhookRequest:
    """A webhook as its receiver gets it.

    Attributes:
        at: When it was sent, in seconds since the world's start.
        url: Where it went.
        headers: Its headers, by name in any case.
        body: Its body, byte for byte.
    """

    at: float
    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - as various as JSON
        """What the body says."""
        return msgspec.json.decode(self.body)


Handler: TypeAlias = Callable[[WebhookRequest], "Awaitable[int | None] | int | None"]
"""Takes webhooks in this process; returns the status of its answer, or None for 200."""
Receiver: TypeAlias = Callable[[WebhookRequest], Awaitable[int]]
"""Takes a webhook, and gives the status of the answer."""
OnCrash: TypeAlias = Callable[[Exception], None]


class ReceiverError(Exception):
    """A function that takes webhooks raised; what it raised is the cause."""


async def call(handler: Handler, on_crash: OnCrash, request: WebhookRequest) -> int:
    """Give a request to a function.

    Raises:
        ReceiverError: The function raised, which `on_crash` has been told of.
    """
    try:
        answer: object = handler(request)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is None:
            return 200
        if not isinstance(answer, int) or isinstance(answer, bool):
            raise TypeError(f"a receiver of webhooks returns a status or None, not {answer!r}")  # noqa: TRY301 - told of like the function's own errors
    except Exception as error:
        error.add_note(f"in the receiver of webhooks to {request.url}")
        on_crash(error)
        raise ReceiverError(f"{type(error).__name__}: {error}") from error
    return answer


async def post(
    open_transport: Callable[[], httpx.AsyncBaseTransport], request: WebhookRequest
) -> int:
    """Send a request by HTTP.

    A bare transport follows no redirect, knows no proxy and keeps no cookie.

    Raises:
        httpx.RequestError: There is no answer.
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
    """Send a request to the server behind its URL.

    Raises:
        httpx.RequestError: There is no answer.
    """
    # Loading the certificates takes a while, and only https needs them.
    is_secure = request.url.lower().startswith("https:")
    return await post(partial(httpx.AsyncHTTPTransport, verify=is_secure, trust_env=False), request)


@attrs.frozen
class _Place:
    """A URL, and whoever takes what is sent there or below."""

    url: httpx.URL
    receiver: Receiver

    def covers(self, url: httpx.URL) -> bool:
        below = f"{self.url.path.rstrip('/')}/"
        return _origin(self.url) == _origin(url) and f"{url.path}/".startswith(below)


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or _PORTS.get(url.scheme)


class Receivers:
    """The receivers in this process, by URL.

    Each takes what is sent to its URL or below it, with any query; of several, the one whose path
    is the longest, and of the same path, the last that was added.

    Args:
        on_crash: Told of what goes wrong in them.
    """

    def __init__(self, on_crash: OnCrash) -> None:
        self._on_crash = on_crash
        self._places: list[_Place] = []

    def add_handler(self, url: str, handler: Handler) -> None:
        """Have a function take what is sent to a URL.

        Raises:
            ValueError: It is no URL.
        """
        self._add(url, partial(call, handler, self._on_crash))

    def add_app(self, url: str, app: ASGIApp) -> None:
        """Have an ASGI application take what is sent to a URL, over HTTP in memory.

        Raises:
            ValueError: It is no URL.
        """
        backend = MemoryBackend(partial(serve_connection, app, on_crash=self._on_crash))
        self._add(url, partial(post, partial(MemoryTransport, backend)))

    def _add(self, url: str, receiver: Receiver) -> None:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(f"{url!r} is no URL: {error}") from error
        if not (parsed.scheme and parsed.host):
            raise ValueError(f"{url!r} is no URL with a scheme and a host")
        self._places.append(_Place(parsed, receiver))

    def find(self, url: str) -> Receiver | None:
        """Who takes what is sent to a URL; None if nobody here does."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            return None
        covering = [place for place in reversed(self._places) if place.covers(parsed)]
        # The first of several that are equally long, which is the one that was added last.
        best = max(covering, key=lambda place: len(place.url.path), default=None)
        return None if best is None else best.receiver
