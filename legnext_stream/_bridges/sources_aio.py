"""Iterables and async iterables under asyncio: each runs in the event loop in which it was given."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from typing import Final, Generic, TypeVar

from legnext_stream._bridges.feed import BATCH, Feed, prepared
from legnext_stream._bridges.waiting_aio import running_loop
from legnext_stream.errors import NotTrioError, StreamClosedError

T = TypeVar("T")

SLICE: Final = 0.005
"""How long a source that never waits may keep the event loop from other tasks, seconds."""


def for_trio(
    items: Iterable[T] | AsyncIterable[T], *, batch: int = BATCH
) -> Iterable[T] | AsyncIterable[T]:
    """Make of what the caller gives what the Trio side can iterate over, `batch` items at a time."""

    def run() -> AsyncIterable[T]:
        loop = running_loop("an iterable that is not a collection")
        return _LoopSource(items, loop, batch).feed.items()

    found: Iterable[T] | AsyncIterable[T] = prepared(items, run)
    return found


class _LoopSource(Generic[T]):
    """Runs an iterator in a task of the event loop, and no further than it is asked for."""

    def __init__(
        self,
        items: Iterable[T] | AsyncIterable[T],
        loop: asyncio.AbstractEventLoop,
        batch: int,
    ) -> None:
        self.feed: Feed[T] = Feed(self._ask, self._stop, batch=batch)
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
        assert self._task is not None  # noqa: S101 - `_ask` comes before `_stop`
        self._task.cancel()

    async def _work(self) -> None:
        try:
            await self._iterate()
        except Exception as error:  # noqa: BLE001 - raised again, where the events are read
            self.feed.end(_explained(error))
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
                    await self._put(item)
            finally:
                # A generator is closed; other iterators belong to the caller.
                if isinstance(self._source, AsyncGenerator):
                    await self._source.aclose()
        else:
            for item in self._source:
                await self._put(item)

    async def _put(self, item: T) -> None:
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


def _explained(error: Exception) -> Exception:
    """Return the error of a source, or one that says that the source is written for Trio."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    if isinstance(error, RuntimeError) and where.partition(".")[0] == "trio":
        explained = NotTrioError(
            "the source awaits Trio, but runs under asyncio: have it await asyncio, or use legnext_stream itself on Trio"
        )
        explained.__cause__ = error
        return explained
    return error
