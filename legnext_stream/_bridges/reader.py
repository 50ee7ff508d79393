"""An iterator on the Trio side, read from outside without losing anything.

Who reads asks for one item at a time, and the next is asked for only when the one before was
fetched: so asking acknowledges, and a reader's pace holds up polling, just as on Trio. Who gives up
waiting calls its question off; the item may be on its way all the same, and is then kept for who
asks next.
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
    """Reads an iterator on the Trio side.

    Args:
        items: The iterator.
        lease: Gives the lease through which to read; called at each use.

    Attributes:
        is_closed: Whether nothing is given out any more.
    """

    def __init__(self, items: AsyncIterator[T], lease: Callable[[], Lease]) -> None:
        self._items = items
        self._lease = lease
        self._call: Call[T] | None = None
        self._is_busy = threading.Lock()
        self.is_closed: bool = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One at a time, of all threads and tasks.

        Raises:
            trio.BusyResourceError: There is another.
        """
        if not self._is_busy.acquire(blocking=False):
            raise trio.BusyResourceError("another task or thread is waiting for the next item")
        try:
            yield
        finally:
            self._is_busy.release()

    def ask(self) -> Call[T]:
        """Ask for the next item, or go on with the question that an earlier reader gave up.

        Raises:
            StreamClosedError: This is closed.
        """
        if self.is_closed:
            raise StreamClosedError("this stream was closed")
        if self._call is None:
            self._call = self._lease().call(self._items.__anext__)
        return self._call

    def take(self) -> T:
        """The item that was asked for, once its call is settled.

        Raises:
            Withdrawn: An earlier reader had given up, and there is none: ask again.
            StreamClosedError: It was closed meanwhile.
            BaseException: What the iterator raised.
        """
        call, self._call = self._call, None
        assert call is not None  # noqa: S101 - one asks first
        outcome, is_called_off = call.outcome, call.is_called_off
        try:
            return outcome.result()
        except Withdrawn:
            if is_called_off and not self.is_closed:
                raise
        finally:
            # An error refers to this frame: it must not refer to the error in its turn.
            del call, outcome
        raise StreamClosedError("the stream was closed before its end")

    @property
    def kept(self) -> Call[T] | None:
        """The question that an earlier reader gave up, and whose outcome nobody has taken."""
        return self._call

    def has_kept(self, call: Call[T]) -> bool:
        """Whether the question that an earlier reader gave up has an answer, once it is settled."""
        if isinstance(call.outcome.exception(), Withdrawn):
            self._call = None
        return self._call is not None

    def discard(self, is_unwanted: Callable[[T], bool]) -> None:
        """Drop an item that nobody has taken, if it is unwanted. On the Trio side."""
        call = self._call
        if call is None or not call.outcome.done() or call.outcome.exception() is not None:
            return
        if is_unwanted(call.outcome.result()):
            self._call = None

    def close(self) -> None:
        """Give nothing out any more."""
        self.is_closed = True
