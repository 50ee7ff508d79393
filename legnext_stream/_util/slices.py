"""Long loops in slices, so that other tasks don't wait long for their turn."""

from __future__ import annotations

from typing import Final

import trio

ITEMS: Final = 200
"""The most items in a slice: less than a millisecond of work if items are quick."""

SECONDS: Final = 0.005
"""How long a slice may last if items are slow, in seconds."""


class Slices:
    """Lets other tasks run now and then during a loop that may be long and never wait.

    A slice ends after a number of items or after a time. Virtual time stands still during the loop,
    so there the number counts and the slices are the same in each run.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._left = ITEMS
        self._ends_at = trio.current_time() + SECONDS

    async def done_one(self) -> None:
        """Count one item; let other tasks run if the slice is over."""
        self._left -= 1
        if self._left <= 0 or trio.current_time() >= self._ends_at:
            await trio.lowlevel.checkpoint()
            self._begin()
