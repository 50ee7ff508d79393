"""Items that come from outside, as the Trio side takes them in: few at a time, when there is room."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

import trio

from legnext_stream.errors import StreamClosedError

T = TypeVar("T")


class Feed(Generic[T]):
    """A pipe from a source outside to Trio. The source puts in only what was asked for.

    Args:
        ask: Asks the source for so many items more; called on the Trio side, must not wait.
        stop: Tells the source that no more are wanted; called on the Trio side, must not wait.
        at_once: For how many to ask: each question costs a way there and back between threads, and
            what comes ahead of its time waits here.
    """

    def __init__(
        self, ask: Callable[[int], None], stop: Callable[[], None], *, at_once: int
    ) -> None:
        self._ask = ask
        self._stop = stop
        self._at_once = at_once
        self._token: trio.lowlevel.TrioToken | None = None
        self._items: deque[T] = deque()
        self._failure: Exception | None = None
        self._has_ended = False
        self._arrived = trio.Event()
        self._is_told = False

    def put(self, item: T) -> None:
        """An item that was asked for. From any thread, at once, for the next may take its time."""
        self._items.append(item)
        # To be told of the first is enough. The other side looks again after it has reset this.
        if not self._is_told:
            self._tell()

    def end(self, failure: BaseException | None = None) -> None:
        """There will be no more, for this reason if it is not a good one. From any thread.

        What is no `Exception` would end Trio itself, and is told as one.
        """
        if failure is None or isinstance(failure, Exception):
            self._failure = failure
        else:
            name = type(failure).__name__
            self._failure = StreamClosedError(f"the source of what is watched ended with {name}")
            self._failure.__cause__ = failure
        self._has_ended = True
        self._tell()

    def _tell(self) -> None:
        self._is_told = True
        assert self._token is not None  # noqa: S101 - nothing comes before it is asked for
        # When the run is over, nobody is there to take it.
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._wake)

    def _wake(self) -> None:
        self._arrived.set()

    async def items(self) -> AsyncGenerator[T, None]:
        """The items, to their end. On the Trio side.

        Raises:
            Exception: What the source raised.
        """
        self._token = trio.lowlevel.current_trio_token()
        owed = 0
        try:
            while True:
                self._arrived = trio.Event()
                self._is_told = False
                has_ended = self._has_ended
                while self._items:
                    owed -= 1
                    yield self._items.popleft()
                if has_ended:
                    break
                if not owed:
                    owed = self._at_once
                    self._ask(owed)
                await self._arrived.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            self._stop()
