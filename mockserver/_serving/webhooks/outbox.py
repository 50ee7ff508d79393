"""The attempts to be made, in the order in which they are due."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver._serving.webhooks.planning import Attempt


@attrs.define(eq=False)
class _Entry:
    """An attempt, and the number of its place; the heap may also have its earlier places."""

    attempt: Attempt
    place: int = 0


def _by_limit(entry: _Entry) -> tuple[float, int]:
    limit = entry.attempt.overtaken_by
    return (math.inf if limit is None else limit), entry.place


class Outbox:
    """Attempts in the order in which they are due.

    Attempts that are due at the same time are in the order in which they were added. An attempt that
    is to be overtaken waits until `release` is called for its URL, or its time limit ends.
    """

    def __init__(self) -> None:
        self._places = 0
        # When it is due, the number of its place, and the entry that has or had that place.
        self._heap: list[tuple[float, int, _Entry]] = []
        # Per URL, the attempts that wait to be overtaken; the dict is an ordered set.
        self._waiting: defaultdict[str, dict[_Entry, None]] = defaultdict(dict)

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Add attempts."""
        for attempt in attempts:
            limit = attempt.overtaken_by
            entry = _Entry(attempt)
            if limit is not None:
                self._waiting[attempt.message.url][entry] = None
            self._put(entry, attempt.at if limit is None else limit)

    def _put(self, entry: _Entry, due: float) -> None:
        self._places += 1
        entry.place = self._places
        heapq.heappush(self._heap, (due, entry.place, entry))

    def next_at(self) -> float:
        """When the next attempt is due, in seconds since the world's start; infinite for none."""
        while self._heap and self._heap[0][1] != self._heap[0][2].place:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def take(self, t: float) -> Attempt | None:
        """Take out the first attempt that is due by `t`; None if there is none."""
        if self.next_at() > t or not self._heap:
            return None
        entry = heapq.heappop(self._heap)[2]
        if entry.attempt.overtaken_by is not None:
            del self._waiting[entry.attempt.message.url][entry]
        return entry.attempt

    def release(self, overtaking: Attempt, t: float) -> None:
        """Make the attempts due that the message of another, which ended at `t`, has overtaken."""
        message = overtaking.message
        # In the order in which they are due, which is also that of `attempts`.
        waiting = sorted(self._waiting.pop(message.url, {}), key=_by_limit)
        for entry in waiting:
            if entry.attempt.message.changed_at < message.changed_at:
                due = max(t, entry.attempt.at)
                entry.attempt = attrs.evolve(entry.attempt, at=due, overtaken_by=None)
                self._put(entry, due)
            else:
                self._waiting[message.url][entry] = None

    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts to be made, in order; another outbox can continue with these."""
        # Numbers of places are unique, so entries are never compared.
        return tuple(
            entry.attempt for _, place, entry in sorted(self._heap) if place == entry.place
        )
