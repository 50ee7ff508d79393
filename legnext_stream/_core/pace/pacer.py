"""The pacer: the one who decides how fast an account asks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from legnext_stream._core.backoff import RetryBudget
from legnext_stream._core.pace.channel import Channel
from legnext_stream._core.pace.growth import Growth
from legnext_stream._core.pace.in_flight import InFlight
from legnext_stream._core.pace.quota import Quota
from legnext_stream._core.pace.refusals import Refusals
from legnext_stream._core.pace.signals import Outcome, RequestKind, Signal, Why
from legnext_stream._core.pace.spacing import Spacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

__all__ = ["Outcome", "Pacer", "RequestKind", "Signal", "Why"]

LONGEST_WINDOW = 86400.0

# A look into an enum takes as long as a call; nearly all requests are of this kind.
_STATUS = RequestKind.STATUS


class Pacer:
    """Decides when requests of an account may start.

    Pure: it knows no clock (`now` is seconds on any clock that never goes back), does nothing,
    and equal calls lead to equal decisions. For each request, call `start` and then exactly one
    of `finish` and `abandon`.

    Args:
        max_rate: requests a second never to be exceeded, whatever the service allows.
        initial_rate: requests a second to begin with.
        max_in_flight: requests under way at once, all kinds together, never to be exceeded.
        max_hint: seconds; a hint never holds anything back for longer.

    Raises:
        ValueError: if an argument isn't positive and finite.
    """

    def __init__(
        self,
        *,
        max_rate: float,
        initial_rate: float,
        max_in_flight: int,
        max_hint: float = 300.0,
    ) -> None:
        for name, value in (
            ("max_rate", max_rate),
            ("initial_rate", initial_rate),
            ("max_in_flight", max_in_flight),
            ("max_hint", max_hint),
        ):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive and finite, not {value!r}")
        self._max_rate = max_rate
        self._max_in_flight = max_in_flight
        self._channels = {
            kind: Channel(
                growth=Growth(max_rate, min(initial_rate, max_rate)),
                flight=InFlight(max_in_flight),
                refusals=Refusals(longest_gap=max_hint),
                quota=Quota(max_hint),
                max_hint=max_hint,
            )
            for kind in RequestKind
        }
        self._status = self._channels[RequestKind.STATUS]
        self._submit = self._channels[RequestKind.SUBMIT]
        self._together = Spacing()
        self._least_interval = 1 / max_rate
        self._retries = RetryBudget()
        self._why = Why.STARTING

    def ready_at(self, now: float, kind: RequestKind = RequestKind.STATUS) -> float:
        """Say when a request may start at the earliest; asking means that there is demand.

        Returns:
            Seconds, never before `now`; inf while as many requests are in flight as may be (ask
            again when one has finished).
        """
        channel = self._status if kind is _STATUS else self._submit
        if self._status.in_flight + self._submit.in_flight >= self._max_in_flight:
            self._why = Why.IN_FLIGHT
            return math.inf
        at, self._why = channel.ready_at(now)
        # However free each kind is, all kinds together keep to the caller's own bound.
        bound = self._together.due(self._least_interval)
        if bound > at:
            at, self._why = bound, Why.FREE
        return at

    def start(self, now: float, kind: RequestKind = RequestKind.STATUS) -> None:
        """Take the token that `ready_at` promised: a request starts now."""
        (self._status if kind is _STATUS else self._submit).start(now)
        self._together.start(now, self._least_interval)
        self._retries.earn()

    def finish(self, now: float, signal: Signal, kind: RequestKind = RequestKind.STATUS) -> None:
        """Learn how a request went."""
        channel = self._status if kind is _STATUS else self._submit
        channel.finish(now, signal)
        if signal.outcome is Outcome.OVERLOADED:
            # Who is overloaded is so for every kind of request.
            for each in self._channels.values():
                each.pause(now, signal)

    def abandon(self, kind: RequestKind = RequestKind.STATUS) -> None:
        """Forget a request that was cancelled; nothing is learned from it."""
        self._channels[kind].abandon()

    def allow_retry(self) -> bool:
        """Take an early retry from the budget, a tenth of all requests; False if none is left."""
        return self._retries.spend()

    @property
    def max_rate(self) -> float:
        """Requests a second that are never exceeded."""
        return self._max_rate

    @property
    def rate(self) -> float:
        """Status requests a second allowed now."""
        return self._status.rate

    @property
    def ceiling(self) -> float | None:
        """Status requests a second that the service is believed to permit; None if unknown."""
        return self._status.growth.ceiling

    @property
    def window(self) -> float | None:
        """Seconds over which the service counts requests, if it turned out to do so."""
        return self._status.refusals.window

    @property
    def in_flight(self) -> int:
        """Requests under way, of all kinds."""
        return self._status.in_flight + self._submit.in_flight

    @property
    def in_flight_limit(self) -> int:
        """Status requests that may be under way at once."""
        return self._status.flight.limit

    @property
    def why(self) -> Why:
        """What decided the last answer of `ready_at`."""
        return self._why

    def state(self) -> dict[str, dict[str, float | int | None]]:
        """What was learned and is worth keeping over a restart, ready for JSON."""
        return {
            kind.value: {
                "ceiling": channel.growth.ceiling,
                "window": channel.refusals.window,
                "at_once": channel.flight.proven,
            }
            for kind, channel in self._channels.items()
        }

    @classmethod
    def from_state(
        cls,
        state: object,
        *,
        max_rate: float,
        initial_rate: float,
        max_in_flight: int,
        max_hint: float = 300.0,
    ) -> Self:
        """Make a pacer that remembers `state`; whatever is wrong with it is passed over."""
        pacer = cls(
            max_rate=max_rate,
            initial_rate=initial_rate,
            max_in_flight=max_in_flight,
            max_hint=max_hint,
        )
        pacer.remember(state)
        return pacer

    def remember(self, state: object) -> None:
        """Take up what `state` gave, where nothing better is known; what is wrong is passed over."""
        if not isinstance(state, dict):
            return
        for kind, channel in self._channels.items():
            kept = state.get(kind.value)
            if isinstance(kept, dict) and channel.growth.ceiling is None:
                _remember(channel, kept)


def _remember(channel: Channel, kept: Mapping[str, Any]) -> None:
    ceiling = _positive(kept.get("ceiling"))
    if ceiling is not None:
        channel.growth.settle(ceiling)
    window = _positive(kept.get("window"))
    if window is not None:
        channel.refusals.window = min(window, LONGEST_WINDOW)
    at_once = _positive(kept.get("at_once"))
    if at_once is not None:
        channel.flight.remember(int(at_once))
    channel.decide()


def _positive(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    return None
