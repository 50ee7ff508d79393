"""What `aio` and `sync` have in common in taking jobs and prompts from the caller."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import trio

BATCH: Final = 200
"""How many job ids are asked for at a time: a round trip between threads is short beside making so many."""

SLICE: Final = 0.005
"""How long a source that never waits may keep an event loop from other tasks, seconds."""


def is_copied(items: object) -> bool:
    """Whether the Trio side gets a copy, because all items are there and no code of the caller must run.

    Also true of what is not iterable: the Trio side refuses that with its own message.
    """
    return isinstance(items, str | bytes | Collection) or not (
        hasattr(items, "__iter__") or hasattr(items, "__aiter__")
    )


def copied(items: Any) -> Any:  # noqa: ANN401 - also what is refused later
    """Copy a collection, because the Trio side reads it later, in its own thread."""
    if isinstance(items, Collection) and not isinstance(items, str | bytes):
        return tuple(items)
    return items


def refuse_trio_channels(items: object) -> None:
    """Refuse what can be read only on Trio.

    Raises:
        TypeError: It is a Trio channel, or the like.
    """
    if isinstance(items, trio.abc.AsyncResource):
        msg = f"{type(items).__name__} can be read only on Trio: use legnext_stream itself there"
        raise TypeError(msg)
