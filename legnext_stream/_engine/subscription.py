"""A further reader of a watch, with a pace of its own."""

from __future__ import annotations

import math
from typing import Literal, Self, TypeAlias, get_args

import trio

from legnext_stream._core.model.events import JobEvent
from legnext_stream._engine.mailroom import UNDELIVERED, Mailroom

Policy: TypeAlias = Literal["block", "latest"]
"""Whether a reader that is behind counts as one that has no use for more news, or never does."""


class Subscription:
    """The events of a watch once more: an async iterator of `JobEvent`, made by `subscribe`.

    It ends when the watch does, or raises what the watch raises. Losing it, or leaving its loop, is
    all it takes to end it before; the watch goes on.
    """

    def __init__(self, mailroom: Mailroom, policy: Policy) -> None:
        if policy not in get_args(Policy):
            raise ValueError(f"policy must be 'block' or 'latest', not {policy!r}")
        self._mailbox = mailroom.open(UNDELIVERED if policy == "block" else math.inf)
        self._is_busy = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JobEvent:
        """The next event. A call that is cancelled loses nothing: iterate again and go on.

        Raises:
            StopAsyncIteration: All jobs have ended and no more can come.
            StreamClosedError: The watch was closed.
            trio.BusyResourceError: Another task is waiting for this subscription's next event.
            LegnextError: What ended the watch as a whole.
        """
        if self._is_busy:
            raise trio.BusyResourceError("another task is waiting for this subscription's event")
        self._is_busy = True
        try:
            return await self._mailbox.get()
        finally:
            self._is_busy = False
