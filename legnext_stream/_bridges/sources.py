"""What may be watched from outside: collections at once, all else by whoever can run it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import trio

AT_ONCE: Final = 200
"""How many job ids are asked for at a time: a way between threads is short beside making so many."""

SLICE: Final = 0.005
"""How long a source that never waits may keep an event loop to itself, seconds."""


def is_at_hand(items: object) -> bool:
    """Whether all items are there, so that they are copied and nobody's code has to run elsewhere.

    Also for what is no source at all, which the Trio side refuses with its own words.
    """
    return isinstance(items, str | bytes | Collection) or not (
        hasattr(items, "__iter__") or hasattr(items, "__aiter__")
    )


def copied(items: Any) -> Any:  # noqa: ANN401 - whatever it is, it goes on to where it is judged
    """A collection as it is now, for the Trio side may look through it later, in its own thread."""
    if isinstance(items, Collection) and not isinstance(items, str | bytes):
        return tuple(items)
    return items


def refuse_trios(items: object) -> None:
    """Refuse what only Trio can read.

    Raises:
        TypeError: It is a Trio channel, or the like.
    """
    if isinstance(items, trio.abc.AsyncResource):
        msg = f"{type(items).__name__} is Trio's and can be read on Trio only: use legnext_stream itself there"
        raise TypeError(msg)
