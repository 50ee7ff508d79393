"""Recording a program's traffic: a server that forwards requests, and records them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, StreamingResponse

from mockserver._cli.serving import CantServeError, complain
from mockserver._cli.settings import UsageError
from mockserver._faults import Faults
from mockserver._replay import Recorder
from mockserver._serving.clocks import WorldClock
from mockserver._serving.network.acceptor import Door
from mockserver._serving.network.sockets import serve_app

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

# Fields of one connection (RFC 9110, section 7.6.1), and those that each of the two connections sets
# by itself.
_OF_THE_CONNECTION: Final = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "host", "content-length"),
    }
)
# How long the other server may take for each step, in seconds: longer than clients usually wait.
_PATIENCE: Final = 300.0


def _forwarded(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [
        (name, value)
        for name, value in headers
        if name.decode("latin-1").lower() not in _OF_THE_CONNECTION
    ]


class Forwarder:
    """An ASGI application that forwards requests to another server."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        try:
            content = await Request(scope, receive).body()
        except ClientDisconnect:
            return  # The request is incomplete.
        # Not joined by httpx, so that no target, absolute or relative, leads to another host.
        base = self._client.base_url
        target: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        target = base.raw_path.rstrip(b"/") + b"/" + target.partition(b"?")[0].lstrip(b"/")
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        url = base.copy_with(raw_path=target)
        request = self._client.build_request(scope["method"], url, content=content)
        request.headers = httpx.Headers(
            [
                *_forwarded(scope["headers"]),
                *(
                    (k, v)
                    for k, v in request.headers.raw
                    if k.lower() in {b"host", b"content-length"}
                ),
            ]
        )
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            reason = f"{self._client.base_url.host}: {type(error).__name__}: {error}"
            await PlainTextResponse(reason, 502)(scope, receive, send)
            return
        try:
            # The raw bytes, so a compressed body stays compressed.
            response = StreamingResponse(answer.aiter_raw(), answer.status_code)
            response.raw_headers = _forwarded(answer.headers.raw)
            await response(scope, receive, send)
        finally:
            await answer.aclose()


def _report(error: Exception) -> None:
    complain(f"a request could not be forwarded: {error!r}")


def recording(file: Path, upstream: str) -> Callable[[str, int], AbstractAsyncContextManager[str]]:
    """Make a function that serves on a host and a port, forwards requests, and records them.

    Raises:
        UsageError: `upstream` isn't a URL.
    """
    try:
        url = httpx.URL(upstream)
    except httpx.InvalidURL as error:
        raise UsageError(f"--upstream {upstream}: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise UsageError(f"--upstream must be a URL like https://api.legnext.ai, not {upstream!r}")

    @asynccontextmanager
    async def serve(host: str, port: int) -> AsyncIterator[str]:
        try:
            transport = Recorder(file)
        except OSError as error:
            raise CantServeError(f"can't write {file}: {error.strerror}") from error
        nothing_refused = Door(Faults(), WorldClock(time.monotonic, 1.0), knows_requests=True)
        async with (
            httpx.AsyncClient(transport=transport, base_url=url, timeout=_PATIENCE) as client,
            serve_app(
                Forwarder(client), host, port, on_crash=_report, door=nothing_refused
            ) as listening,
        ):
            yield listening

    return serve
