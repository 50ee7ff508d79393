"""Even spacing: a token bucket of depth one, which forgives a caller that wakes a little late."""

from __future__ import annotations

import math

from msgspec import Struct

LATENESS = 0.05
"""How much lateness is made up for, in seconds: a timer's grain, a busy event loop."""


class Spacing(Struct):
    """When the next request is due, if requests are to be spaced evenly.

    This is the generic cell rate algorithm (ITU-T I.371, "virtual scheduling"). Each start moves a
    theoretical due time on by one interval; a late start moves the due time with it, except for the
    last `LATENESS` seconds. So a caller that wakes 10 ms late each time still gets its full rate,
    and one that was idle for an hour has saved up next to nothing.

    For all starts `i < j` at rates of at most `rate`:

        start[j] - start[i] >= (j - i) / rate - LATENESS

    that is, a window of `w` seconds holds at most `1 + (w + LATENESS) * rate` starts. Proof: due
    times grow by at least `1 / rate`, nothing starts before it is due, and nothing is due more than
    `LATENESS` before it starts.
    """

    last_start: float = -math.inf  # when the last request started; -inf before the first
    _last_due: float = -math.inf

    def due(self, interval: float) -> float:
        """When the next request is due, at a spacing of `interval` seconds."""
        return self._last_due + interval

    def start(self, now: float, interval: float) -> None:
        """Take the token at `now`."""
        due, least = self._last_due + interval, now - LATENESS
        self._last_due = due if due > least else least
        self.last_start = now

    def hold(self, until: float, interval: float) -> None:
        """Let nothing be due before `until`, and don't make up for lateness up to then."""
        self._last_due = max(self._last_due, until - interval)
