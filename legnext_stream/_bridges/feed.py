"""Items from another thread, taken in on the Trio side: a few at a time, when there is room for more."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Collection
from typing import Any, Final, Generic, TypeVar

import trio

from legnext_stream.errors import StreamClosedError

T = TypeVar("T")

BATCH: Final = 200
"""How many job ids are asked for at a time: a round trip between threads is short beside making so many."""


def prepared(items: Any, run: Callable[[], AsyncIterable[T]]) -> Any:  # noqa: ANN401 - also what is refused later
    """Make of what the caller gives what the Trio side can iterate over, in its own thread.

    That is a copy of a collection. What is not iterable stays as it is: the Trio side refuses that with
    its own message.

    Args:
        items: What the caller gives.
        run: Called if iterating runs code of the caller: returns the items of a feed.

    Raises:
        TypeError: It can be read only on Trio, as a channel can.
    """
    if isinstance(items, trio.abc.AsyncResource):
        msg = f"{type(items).__name__} can be read only on Trio: use legnext_stream itself there"
        raise TypeError(msg)
    is_iterable = hasattr(items, "__iter__") or hasattr(items, "__aiter__")
    if isinstance(items, str | bytes) or not is_iterable:
        return items
    return tuple(items) if isinstance(items, Collection) else run()


class Feed(Generic[T]):
    """A pipe into Trio. The source puts in no more items than it was asked for.

    Args:
        ask: Asks the source for a number of items more; called on the Trio side, must not wait.
        stop: Tells the source that no more are needed; called on the Trio side, must not wait.
        batch: How many items to ask for at a time. Each request is a round trip between threads,
            and items that come early wait here.
    """

    def __init__(self, ask: Callable[[int], None], stop: Callable[[], None], *, batch: int) -> None:
        self._ask = ask
        self._stop = stop
        self._batch = batch
        self._token: trio.lowlevel.TrioToken | None = None
        self._items: deque[T] = deque()
        self._failure: Exception | None = None
        self._has_ended = False
        self._arrived = trio.Event()
        self._is_notified = False

    def put(self, item: T) -> None:
        """Put in an item that was asked for. From any thread, without waiting for the next."""
        self._items.append(item)
        # One notification is enough: after it resets this, the Trio side looks at the items again.
        if not self._is_notified:
            self._notify()

    def end(self, failure: BaseException | None = None) -> None:
        """Say that there are no more items, because of an error if there is one. From any thread.

        An error that is no `Exception` would end the Trio run, so a `StreamClosedError` takes its
        place.
        """
        if failure is None or isinstance(failure, Exception):
            self._failure = failure
        else:
            name = type(failure).__name__
            self._failure = StreamClosedError(f"the source of what is watched ended with {name}")
            self._failure.__cause__ = failure
        self._has_ended = True
        self._notify()

    def _notify(self) -> None:
        self._is_notified = True
        assert self._token is not None  # noqa: S101 - no item comes before it is asked for
        # After the end of the run there is no consumer.
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._wake)

    def _wake(self) -> None:
        self._arrived.set()

    async def items(self) -> AsyncGenerator[T, None]:
        """Iterate over the items. On the Trio side.

        Raises:
            Exception: What the source raised.
        """
        self._token = trio.lowlevel.current_trio_token()
        owed = 0
        try:
            while True:
                self._arrived = trio.Event()
                self._is_notified = False
                has_ended = self._has_ended
                while self._items:
                    owed -= 1
                    yield self._items.popleft()
                if has_ended:
                    break
                if not owed:
                    owed = self._batch
                    self._ask(owed)
                await self._arrived.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            self._stop()
