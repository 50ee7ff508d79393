"""The ids of jobs that have ended, in a few bytes each, and within a bound.

A watch that runs for weeks must not grow with each end that it sees, and yet must recognise an id that
comes in a second time. So not the ids are kept but digests of them, in hash tables without objects of
their own. Of very many, those that ended the longest ago are forgotten.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Final

REMEMBERED: Final = 1_000_000
"""How many of the last ended jobs are remembered at least; they take 85 MB at most."""

# Among four thousand million ids, the chance that two have the same digest is one in 2⁶⁵.
_WIDTH: Final = 16
_FREE: Final = bytes(_WIDTH)
_FIRST_SLOTS: Final = 8
# How many tables there are. Each grows by itself; one table of a million ids would take a second.
_TABLES: Final = 1024


class EndedIds:
    """A set of ids that forgets the oldest.

    It has two generations. When the younger one is full it becomes the older one, and the previous
    older one is forgotten. So an id is looked up in two tables at most, and forgetting costs
    nothing. At least the last `remembered` ids are in here, and at most twice as many.
    """

    __slots__ = ("_older", "_remembered", "_younger")

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._younger = _Generation()
        self._older = _Generation()

    def __contains__(self, job_id: str) -> bool:
        # Most often all ids come in before the first end; then no digest is needed.
        return len(self) > 0 and self._knows(_digest(job_id))

    def __len__(self) -> int:
        """How many ids are remembered now."""
        return self._younger.size + self._older.size

    def add(self, job_id: str) -> None:
        """Remember an id."""
        digest = _digest(job_id)
        if self._knows(digest):
            return
        if self._younger.size >= self._remembered:
            self._older, self._younger = self._younger, _Generation()
        self._younger.add(digest)

    def _knows(self, digest: bytes) -> bool:
        return digest in self._younger or digest in self._older


class _Generation:
    """Digests that were added one after another, in tables by their last bytes."""

    __slots__ = ("_tables", "size")

    def __init__(self) -> None:
        self._tables: defaultdict[int, _Table] = defaultdict(_Table)
        self.size = 0

    def __contains__(self, digest: bytes) -> bool:
        table = self._tables.get(_table_of(digest))
        return table is not None and digest in table

    def add(self, digest: bytes) -> None:
        """Add a digest that isn't in here."""
        self._tables[_table_of(digest)].add(digest)
        self.size += 1


class _Table:
    """A hash table of digests with open addressing, in one block of bytes. At most 3/4 full."""

    __slots__ = ("_block", "_mask", "_size")

    def __init__(self) -> None:
        self._block = bytearray(_FIRST_SLOTS * _WIDTH)
        self._mask = _FIRST_SLOTS - 1
        self._size = 0

    def __contains__(self, digest: bytes) -> bool:
        at = self._offset(digest)
        return self._block[at : at + _WIDTH] == digest

    def add(self, digest: bytes) -> None:
        """Add a digest that isn't in here."""
        self._size += 1
        if 4 * self._size > 3 * (self._mask + 1):
            self._grow()
        at = self._offset(digest)
        self._block[at : at + _WIDTH] = digest

    def _offset(self, digest: bytes) -> int:
        """Where in the block a digest is; if it isn't in here, where it belongs."""
        # A digest is as good as random: any part of it is a hash, and none equals a free slot.
        at = (int.from_bytes(digest[:8], "little") & self._mask) * _WIDTH
        while self._block[at : at + _WIDTH] not in (_FREE, digest):
            at = (at + _WIDTH) % len(self._block)
        return at

    def _grow(self) -> None:
        """Move to a block of twice the size."""
        old = bytes(self._block)
        self._block = bytearray(2 * len(old))
        self._mask = 2 * self._mask + 1
        for start in range(0, len(old), _WIDTH):
            digest = old[start : start + _WIDTH]
            if digest != _FREE:
                at = self._offset(digest)
                self._block[at : at + _WIDTH] = digest


def _digest(job_id: str) -> bytes:
    return hashlib.blake2b(job_id.encode(), digest_size=_WIDTH).digest()


def _table_of(digest: bytes) -> int:
    return int.from_bytes(digest[-2:], "little") % _TABLES
