"""An httpx transport that calls the application itself, without HTTP/1.1 in between.

It takes a third of the time of the transport over streams. The application can't tell the two apart,
except that there is no connection that it could have fail.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import httpx
import trio

from mockserver._api.files import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Message, Scope

_ADDRESS = (IN_MEMORY, 0)


class DirectTransport(httpx.AsyncBaseTransport):
    """Answers the requests of any number of httpx clients by an application in the same Trio run.

    A task serves one request after the other, as that of a connection does, so that what happens at
    the same moment happens in the same order. The last idle task comes first, and new ones are
    started as needed. Closing ends the idle tasks; the transport can still be used.

    An exception of the application goes to `on_crash`, and is answered 500 unless the application has
    answered before it.
    """

    def __init__(self, app: ASGIApp, on_crash: Callable[[Exception], None]) -> None:
        self._app = app
        self._on_crash = on_crash
        self._idle: list[trio.MemorySendChannel[_Exchange]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and wait for the whole answer.

        Raises:
            httpx.ReadTimeout: The answer took longer than the request's timeout.
        """
        exchange = _Exchange(_scope_of(request), await request.aread())
        if self._idle:
            server = self._idle.pop()
        else:
            server, requests = trio.open_memory_channel[_Exchange](1)
            trio.lowlevel.spawn_system_task(self._serve, requests)
        server.send_nowait(exchange)
        patience: float | None = request.extensions.get("timeout", {}).get("read")
        try:
            with trio.fail_after(math.inf if patience is None else patience):
                await exchange.ended.wait()
        except trio.TooSlowError as error:
            raise httpx.ReadTimeout("the answer took too long", request=request) from error
        finally:
            if not exchange.ended.is_set():
                # Like a server, the application goes on with its work when the client has left.
                server.close()
        body = b"" if request.method == "HEAD" else b"".join(exchange.parts)
        stream = _Body(body, partial(self._idle.append, server))
        return httpx.Response(exchange.status, headers=exchange.headers, stream=stream)

    async def _serve(self, requests: trio.MemoryReceiveChannel[_Exchange]) -> None:
        async for exchange in requests:
            try:
                await self._app(exchange.scope, exchange.receive, exchange.send)
            except Exception as error:  # noqa: BLE001 - any bug, which is reported
                self._on_crash(error)
            finally:
                exchange.ended.set()

    async def aclose(self) -> None:
        """End the idle tasks."""
        while self._idle:
            self._idle.pop().close()


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it makes its task idle, as it would a connection."""

    def __init__(self, body: bytes, on_close: Callable[[], None]) -> None:
        self._body = body
        self._on_close = on_close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body

    async def aclose(self) -> None:
        # httpx calls this once, however often the response is closed.
        self._on_close()


class _Exchange:
    """One request with this body, and its answer."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.scope = scope
        self._body: bytes | None = body
        self.status: int = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.ended: trio.Event = trio.Event()

    async def receive(self) -> Message:
        """The next message to the application: the body, then that the client has left."""
        body, self._body = self._body, None
        if body is None:
            await self.ended.wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take the next message from the application."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", [])
            return
        self.parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            self.ended.set()


def _scope_of(request: httpx.Request) -> Scope:
    raw_path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "scheme": "http",
        "root_path": "",
        "client": _ADDRESS,
        "server": _ADDRESS,
        "http_version": "1.1",
        "method": request.method,
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "extensions": {},
    }
