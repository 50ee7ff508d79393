"""What waited for a reader at each time, and spans of time, as those who judge it need them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import TypeAlias

from tests.simulation.findings import SLACK
from tests.simulation.outcome import Reading

Span: TypeAlias = tuple[float, float]
"""From when until when, seconds."""


class Backlog:
    """The events that were there for a reader and that it had not read yet.

    No more of them are known than the reader was told in the end: those that were merged, and those
    that it left unread, are missing.

    Args:
        reading: What the reader had.
        began: When its watch began: what was known before, from a journal, takes up no room.
    """

    def __init__(self, reading: Reading, began: float) -> None:
        told = [each for each in reading.told if each.event.observed_at >= began - SLACK]
        self._came = sorted(each.event.observed_at for each in told)
        self._read = [each.at for each in told]

    def __len__(self) -> int:
        """How many events the reader was told in all."""
        return len(self._came)

    def at(self, time: float) -> int:
        """How many events waited at a time, those not counted that came or were read just then."""
        return bisect_right(self._came, time - SLACK) - bisect_right(self._read, time + SLACK)

    def full(self, room: int) -> list[Span]:
        """When there were as many as there is room for, or more."""
        times = sorted({*self._came, *self._read})
        between = [(now, then) for now, then in pairwise(times) if then - now > 2 * SLACK]
        return [span for span in between if self.at(sum(span) / 2) >= room]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time, without overlaps and in order."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif begin < end:
            merged.append((begin, end))
    return merged


def common(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The time that is in both."""
    kept = list(others)
    both = [(max(a, c), min(b, d)) for a, b in some for c, d in kept]
    return union((begin, end) for begin, end in both if begin < end)
