"""Jobs with callbacks, and a server in raw bytes, for tests of webhooks."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import trio

from mockserver import MockLegnext, Script, WebhookSettings

HOOK = "https://example.org/hook"
"""Where the tests' messages go, unless they go over a socket."""
LIFE = Script([("pending", 2), ("processing", 30), "completed"])
"""A job's life, which ends after 32 seconds."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
"""What a receiver on a socket answers when all is well."""


def mock_of(**settings: Any) -> MockLegnext:  # noqa: ANN401 - as various as they are
    """A mock with these settings of webhooks."""
    return MockLegnext(webhooks=WebhookSettings(**settings))


def add_job(mock: MockLegnext, callback: str = HOOK, life: Script | None = LIFE) -> str:
    """Add a job with a callback to a mock, now, and return its id."""
    return mock.add_job(life, callback=callback)


@contextlib.asynccontextmanager
async def socket_server(
    answer: bytes | Callable[[trio.SocketStream], Awaitable[None]],
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives every request the same bytes for an answer, and hangs up.

    Yields:
        Its URL, and the requests it has had so far, byte for byte.
    """
    requests: list[bytes] = []

    async def handle(stream: trio.SocketStream) -> None:
        request = b""
        while not request.endswith(b"}"):  # All bodies are JSON objects.
            request += await stream.receive_some()
        requests.append(request)
        if isinstance(answer, bytes):
            await stream.send_all(answer)
        else:
            await answer(stream)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, handle, listeners)
        port = listeners[0].socket.getsockname()[1]
        yield f"http://127.0.0.1:{port}/hook", requests
        nursery.cancel_scope.cancel()
