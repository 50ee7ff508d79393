"""Long work in slices, so that nobody else waits long for a turn."""

from __future__ import annotations

from typing import Final

import trio

ITEMS: Final = 200
"""Items of a slice at most: less than a millisecond's work, where each comes at once."""

SECONDS: Final = 0.005
"""How long a slice goes on at most, where each item takes its time."""


class Slices:
    """Lets others have their turn, now and then, in a loop that may be long and never wait.

    A slice ends by number as well as by time: items may be quick or slow to come, and in virtual
    time, which stands still meanwhile, the slices are the same in each run.
    """

    __slots__ = ("_ends_at", "_left")

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._left = ITEMS
        self._ends_at = trio.current_time() + SECONDS

    async def done_one(self) -> None:
        """One more item is done; others get their turn if the slice is over."""
        self._left -= 1
        if self._left <= 0 or trio.current_time() >= self._ends_at:
            await trio.lowlevel.checkpoint()
            self._begin()
