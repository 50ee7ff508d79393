"""Bounded memory for a report: a fair sample of many jobs, and a thinned series of moments."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_HASHES = 2**32


class FairSample(Generic[T]):
    """Keeps all items while they are few, then those whose keys have the lowest hashes.

    Which items are kept depends on their keys alone, not on when or how often they come. So the
    sample is fair, and an item that was dropped never comes back with half of its history.

    Args:
        limit: The most items that are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._below = _HASHES
        self._kept: dict[str, T] = {}

    def wants(self, key: str) -> bool:
        """Whether an item with this key is to be kept."""
        return zlib.crc32(key.encode("utf-8", "replace")) < self._below

    def get(self, key: str) -> T | None:
        """The item with this key, if it is kept."""
        return self._kept.get(key)

    def put(self, key: str, item: T) -> None:
        """Keep an item whose key is wanted."""
        self._kept[key] = item
        while len(self._kept) > self._limit:
            self._below //= 2
            self._kept = {each: kept for each, kept in self._kept.items() if self.wants(each)}

    @property
    def is_whole(self) -> bool:
        """Whether nothing has been dropped."""
        return self._below == _HASHES

    def __iter__(self) -> Iterator[T]:
        return iter(self._kept.values())


class Series(Generic[T]):
    """Moments in the order of time. When there are too many, every other one is dropped.

    Args:
        interval: The shortest time between two moments, in seconds; it doubles with each thinning.
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
        """Add a moment that is not before the last one; at the same time it replaces that."""
        if self._moments and self._moments[-1][0] >= at:
            self._moments.pop()
        self._moments.append((at, moment))
        if len(self._moments) > self._limit:
            self._moments = self._moments[::2]
            self.interval *= 2

    def __iter__(self) -> Iterator[tuple[float, T]]:
        return iter(self._moments)
