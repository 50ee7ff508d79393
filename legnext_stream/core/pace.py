"""How fast to ask: the one decision maker for an account's request rate."""

from __future__ import annotations

import enum

import attrs

from legnext_stream.core.hints import Hints


class RequestKind(enum.Enum):
    """The kinds of request that may be limited apart from each other."""

    STATUS = enum.auto()
    SUBMIT = enum.auto()


class Outcome(enum.Enum):
    """What became of a request, as far as limits go."""

    ANSWERED = enum.auto()
    LIMITED = enum.auto()
    OVERLOADED = enum.auto()
    FAILED = enum.auto()


@attrs.frozen
class Signal:
    """What one request taught about limits. Times in seconds."""

    outcome: Outcome
    hints: Hints
    sent_at: float
    latency: float


# A quarter of the rate comes back each second: gentle beside the halving, and soon enough.
_RECOVERY = 0.25
_FLOOR = 0.1
_LONGEST_PAUSE = 300.0


class Pacer:
    """A token bucket of depth one whose rate halves at a limit and then recovers.

    Requests are spaced evenly, so that a burst never meets a limit that an even flow would not.
    """

    def __init__(self, *, max_rate: float, initial_rate: float, max_in_flight: int) -> None:
        self._max_rate = max_rate
        self._rate = initial_rate
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._next_start = 0.0
        self._slowed_at = float("-inf")

    @property
    def rate(self) -> float:
        """Requests a second allowed now."""
        return self._rate

    @property
    def in_flight(self) -> int:
        """Requests under way now."""
        return self._in_flight

    def ready_at(self, now: float, kind: RequestKind = RequestKind.STATUS) -> float:
        """The earliest time a request may start, seconds; infinite while too many are under way."""
        if self._in_flight >= self._max_in_flight:
            return float("inf")
        return max(now, self._next_start)

    def start(self, now: float, kind: RequestKind = RequestKind.STATUS) -> None:
        """A request starts."""
        self._in_flight += 1
        self._next_start = max(now, self._next_start) + 1 / self._rate

    def abandon(self, kind: RequestKind = RequestKind.STATUS) -> None:
        """A request under way was cancelled: it taught nothing."""
        self._in_flight -= 1

    def finish(self, now: float, signal: Signal, kind: RequestKind = RequestKind.STATUS) -> None:
        """A request ended; learn from it."""
        self._in_flight -= 1
        if signal.outcome in {Outcome.LIMITED, Outcome.OVERLOADED}:
            # What was sent before the rate fell says nothing about the rate since.
            if signal.sent_at >= self._slowed_at:
                self._rate = max(self._rate / 2, _FLOOR)
                self._slowed_at = now
            pause = min(signal.hints.retry_after or 0.0, _LONGEST_PAUSE)
            self._next_start = max(self._next_start, now + pause)
        elif signal.outcome is Outcome.ANSWERED:
            self._rate = min(self._rate * (1 + _RECOVERY / self._rate), self._max_rate)
