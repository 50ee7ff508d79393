"""The pacer: decides how fast an account sends requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from legnext_stream._core.backoff import RetryBudget
from legnext_stream._core.pace.channel import Channel
from legnext_stream._core.pace.growth import Growth
from legnext_stream._core.pace.in_flight import InFlight
from legnext_stream._core.pace.quota import Quota
from legnext_stream._core.pace.refusals import Refusals
from legnext_stream._core.pace.signals import Outcome, RequestKind, Signal, Why
from legnext_stream._core.pace.spacing import Spacing

LONGEST_WINDOW = 86400.0

# Looking up a member of an enum takes as long as a call, and nearly all requests are of this kind.
_STATUS = RequestKind.STATUS


class Pacer:
    """Decides when requests of an account may start.

    Pure: it has no clock (`now` is in seconds on any clock that never goes back), does no I/O, and
    equal calls lead to equal decisions. For each request, call `start`, and then exactly one of
    `finish` and `abandon`.

    Args:
        max_rate: The highest rate, in requests a second, whatever the service allows.
        initial_rate: The first rate, in requests a second.
        max_in_flight: The most requests in flight, all kinds together.
        max_hint: How long a hint holds anything back at most, in seconds.
    """

    def __init__(
        self,
        *,
        max_rate: float,
        initial_rate: float,
        max_in_flight: int,
        max_hint: float = 300.0,
    ) -> None:
        self.max_rate: float = max_rate
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
        self.why: Why = Why.STARTING  # what decided the last answer of `ready_at`

    def ready_at(self, now: float, kind: RequestKind = RequestKind.STATUS) -> float:
        """When a request may start at the earliest. Calling this means there is demand.

        It is inf while as many requests are in flight as may be; call again when one has finished.
        """
        channel = self._status if kind is _STATUS else self._submit
        if self._status.in_flight + self._submit.in_flight >= self._max_in_flight:
            self.why = Why.IN_FLIGHT
            return math.inf
        at, self.why = channel.ready_at(now)
        # All kinds together keep to the caller's maximum.
        bound = self._together.due(self._least_interval)
        if bound > at:
            at, self.why = bound, Why.FREE
        return at

    def start(self, now: float, kind: RequestKind = RequestKind.STATUS) -> None:
        """A request starts now, as `ready_at` allowed."""
        (self._status if kind is _STATUS else self._submit).start(now)
        self._together.start(now, self._least_interval)
        self._retries.earn()

    def finish(self, now: float, signal: Signal, kind: RequestKind = RequestKind.STATUS) -> None:
        """Learn how a request went."""
        channel = self._status if kind is _STATUS else self._submit
        channel.finish(now, signal)
        if signal.outcome is Outcome.OVERLOADED:
            # An overloaded service is so for every kind of request.
            for each in self._channels.values():
                each.pause(now, signal)

    def abandon(self, kind: RequestKind = RequestKind.STATUS) -> None:
        """Forget a request that was cancelled; nothing is learned from it."""
        self._channels[kind].abandon()

    def allow_retry(self) -> bool:
        """Take an early retry from the budget, a tenth of all requests; False if none is left."""
        return self._retries.spend()

    @property
    def rate(self) -> float:
        """Status requests a second allowed now."""
        return self._status.rate

    @property
    def ceiling(self) -> float | None:
        """Status requests a second that the service seems to permit; None if unknown."""
        return self._status.growth.ceiling

    @property
    def window(self) -> float | None:
        """The window over which the service counts requests, in seconds, if it was seen to do so."""
        return self._status.refusals.window

    @property
    def in_flight(self) -> int:
        """Requests in flight, of all kinds."""
        return self._status.in_flight + self._submit.in_flight

    def paused_until(self, now: float) -> float:
        """Until when the longest pause of a kind of requests lasts; -inf if there was none."""
        return max(channel.held_until(now) for channel in self._channels.values())

    def state(self, now: float, wall_now: float) -> dict[str, dict[str, float | int | None]]:
        """What was learned and is worth keeping over a restart, as plain data for JSON.

        A pause is among it: what the service has asked for holds for the next run, too. `wall_now`
        is the time `now` in seconds since 1970.
        """
        return {
            kind.value: {
                "ceiling": channel.growth.ceiling,
                "window": channel.refusals.window,
                "at_once": channel.flight.proven,
                "paused_until": _wall_time(channel.held_until(now), now, wall_now),
            }
            for kind, channel in self._channels.items()
        }

    def remember(self, state: object, now: float, wall_now: float) -> None:
        """Take over what an earlier `state` returned. What is malformed is ignored.

        What was learned is taken over for kinds of requests without a known ceiling. A pause holds
        in any case, but for no longer than a `Retry-After` does: the clocks may differ.
        """
        if not isinstance(state, dict):
            return
        for kind, channel in self._channels.items():
            kept = state.get(kind.value)
            if isinstance(kept, dict):
                if channel.growth.ceiling is None:
                    _remember(channel, kept)
                left = (_positive(kept.get("paused_until")) or 0.0) - wall_now
                if left > 0:
                    until = now + min(left, channel.max_hint)
                    channel.paused_until = max(channel.paused_until, until)


def _wall_time(until: float, now: float, wall_now: float) -> float | None:
    """When a pause ends, in seconds since 1970; None if it is over.

    Rounded up to a millisecond, but for what the two clocks' difference may vary by: so the same pause
    always has the same end.
    """
    if until <= now:
        return None
    return math.ceil((until + (wall_now - now)) * 1000 - 0.001) / 1000


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
