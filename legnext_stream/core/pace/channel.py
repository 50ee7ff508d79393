"""The pace of one kind of request: the parts that judge, joined into one decision."""

from __future__ import annotations

import math

from attrs import define, field

from legnext_stream.core.pace.growth import MIN_RATE, Growth, Phase
from legnext_stream.core.pace.in_flight import InFlight
from legnext_stream.core.pace.quota import Quota
from legnext_stream.core.pace.refusals import Refusals
from legnext_stream.core.pace.signals import Outcome, Signal, Why
from legnext_stream.core.pace.spacing import LATENESS, Spacing

REFUSALS_EARNED = 1 / 64
"""Refusals that one admitted request pays for. So probing, whatever it meets, keeps 429s near
1.6 % of requests; a probe that costs one is made every 64 requests."""

PROBE_EVERY = 12.0
"""Seconds between probes at least, however cheap they are."""

BUCKET_STEP = 0.05
"""A probe's first excess over the ceiling, as a share of it."""

WINDOW_STEP = 0.08
"""The same where a window is counted: the probe then fails in its last twelfth, not its middle."""

DOUBLING = 1.0
"""Seconds in which a climb, or the excess of a probe, doubles; more when answers are slow."""

TROUBLE = 0.3
"""Share of 503s and failures among late outcomes that is taken as a plea to slow down."""

LONGEST_TROUBLE = 30.0
"""Seconds between requests at most while none is answered (unless a Retry-After says more)."""

WHY = {
    Phase.CLIMBING: Why.STARTING,
    Phase.RECOVERING: Why.RECOVERING,
    Phase.HOLDING: Why.HOLDING,
    Phase.PROBING: Why.PROBING,
}


IDLE = 1.0
"""Seconds without demand after which admitted requests are counted anew."""


@define
class Channel:
    """Decides for one kind of request.

    Attributes:
        growth: the rate while nobody says what it may be.
        flight: the limit on requests in flight.
        refusals: the pattern of blocks.
        quota: what the service says of its limit.
        max_hint: seconds beyond which no hint holds anything back.
        in_flight: requests of this kind under way.
        paused_until: nothing starts before, seconds.
    """

    growth: Growth
    flight: InFlight
    refusals: Refusals
    quota: Quota
    max_hint: float
    in_flight: int = field(default=0, init=False)
    paused_until: float = field(default=-math.inf, init=False)
    _spacing: Spacing = field(factory=Spacing, init=False)
    _number: int = field(default=0, init=False)  # requests started so far
    _under_way: dict[float, tuple[int, int]] = field(factory=dict, init=False)
    _feeler_gap: float = field(default=0.0, init=False)
    _purse: float = field(default=0.0, init=False)  # refusals that we can afford
    _probe_cost: float = field(default=1.0, init=False)  # refusals a failed probe costs, smoothed
    _probe_failed: bool = field(default=False, init=False)  # the last block was a probe's end
    _pause_cost: float = field(default=0.0, init=False)  # seconds a failed probe costs, smoothed
    _since_probe: float = field(default=0.0, init=False)  # limited seconds
    _eased_at: float = field(default=-math.inf, init=False)
    _troubled: float = field(default=0.0, init=False)  # smoothed share of 503s and failures
    _troubles: int = field(default=0, init=False)  # in a row
    _hint_bound: float | None = field(default=None, init=False)

    @property
    def rate(self) -> float:
        """Requests a second allowed now."""
        bound = self._hint_bound
        return self.growth.rate if bound is None else min(self.growth.rate, max(MIN_RATE, bound))

    def ready_at(self, now: float) -> tuple[float, Why]:
        """Say when the next request may start, and what decides that."""
        if self.in_flight >= self.flight.limit:
            return math.inf, Why.IN_FLIGHT
        due = self._spacing.due(self._interval())
        held = max(self.paused_until, self.quota.hold(now, self._number))
        if held > max(due, now):
            return held, Why.PAUSED
        return max(due, now), self._why()

    def start(self, now: float) -> None:
        """Take the token: a request starts now."""
        spacing, interval = self._spacing, self._interval()
        due = max(spacing.due(interval), self.paused_until)
        if not self.refusals.streak and now - due <= max(LATENESS, interval / 2):
            self._grow(min(now - spacing.last_start, 2 * interval))
        elif now - spacing.last_start > 5 + 2 * interval:
            self.growth.give_up_probe()
        if not self.refusals.streak and now - due > IDLE:
            # What got through while there was little to ask says nothing about what may.
            self.refusals.start_over(now)
        spacing.start(now, interval)
        self.in_flight += 1
        self._number += 1
        self._under_way[now] = (self.in_flight, self._number)
        if len(self._under_way) > 4 * self.flight.max_limit + 16:
            del self._under_way[next(iter(self._under_way))]  # left by an abandoned request
        if self._number % 16 == 0 or self._hint_bound is not None:
            self._heed_quota(now)

    def abandon(self) -> None:
        """Forget a request under way."""
        self.in_flight = max(0, self.in_flight - 1)

    def finish(self, now: float, signal: Signal) -> None:
        """Take in how a request went."""
        nth, number = self._under_way.pop(signal.sent_at, (self.in_flight, self._number))
        hints = signal.hints
        if hints is not None:
            self.quota.learn(now, hints, number)
            self._heed_quota(now)
        match signal.outcome:
            case Outcome.ANSWERED:
                self._answered(now, signal, nth)
            case Outcome.LIMITED:
                told = self.pause(now, signal)
                self._limited(now, signal, nth, number, told)
            case _:
                self._in_trouble(now, signal)
        self.in_flight = max(0, self.in_flight - 1)

    def pause(self, now: float, signal: Signal) -> float:
        """Heed a Retry-After; returns the seconds it asked for, as far as we obey."""
        hints = signal.hints
        if hints is None or hints.retry_after is None:
            return 0.0
        told = min(hints.retry_after, self.max_hint)
        self.paused_until = max(self.paused_until, now + told)
        return told

    def _answered(self, now: float, signal: Signal, nth: int) -> None:
        self.flight.answered(now, signal.latency, nth, self.in_flight)
        self._troubles = 0
        self._troubled *= 0.95
        self._purse = min(self._purse + REFUSALS_EARNED, 2 * self._probe_cost + 1)
        block = self.refusals.admitted(now, signal.sent_at)
        if block is None:
            return
        if self._probe_failed:
            self._probe_cost += 0.3 * (block.refused - self._probe_cost)
            self._pause_cost += 0.3 * (min(block.told, 3.0) - self._pause_cost)
        if block.permitted is not None and not self.quota.fresh(now):
            self.growth.settle(block.permitted, exact=block.windowed)
        # The feeler got through: go on evenly from it, not at the feelers' distance.
        self._spacing.hold(now, self._interval())

    def _limited(self, now: float, signal: Signal, nth: int, number: int, told: float) -> None:
        self._purse = max(self._purse - 1, -1.0)
        for at, (other, later) in self._under_way.items():
            if later > number:  # counted a request that took no place
                self._under_way[at] = (max(1, other - 1), later)
        proven = self.flight.proven
        if self.flight.refused(now, nth) and not self.refusals.streak:
            if proven is None:
                self.growth.forget()
            return
        if not self.refusals.refused(now, signal.sent_at, told):
            return
        if self.refusals.streak == 1:
            self._since_probe = 0.0
            self._probe_failed = self.growth.phase is Phase.PROBING
            if self.growth.found_room:
                achieved = self.refusals.recent(now)
                self.refusals.start_over(now)
            else:
                achieved = self.refusals.achieved(now)
            self.growth.fall(achieved or math.inf)
        self._feeler_gap = self.refusals.gap(now, 1 / self.rate)
        self._spacing.hold(now + self._feeler_gap, self._interval())

    def _in_trouble(self, now: float, signal: Signal) -> None:
        self._troubled += 0.05 * (1 - self._troubled)
        self._troubles += 1
        if signal.outcome is Outcome.FAILED:
            self.flight.failed()
        if self._troubled > TROUBLE and signal.sent_at >= self._eased_at:
            self._eased_at = now
            self.growth.ease(floor=0.1 * (self.growth.ceiling or self.growth.max_rate))
        if self._troubles >= 4:
            wait = min(LONGEST_TROUBLE, 0.25 * 2 ** min(20, self._troubles // 4))
            self.paused_until = max(self.paused_until, now + wait)

    def _heed_quota(self, now: float) -> None:
        told = self.quota.rate(now)
        if told is not None:
            self.growth.tell(told * 1.3)
        self._hint_bound = self.quota.bound(now, self._number)

    def _interval(self) -> float:
        if self.refusals.streak > 1:
            return 2 * self._feeler_gap
        return 1 / self.rate

    def _grow(self, dt: float) -> None:
        """Let the rate grow by `dt` seconds in which it was what limited us."""
        window = self.refusals.window
        doubling = max(DOUBLING, 4 * self.flight.latency)
        step = BUCKET_STEP
        every = max(PROBE_EVERY, 15 * self._pause_cost)
        growth = self.growth
        if window is not None and growth.ceiling is not None:
            # Whether a window has room shows at its end: test a whole one with little excess.
            doubling = max(doubling, window / 2)
            step = max(WINDOW_STEP, 1 / (window * growth.ceiling))
            every = max(every, 2 * window)
        self._since_probe += dt
        if (
            growth.phase is Phase.HOLDING
            and self._since_probe >= every
            and self._purse >= self._probe_cost
            and self._hint_bound is None
        ):
            growth.probe()
        growth.advance(dt, doubling, step)

    def _why(self) -> Why:
        if self.refusals.streak > 1:
            return Why.BACKING_OFF
        if self._hint_bound is not None and self._hint_bound <= self.growth.rate:
            return Why.HINT
        if self.growth.phase is Phase.CLIMBING and self.growth.rate >= self.growth.max_rate:
            return Why.FREE
        return WHY[self.growth.phase]
