"""How jobs come into a watch: how many are still expected, and how fast they come."""

from __future__ import annotations

from collections.abc import Sized
from typing import Final

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.stats import Tally

# The time between two jobs is averaged over about as many.
_AVERAGED: Final = 64


class Arrivals:
    """The jobs that have come in and those still to come. Times are in seconds on our clock.

    Attributes:
        expected: How many jobs, or prompts, there are in all; None if that isn't known, or if all have
            come in.
    """

    def __init__(self) -> None:
        self.expected: int | None = None
        self._came = 0
        self._last = 0.0
        self._gap = 0.0

    def expect(self, source: object) -> None:
        """Jobs will come from this source; how many is known if it has a length."""
        if isinstance(source, Sized):
            self.expected = (self.expected or 0) + len(source)

    def came(self, now: float) -> None:
        """A job has come in."""
        if self._came:
            self._gap += (now - self._last - self._gap) / min(self._came, _AVERAGED)
        self._came += 1
        self._last = now

    def coming(self, known: int, tally: Tally) -> int:
        """How many are still to come, if this many jobs are known to the watch."""
        if self.expected is None:
            return 0
        without_job = tally.jobs[JobStatus.NOT_SUBMITTED] + tally.jobs[JobStatus.SUBMIT_UNKNOWN]
        return max(self.expected - known - without_job, 0)

    def seconds_for(self, coming: int) -> float:
        """How long it takes until this many have come in, if they come as fast as the last did."""
        return coming * self._gap
