"""The pace of one kind of request: one decision from all that was learned and stated."""

from __future__ import annotations

import math

from msgspec import Struct, field

from legnext_stream._core.pace.growth import MIN_RATE, Growth, Phase
from legnext_stream._core.pace.hints import NO_HINTS
from legnext_stream._core.pace.in_flight import InFlight
from legnext_stream._core.pace.quota import Quota
from legnext_stream._core.pace.refusals import Refusals
from legnext_stream._core.pace.signals import Outcome, Signal, Why
from legnext_stream._core.pace.spacing import LATENESS, Spacing

REFUSALS_EARNED = 1 / 64
"""How many refusals one admitted request pays for. So probing keeps 429s near 1.6 % of requests,
whatever the limit: a probe that costs one refusal is made every 64 requests."""

PROBE_EVERY = 12.0
"""The least time between probes, in seconds, however cheap they are."""

BUCKET_STEP = 0.05
"""A probe's first excess over the ceiling, as a share of the ceiling."""

WINDOW_STEP = 0.08
"""The same if a window is counted: the probe then fails in its last twelfth, not in its middle."""

DOUBLING = 1.0
"""The time in which a climb, or the excess of a probe, doubles, in seconds; more if answers are slow."""

TROUBLE = 0.3
"""The share of 503s and failures among recent outcomes at which to slow down."""

LONGEST_TROUBLE = 30.0
"""The longest time between requests while none is answered, in seconds (unless a Retry-After says
more)."""

IDLE = 1.0
"""After how many seconds without demand admitted requests are counted anew."""

WHY = {
    Phase.CLIMBING: Why.STARTING,
    Phase.RECOVERING: Why.RECOVERING,
    Phase.HOLDING: Why.HOLDING,
    Phase.PROBING: Why.PROBING,
}


class Channel(Struct):
    """Decides when requests of one kind may start.

    The interval between requests, and what decides it, are read several times a request and change
    rarely, so they are computed when they change.
    """

    growth: Growth  # the rate while the service states no limit
    flight: InFlight  # the limit on requests in flight
    refusals: Refusals  # the pattern of refusals
    quota: Quota  # the limit as the service states it
    max_hint: float  # how long a hint holds anything back at most, in seconds
    in_flight: int = 0  # how many requests of this kind are in flight
    paused_until: float = -math.inf  # when the next request may start at the earliest, in seconds
    _spacing: Spacing = field(default_factory=Spacing)
    _number: int = 0  # requests started so far
    # By its start: which one in flight each request was, and its number.
    _started: dict[float, tuple[int, int]] = field(default_factory=dict)
    _trial_gap: float = 0.0
    _budget: float = 0.0  # refusals that probing may cost
    _probe_cost: float = 1.0  # refusals that a failed probe costs, smoothed
    _probe_failed: bool = False  # whether the last block ended a probe
    _pause_cost: float = 0.0  # seconds that a failed probe costs, smoothed
    _since_probe: float = 0.0  # rate-limited seconds
    _eased_at: float = -math.inf
    _troubled: float = 0.0  # the share of 503s and failures, smoothed
    _troubles: int = 0  # in a row
    _troubled_until: float = -math.inf  # until when we wait because there is no answer
    _hint_bound: float | None = None
    _interval: float = math.inf  # seconds from one start to the next
    _why: Why = Why.STARTING

    def __post_init__(self) -> None:
        """Start at the initial rate."""
        self.decide()

    @property
    def rate(self) -> float:
        """Requests a second allowed now."""
        bound = self._hint_bound
        return self.growth.rate if bound is None else min(self.growth.rate, max(MIN_RATE, bound))

    def ready_at(self, now: float) -> tuple[float, Why]:
        """When the next request may start, and what decides that."""
        if self.in_flight >= self.flight.limit:
            return math.inf, Why.IN_FLIGHT
        due = self._spacing.due(self._interval)
        if due < now:
            due = now
        held = self.quota.hold(now, self._number)
        if held < self.paused_until:
            held = self.paused_until
        if held <= due:
            return due, self._why
        # Nobody asked us to wait where nobody answers.
        return held, Why.TROUBLED if held == self._troubled_until else Why.PAUSED

    def held_until(self, now: float) -> float:
        """Until when the service has asked us to wait, or we wait by ourselves; -inf for not at all."""
        return max(self.paused_until, self.quota.hold(now, self._number))

    def start(self, now: float) -> None:
        """Take the token: a request starts now."""
        spacing, growth, interval = self._spacing, self.growth, self._interval
        due = spacing.due(interval)
        late = now - (due if due > self.paused_until else self.paused_until)
        since = now - spacing.last_start
        rate, phase = growth.rate, growth.phase
        if not self.refusals.streak and (late <= LATENESS or late <= interval / 2):
            self._grow(since if since < 2 * interval else 2 * interval)
        elif since > 5 + 2 * interval:
            growth.give_up_probe()
        if growth.rate != rate or growth.phase is not phase:
            self.decide()
        if late > IDLE and not self.refusals.streak:
            # What was admitted while there was little demand says nothing about the limit.
            self.refusals.start_over(now)
        spacing.start(now, interval)
        self.in_flight += 1
        self._number += 1
        self._started[now] = (self.in_flight, self._number)
        if len(self._started) > 4 * self.flight.max_limit + 16:
            del self._started[next(iter(self._started))]  # left by an abandoned request
        if self._number % 16 == 0 or self._hint_bound is not None:
            self._obey_quota(now)

    def abandon(self) -> None:
        """Forget a request in flight."""
        if self.in_flight:
            self.in_flight -= 1

    def finish(self, now: float, signal: Signal) -> None:
        """Take in how a request went."""
        nth, number = self._started.pop(signal.sent_at, (self.in_flight, self._number))
        hints = signal.hints
        if hints is not None and (
            hints is not NO_HINTS or self._hint_bound is not None or self.quota.fresh(now)
        ):
            self.quota.learn(now, hints, number)
            self._obey_quota(now)
        match signal.outcome:
            case Outcome.ANSWERED:
                self._answered(now, signal, nth)
            case Outcome.LIMITED:
                self._limited(now, signal, nth, number)
            case _:
                self._in_trouble(now, signal)
        self.abandon()

    def pause(self, now: float, signal: Signal) -> float:
        """Obey a Retry-After; return how long it holds us back, in seconds."""
        hints = signal.hints
        if hints is None or hints.retry_after is None:
            return 0.0
        pause = min(hints.retry_after, self.max_hint)
        self.paused_until = max(self.paused_until, now + pause)
        return pause

    def _answered(self, now: float, signal: Signal, nth: int) -> None:
        self.flight.answered(now, signal.latency, nth, self.in_flight)
        self._troubles = 0
        self._troubled *= 0.95
        budget, most = self._budget + REFUSALS_EARNED, 2 * self._probe_cost + 1
        self._budget = budget if budget < most else most
        block = self.refusals.admitted(now, signal.sent_at)
        if block is None:
            return
        if self._probe_failed:
            self._probe_cost += 0.3 * (block.refused - self._probe_cost)
            self._pause_cost += 0.3 * (min(block.retry_after, 3.0) - self._pause_cost)
        if block.permitted is not None and not self.quota.fresh(now):
            self.growth.settle(block.permitted, exact=block.windowed)
        # The trial request was admitted: continue at the usual interval from here.
        self.decide()
        self._spacing.hold(now, self._interval)

    def _limited(self, now: float, signal: Signal, nth: int, number: int) -> None:
        pause = self.pause(now, signal)
        self._budget = max(self._budget - 1, -1.0)
        for at, (other, later) in self._started.items():
            if later > number:  # it counted this request, which the service didn't
                self._started[at] = (max(1, other - 1), later)
        proven = self.flight.proven
        if self.flight.refused(now, nth) and not self.refusals.streak:
            if proven is None:
                self.growth.forget()
                self.decide()
            return
        if not self.refusals.refused(now, signal.sent_at, pause):
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
        self._trial_gap = self.refusals.gap(now, 1 / self.rate)
        self.decide()
        self._spacing.hold(now + self._trial_gap, self._interval)

    def _in_trouble(self, now: float, signal: Signal) -> None:
        self._troubled += 0.05 * (1 - self._troubled)
        self._troubles += 1
        if signal.outcome is Outcome.FAILED:
            self.flight.failed()
        if self._troubled > TROUBLE and signal.sent_at >= self._eased_at:
            self._eased_at = now
            self.growth.ease(floor=0.1 * (self.growth.ceiling or self.growth.max_rate))
            self.decide()
        if self._troubles >= 4:
            wait = min(LONGEST_TROUBLE, 0.25 * 2 ** min(20, self._troubles // 4))
            until = now + wait
            if signal.outcome is Outcome.FAILED:
                self._troubled_until = until
            self.paused_until = max(self.paused_until, until)

    def _obey_quota(self, now: float) -> None:
        stated = self.quota.rate(now)
        if stated is not None:
            self.growth.set_ceiling(stated * 1.3)
        self._hint_bound = self.quota.bound(now, self._number)
        self.decide()

    def _grow(self, dt: float) -> None:
        """Let the rate grow for `dt` seconds, in which it was what limited us."""
        growth = self.growth
        if growth.ceiling is None and growth.rate >= growth.max_rate:
            # At the maximum rate, and nothing is refused.
            return
        window = self.refusals.window
        doubling = max(DOUBLING, 4 * self.flight.latency)
        step = BUCKET_STEP
        every = max(PROBE_EVERY, 15 * self._pause_cost)
        if window is not None and growth.ceiling is not None:
            # Whether a window has room shows at its end: probe a whole one, with little excess.
            doubling = max(doubling, window / 2)
            step = max(WINDOW_STEP, 1 / (window * growth.ceiling))
            every = max(every, 2 * window)
        self._since_probe += dt
        if (
            growth.phase is Phase.HOLDING
            and self._since_probe >= every
            and self._budget >= self._probe_cost
            and self._hint_bound is None
        ):
            growth.probe()
        growth.advance(dt, doubling, step)

    def decide(self) -> None:
        """Compute the interval between requests: what it depends on has changed."""
        growth, bound = self.growth, self._hint_bound
        if self.refusals.streak > 1:
            self._interval, self._why = 2 * self._trial_gap, Why.BACKING_OFF
            return
        self._interval = 1 / self.rate
        if bound is not None and bound <= growth.rate:
            self._why = Why.HINT
        elif growth.phase is Phase.CLIMBING and growth.rate >= growth.max_rate:
            self._why = Why.FREE
        else:
            self._why = WHY[growth.phase]
