"""Calls from asyncio, or from outside an event loop, raise a clear error."""

from __future__ import annotations

import asyncio  # noqa: TID251 - it is what must be told apart
import sys
from collections.abc import Awaitable, Callable

import pytest

from legnext_stream import LegnextClient, LegnextError, NotTrioError, wait, watch
from legnext_stream._util.trio_only import require_trio
from tests.legnext_stream.support import KEY, URL


async def iterate() -> None:
    """`async for`."""
    async for _ in watch(["a"], api_key=KEY, base_url=URL):
        pass


async def enter() -> None:
    """`async with`."""
    async with watch(["a"], api_key=KEY, base_url=URL):
        pass


async def wait_for_one() -> None:
    """`await wait`."""
    await wait("a", api_key=KEY, base_url=URL)


async def open_client() -> None:
    """`async with LegnextClient`."""
    async with LegnextClient(KEY, URL):
        pass


@pytest.mark.parametrize("use", [iterate, enter, wait_for_one, open_client])
def test_from_asyncio(use: Callable[[], Awaitable[None]]) -> None:
    """The error says where it was called and what to do, without a traceback from inside Trio."""

    async def main() -> None:
        await use()

    with pytest.raises(
        NotTrioError, match=r"under asyncio; legnext_stream\.aio .*trio\.run\(main\)"
    ) as caught:
        asyncio.run(main())
    assert isinstance(caught.value, LegnextError)
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("use", [iterate, enter, wait_for_one, open_client])
def test_outside_an_event_loop(use: Callable[[], Awaitable[None]]) -> None:
    """A coroutine without an event loop raises it too."""
    steps = use().__await__()
    with pytest.raises(NotTrioError, match=r"outside an event loop; legnext_stream\.sync "):
        next(steps)


def test_without_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """It works if asyncio was never imported."""
    monkeypatch.delitem(sys.modules, "asyncio")
    with pytest.raises(NotTrioError, match="it was used outside an event loop"):
        require_trio("it")


async def test_in_trio() -> None:
    """There is no error."""
    require_trio("it")
