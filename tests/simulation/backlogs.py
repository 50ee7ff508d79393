"""How many events were waiting for a reader at each time, and sets of time spans, for the judges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import TypeAlias

from tests.simulation.findings import SLACK
from tests.simulation.outcome import Reading

Span: TypeAlias = tuple[float, float]
"""Begin and end, seconds."""


class Backlog:
    """The events that were available to a reader but that it had not read yet.

    It only knows the events that the reader read in the end. Events that were merged, and those that
    were left unread, are missing.

    Args:
        reading: What the reader received.
        began: When its watch began. What was known before, from a journal, takes no space in a buffer.
    """

    def __init__(self, reading: Reading, began: float) -> None:
        received = [each for each in reading.received if each.event.observed_at >= began - SLACK]
        self._came = sorted(each.event.observed_at for each in received)
        self._read = [each.at for each in received]

    def __len__(self) -> int:
        """The number of events that the reader received."""
        return len(self._came)

    def at(self, time: float) -> int:
        """How many events were waiting at a time, without those that arrived or were read at that moment."""
        return bisect_right(self._came, time - SLACK) - bisect_right(self._read, time + SLACK)

    def full(self, capacity: int) -> list[Span]:
        """The times at which the number of events reached the capacity."""
        times = sorted({*self._came, *self._read})
        between = [(now, then) for now, then in pairwise(times) if then - now > 2 * SLACK]
        return [span for span in between if self.at(sum(span) / 2) >= capacity]


def union(spans: Iterable[Span]) -> list[Span]:
    """Merge overlapping spans, and return them in order."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif begin < end:
            merged.append((begin, end))
    return merged


def common(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """Return the spans of time that are in both."""
    kept = list(others)
    both = [(max(a, c), min(b, d)) for a, b in some for c, d in kept]
    return union((begin, end) for begin, end in both if begin < end)
