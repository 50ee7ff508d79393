"""What a caller gives to be taken in, an iterable or an async iterable, item by item."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeVar

import trio

from legnext_stream._util.slices import Slices

_T = TypeVar("_T")


async def take_in(
    source: Iterable[_T] | AsyncIterable[_T], take: Callable[[_T], Awaitable[None]]
) -> None:
    """Have each item taken, as they come, in slices."""
    # An async iterable too may have all its items at hand, and never wait for one.
    slices = Slices()
    if isinstance(source, AsyncIterable):
        try:
            async for item in source:
                await take(item)
                await slices.done_one()
        finally:
            # Only a generator is ours to close; a channel is its owner's.
            if isinstance(source, AsyncGenerator):
                with trio.move_on_after(1, shield=True):
                    await source.aclose()
    else:
        for item in source:
            await take(item)
            await slices.done_one()
