"""What a caller passes to be watched or submitted: any iterable or async iterable, item by item."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Collection,
    Iterable,
)
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

import trio

from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.jobs import Job
from legnext_stream._util.slices import Slices

_T = TypeVar("_T")

Jobs: TypeAlias = Iterable[str | Job] | AsyncIterable[str | Job]

# A mistake is mostly in all items of a collection, or the collection is small. Checking all of a million
# at once would keep everything else waiting for half a second.
_CHECKED_AT_ONCE: Final = 10_000


async def take_in(
    source: Iterable[_T] | AsyncIterable[_T], take: Callable[[_T], Awaitable[None]]
) -> None:
    """Await `take` for each item as it comes, and let other tasks run in between."""
    # An async iterable, too, may have all its items at hand and never wait for one.
    slices = Slices()
    if isinstance(source, AsyncIterable):
        try:
            async for item in source:
                await take(item)
                await slices.done_one()
        finally:
            # Only a generator is ours to close; a channel belongs to the caller.
            if isinstance(source, AsyncGenerator):
                with trio.move_on_after(1, shield=True):
                    await source.aclose()
    else:
        for item in source:
            await take(item)
            await slices.done_one()


def check_jobs(jobs: object) -> None:
    """Check what was passed to be watched, as far as possible without taking from it.

    Raises:
        TypeError: It is not iterable, or one string.
        InvalidJobId: One of the first items of a collection can't be a job id.
    """
    check_source(
        jobs,
        lambda item: check_job_id(item.job_id if isinstance(item, Job) else item),
        one="watch() takes many job ids, not one string: write watch([job_id]), or wait(job_id)",
        none=f"watch() takes an iterable or async iterable of job ids, not {jobs!r}",
    )


def check_source(source: object, check: Callable[[Any], object], *, one: str, none: str) -> None:
    """Check a source, as far as possible without taking from it: `check` raises for a wrong item.

    `one` is the message if it is one string, `none` if it is not iterable.

    Raises:
        TypeError: It is not iterable, or one string.
        Exception: What `check` raises.
    """
    if isinstance(source, str | bytes):
        raise TypeError(one)
    if not (hasattr(source, "__iter__") or hasattr(source, "__aiter__")):
        raise TypeError(none)
    # A collection can be iterated twice; items of other sources are checked as they come.
    if isinstance(source, Collection):
        for item in islice(source, _CHECKED_AT_ONCE):
            check(item)
