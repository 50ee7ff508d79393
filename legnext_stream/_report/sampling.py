"""What keeps a report small: of many jobs a fair sample, of a long time ever fewer moments."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_HASHES = 2**32


class FairSample(Generic[T]):
    """Keeps all items while they are few, and beyond that those whose keys have the lowest hashes.

    Which items are kept depends on their keys alone: not on when they come, nor on how often.
    So it is a fair sample, and an item that was let go is never taken up again halfway.

    Args:
        limit: The most items that are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._below = _HASHES
        self._kept: dict[str, T] = {}

    def wants(self, key: str) -> bool:
        """Whether an item of this key is to be kept."""
        return zlib.crc32(key.encode("utf-8", "replace")) < self._below

    def get(self, key: str) -> T | None:
        """The item of this key, if it is kept."""
        return self._kept.get(key)

    def put(self, key: str, item: T) -> None:
        """Keep an item whose key is wanted."""
        self._kept[key] = item
        while len(self._kept) > self._limit:
            self._below //= 2
            self._kept = {each: kept for each, kept in self._kept.items() if self.wants(each)}

    @property
    def is_whole(self) -> bool:
        """Whether nothing has been let go."""
        return self._below == _HASHES

    def __iter__(self) -> Iterator[T]:
        return iter(self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)


class Series(Generic[T]):
    """Moments in the order of time; when there are too many, every other one goes.

    Args:
        interval: The least time between two moments, in seconds; it doubles with each thinning.
        limit: The most moments that are kept.
    """

    def __init__(self, interval: float, limit: int) -> None:
        self.interval: float = interval
        self._limit = limit
        self._moments: list[tuple[float, T]] = []

    def is_due(self, at: float) -> bool:
        """Whether it is time for another moment."""
        return not self._moments or at - self._moments[-1][0] >= self.interval

    def add(self, at: float, moment: T) -> None:
        """Add a moment that is not before the last one; one of the same time takes its place."""
        if self._moments and self._moments[-1][0] >= at:
            self._moments.pop()
        self._moments.append((at, moment))
        if len(self._moments) > self._limit:
            self._moments = self._moments[::2]
            self.interval *= 2

    def __iter__(self) -> Iterator[tuple[float, T]]:
        return iter(self._moments)

    def __len__(self) -> int:
        return len(self._moments)
