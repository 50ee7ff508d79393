"""Helpers for the tests of the mock server."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import httpx
import trio.testing

from mockserver._virtual import run_virtual

if TYPE_CHECKING:
    from mockserver import MockLegnext


def client_of(mock: MockLegnext, **options: Any) -> httpx.AsyncClient:  # noqa: ANN401 - httpx's own
    """A client that is connected to `mock` in memory, with an accepted key."""
    options.setdefault("headers", {"x-api-key": "key"})
    options.setdefault("transport", mock.transport())
    return httpx.AsyncClient(base_url="https://api.legnext.ai", **options)


class Wire:
    """The client's end of a connection, byte for byte."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def send(self, text: str) -> None:
        """Send a text whose line ends are newlines."""
        await self._stream.send_all(text.replace("\n", "\r\n").encode())

    async def receive(self) -> str:
        """Receive the next bytes, with newlines as line ends."""
        return bytes(await self._stream.receive_some(65536)).decode().replace("\r\n", "\n")

    async def receive_all(self) -> str:
        """Receive everything until the server closes."""
        text = ""
        while part := await self.receive():
            text += part
        return text

    async def close(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


POST = "/api/v1/diffusion"
"""The path of the simplest submit."""


def in_virtual_time(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test under `run_virtual`, with its own clock."""

    @functools.wraps(test)
    def run(**arguments: object) -> None:
        run_virtual(functools.partial(test, **arguments))

    return run
