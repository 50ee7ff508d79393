"""Sources of ids under asyncio: each runs in the loop it was given in, as everything there does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from typing import Generic, TypeVar

from legnext_stream._bridges.feed import Feed
from legnext_stream._bridges.sources import AT_ONCE, SLICE, copied, is_at_hand, refuse_trios
from legnext_stream._bridges.waiting_aio import running_loop
from legnext_stream.errors import NotTrioError, StreamClosedError

T = TypeVar("T")


def outward(
    items: Iterable[T] | AsyncIterable[T], *, at_once: int = AT_ONCE
) -> Iterable[T] | AsyncIterable[T]:
    """A source that the Trio side can take in.

    Raises:
        TypeError: It is a Trio channel.
        ConfigurationError: It comes one by one, and no loop is running that it could run in.
    """
    refuse_trios(items)
    if is_at_hand(items):
        at_hand: Iterable[T] = copied(items)
        return at_hand
    loop = running_loop("a source that is no collection")
    return _Pump(items, loop, at_once).feed.items()


class _Pump(Generic[T]):
    """Iterates a source in a task of the loop, never further than it was asked to."""

    def __init__(
        self,
        items: Iterable[T] | AsyncIterable[T],
        loop: asyncio.AbstractEventLoop,
        at_once: int,
    ) -> None:
        self.feed: Feed[T] = Feed(self._ask, self._stop, at_once=at_once)
        self._source = items
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._wanted = 0
        self._asked = asyncio.Event()
        self._ends_at = 0.0

    def _ask(self, count: int) -> None:
        if not self._post(lambda: self._begin(count)):
            self.feed.end(StreamClosedError("the event loop that the source runs in is closed"))

    def _stop(self) -> None:
        self._post(self._cancel)

    def _post(self, function: Callable[[], None]) -> bool:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)
            return True
        return False

    def _begin(self, count: int) -> None:
        self._wanted = count
        self._asked.set()
        if self._task is None:
            self._task = self._loop.create_task(self._work(), name="legnext_stream source")

    def _cancel(self) -> None:
        assert self._task is not None  # noqa: S101 - one asks before one stops
        self._task.cancel()

    async def _work(self) -> None:
        try:
            await self._iterate()
        except Exception as error:  # noqa: BLE001 - raised again, where the events are read
            self.feed.end(_told(error))
        except BaseException as error:
            self.feed.end(error)
            raise
        else:
            self.feed.end()

    async def _iterate(self) -> None:
        self._ends_at = time.monotonic() + SLICE
        if isinstance(self._source, AsyncIterable):
            try:
                async for item in self._source:
                    await self._hand_over(item)
            finally:
                # Only a generator is ours to close.
                if isinstance(self._source, AsyncGenerator):
                    await self._source.aclose()
        else:
            for item in self._source:
                await self._hand_over(item)

    async def _hand_over(self, item: T) -> None:
        self.feed.put(item)
        self._wanted -= 1
        if not self._wanted:
            self._asked.clear()
            await self._asked.wait()
        elif time.monotonic() >= self._ends_at:
            await asyncio.sleep(0)
        else:
            return
        self._ends_at = time.monotonic() + SLICE


def _told(error: Exception) -> Exception:
    """The error of a source; that it was written for Trio is said in so many words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    if isinstance(error, RuntimeError) and where.partition(".")[0] == "trio":
        told = NotTrioError(
            "the source awaits Trio, but runs under asyncio: have it await asyncio, or use legnext_stream itself on Trio"
        )
        told.__cause__ = error
        return told
    return error
