"""Iterators as sources, from plain code: each runs in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import AsyncIterable, Iterable
from typing import Generic, TypeVar

from legnext_stream._bridges.feed import Feed
from legnext_stream._bridges.sources import AT_ONCE, copied, is_at_hand, refuse_trios

T = TypeVar("T")


def outward(items: Iterable[T], *, at_once: int = AT_ONCE) -> Iterable[T] | AsyncIterable[T]:
    """A source that the Trio side can take in.

    Raises:
        TypeError: It is an async iterable.
    """
    refuse_trios(items)
    if is_at_hand(items):
        at_hand: Iterable[T] = copied(items)
        return at_hand
    if not hasattr(items, "__iter__"):
        msg = f"legnext_stream.sync takes plain iterables, not the async {type(items).__name__}"
        raise TypeError(msg)
    return _Thread(items, at_once).feed.items()


class _Thread(Generic[T]):
    """Runs an iterator in a thread of its own, never further than it was asked to.

    Not in Trio's, which it would hold up; nor in the thread that reads the events, for an iterator
    that waits, on a queue of new ids for example, would keep it from what is there to be read.
    """

    def __init__(self, items: Iterable[T], at_once: int) -> None:
        self.feed: Feed[T] = Feed(self._ask, self._stop, at_once=at_once)
        self._source = items
        self._wanted: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._has_begun = False
        self._is_over = False

    def _ask(self, count: int) -> None:
        if not self._has_begun:
            self._has_begun = True
            # A daemon: it may wait for its next item forever, and the program is to end all the same.
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
