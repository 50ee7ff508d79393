"""Callbacks about jobs that are not watched yet: kept for a while, and within bounds.

A callback may come before the id does: a job can end before the program that submitted it begins to
watch it. Pure: the time is an argument.
"""

from __future__ import annotations

from typing import Final

from legnext_stream._webhooks.callback import Callback

_LONGEST: Final = 600.0
_MOST: Final = 10_000
_MOST_BYTES: Final = 16 * 2**20


class Waiting:
    """The callbacks that wait for a watch, one a job. Times in seconds, all on the same clock."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Callback]] = {}
        self._bytes = 0

    def keep(self, now: float, callback: Callback) -> int:
        """Keep a callback; return how many others are dropped that have waited in vain."""
        before = self._kept.get(callback.job_id)
        if before is not None and before[1].status.is_terminal and not callback.status.is_terminal:
            # They came in the wrong order.
            return 0
        self.take(callback.job_id)
        self._kept[callback.job_id] = now, callback
        self._bytes += callback.size
        forgotten = 0
        while self._is_too_much(now):
            self.take(next(iter(self._kept)))
            forgotten += 1
        return forgotten

    def _is_too_much(self, now: float) -> bool:
        oldest = next(iter(self._kept.values()), (now, None))[0]
        is_old = now - oldest > _LONGEST
        return is_old or len(self._kept) > _MOST or self._bytes > _MOST_BYTES

    def take(self, job_id: str) -> Callback | None:
        """Remove and return the callback about a job; None if there is none."""
        kept = self._kept.pop(job_id, None)
        if kept is None:
            return None
        self._bytes -= kept[1].size
        return kept[1]
