"""An iterator on the Trio side, read from other threads without losing an item.

A consumer asks for one item at a time, and only when it has taken the one before. So asking
acknowledges, and a slow consumer slows polling, as on Trio. A consumer that stops waiting cancels
its call; if the item arrives all the same, it is kept for the next read.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import trio

from legnext_stream._bridges.trio_thread import Call, Lease, Withdrawn
from legnext_stream.errors import StreamClosedError

T = TypeVar("T")


class Reader(Generic[T]):
    """Reads an iterator on the Trio side, through the lease that `lease` returns at each use."""

    def __init__(self, items: AsyncIterator[T], lease: Callable[[], Lease]) -> None:
        self._items = items
        self._lease = lease
        self._call: Call[T] | None = None
        self._is_busy = threading.Lock()
        self.is_closed: bool = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Read in one thread or task at a time.

        Raises:
            trio.BusyResourceError: Another thread or task is reading.
        """
        if not self._is_busy.acquire(blocking=False):
            raise trio.BusyResourceError("another task or thread is waiting for the next item")
        try:
            yield
        finally:
            self._is_busy.release()

    def ask(self) -> Call[T]:
        """Return the call for the next item: a new one, or the one that an earlier read cancelled.

        Raises:
            StreamClosedError: This is closed.
        """
        if self.is_closed:
            raise StreamClosedError("this stream was closed")
        if self._call is None:
            self._call = self._lease().call(self._items.__anext__)
        return self._call

    def take(self) -> T:
        """Return the item that was asked for, once its call is done.

        Raises:
            Withdrawn: An earlier read was cancelled, and there is no item: ask again.
            StreamClosedError: The stream was closed meanwhile.
            BaseException: What the iterator raised.
        """
        call, self._call = self._call, None
        assert call is not None  # noqa: S101 - `ask` comes first
        outcome, is_called_off = call.outcome, call.is_called_off
        try:
            return outcome.result()
        except Withdrawn:
            if is_called_off and not self.is_closed:
                raise
        finally:
            # The error refers to this frame; if the frame referred to it, they would be a cycle.
            del call, outcome
        raise StreamClosedError("the stream was closed before its end")

    @property
    def kept(self) -> Call[T] | None:
        """The call of an earlier read that was cancelled, if its outcome was not taken."""
        return self._call

    def has_kept(self, call: Call[T]) -> bool:
        """Whether the call of an earlier read has an item or an error, once it is done."""
        if isinstance(call.outcome.exception(), Withdrawn):
            self._call = None
        return self._call is not None

    def discard(self, is_unwanted: Callable[[T], bool]) -> None:
        """Drop an item that was not taken, if it is unwanted. On the Trio side."""
        call = self._call
        if call is None or not call.outcome.done() or call.outcome.exception() is not None:
            return
        if is_unwanted(call.outcome.result()):
            self._call = None

    def close(self) -> None:
        """Return no more items."""
        self.is_closed = True
