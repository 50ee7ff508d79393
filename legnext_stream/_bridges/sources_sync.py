"""Iterables of synchronous code: each runs in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import AsyncIterable, Iterable
from typing import Generic, TypeVar

from legnext_stream._bridges.feed import BATCH, Feed, prepared

T = TypeVar("T")


def for_trio(items: Iterable[T], *, batch: int = BATCH) -> Iterable[T] | AsyncIterable[T]:
    """Make of what the caller gives what the Trio side can iterate over, `batch` items at a time."""

    def run() -> AsyncIterable[T]:
        if not hasattr(items, "__iter__"):
            msg = f"legnext_stream.sync takes plain iterables, not the async {type(items).__name__}"
            raise TypeError(msg)
        return _ThreadSource(items, batch).feed.items()

    found: Iterable[T] | AsyncIterable[T] = prepared(items, run)
    return found


class _ThreadSource(Generic[T]):
    """Runs an iterator in a thread of its own, and no further than it is asked for.

    It can't run in Trio's thread, which must not block. Nor can it run in the thread that reads the
    events: an iterator that waits, for example for a queue of new ids, would delay events that are
    there.
    """

    def __init__(self, items: Iterable[T], batch: int) -> None:
        self.feed: Feed[T] = Feed(self._ask, self._stop, batch=batch)
        self._source = items
        self._wanted: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._has_begun = False
        self._is_over = False

    def _ask(self, count: int) -> None:
        if not self._has_begun:
            self._has_begun = True
            # A daemon: it may wait for its next item forever, and the program must end all the same.
            threading.Thread(target=self._work, name="legnext_stream source", daemon=True).start()
        self._wanted.put(count)

    def _stop(self) -> None:
        self._is_over = True
        self._wanted.put(0)

    def _work(self) -> None:
        try:
            wanted = self._wanted.get()
            for item in self._source:
                self.feed.put(item)
                wanted = wanted - 1 or self._wanted.get()
                if self._is_over:
                    return
            self.feed.end()
        except BaseException as error:  # noqa: BLE001, ASYNC103 - raised again, where the events are read
            self.feed.end(error)
