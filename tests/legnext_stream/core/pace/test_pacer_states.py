"""The pacer under any calls in any order: what holds in every state."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from legnext_stream._core.pace.hints import NO_HINTS, Hints
from legnext_stream._core.pace.pacer import Pacer
from legnext_stream._core.pace.signals import Outcome, RequestKind, Signal
from legnext_stream._core.pace.spacing import LATENESS
from tests.effort import examples
from tests.legnext_stream.core.pace.test_pacer import hints, json_values

MAX_RATE = 20.0
MAX_IN_FLIGHT = 5
MAX_HINT = 60.0
LONGEST_WAIT = 2 * MAX_HINT + 300.0
"""Seconds that nothing may start at most: twice a trial request's interval, or 1 / the least rate."""

# How far the calendar is ahead of the clock, seconds.
_WALL = 1.8e9

kinds = st.sampled_from(RequestKind)
numbers = st.none() | st.floats() | st.integers(-1, 10**9)
learned = dict.fromkeys(("ceiling", "window", "at_once"), numbers)
pauses = numbers | st.floats(_WALL, _WALL + 1000)
kept = st.fixed_dictionaries({}, optional={**learned, "paused_until": pauses})
states = st.dictionaries(st.sampled_from([kind.value for kind in RequestKind]), kept) | json_values


def make() -> Pacer:
    """A pacer that knows nothing."""
    return Pacer(
        max_rate=MAX_RATE, initial_rate=10.0, max_in_flight=MAX_IN_FLIGHT, max_hint=MAX_HINT
    )


class Pacers(RuleBasedStateMachine):
    """A pacer, its twin that gets the same calls, and a caller that obeys."""

    def __init__(self) -> None:
        super().__init__()
        self.pacer, self.twin = make(), make()
        self.now = 0.0
        self.under_way: list[tuple[float, RequestKind]] = []
        self.paused_until = dict.fromkeys(RequestKind, -math.inf)
        self.starts: list[float] = []

    def both(self, call: Callable[[Pacer], object]) -> object:
        """Call both; they return the same."""
        told = call(self.pacer)
        assert told == call(self.twin)
        return told

    def ready_at(self, kind: RequestKind) -> float:
        """When a request may start: never in the past, and never far off without a reason."""
        now = self.now
        at = self.both(lambda pacer: pacer.ready_at(now, kind))
        assert isinstance(at, float)
        assert at >= now
        if not self.under_way:
            assert at <= now + LONGEST_WAIT
        return at

    @rule(dt=st.sampled_from([0.0, 0.001, 0.06, 1.0, 20.0]) | st.floats(0, 1000))
    def let_time_pass(self, dt: float) -> None:
        """Nothing happens for a while."""
        self.now += dt

    @rule(kind=kinds, waits=st.booleans(), count=st.integers(1, 8))
    def start(self, kind: RequestKind, count: int, *, waits: bool) -> None:
        """Start requests as soon as possible, or only what may start at this moment."""
        for _ in range(count):
            at = self.ready_at(kind)
            if at > self.now and (at == math.inf or not waits):
                return
            self.now = now = at
            assert now >= self.paused_until[kind], "nothing starts while a Retry-After runs"
            self.both(lambda pacer, now=now: pacer.start(now, kind))  # type: ignore[misc] # mypy can't infer such a lambda
            self.under_way.append((now, kind))
            self.starts.append(now)

    @precondition(lambda self: self.under_way)
    @rule(
        number=st.integers(0, MAX_IN_FLIGHT - 1),
        outcome=st.sampled_from(Outcome),
        said=hints | st.just(NO_HINTS),
        latency=st.none() | st.floats(),
    )
    def finish(
        self, number: int, outcome: Outcome, said: Hints | None, latency: float | None
    ) -> None:
        """One of the requests ends, in any way."""
        now = self.now
        sent_at, kind = self.under_way.pop(number % len(self.under_way))
        took = now - sent_at if latency is None else latency
        signal = Signal(outcome, said, sent_at, took)
        self.both(lambda pacer: pacer.finish(now, signal, kind))
        refused = outcome in {Outcome.LIMITED, Outcome.OVERLOADED}
        if refused and said is not None and said.retry_after is not None:
            until = now + min(said.retry_after, MAX_HINT)
            for each in RequestKind if outcome is Outcome.OVERLOADED else [kind]:
                self.paused_until[each] = max(self.paused_until[each], until)

    @precondition(lambda self: self.under_way)
    @rule(times=st.integers(1, 40), outcome=st.sampled_from(Outcome), lasts=st.floats(0, 2))
    def go_on(self, times: int, outcome: Outcome, lasts: float) -> None:
        """Requests that end alike, each followed by another as soon as possible."""
        for _ in range(times):
            self.now += lasts
            self.finish(0, outcome, NO_HINTS, None)
            self.start(RequestKind.STATUS, 1, waits=True)
            if not self.under_way:
                return

    @rule(at_once=st.integers(1, MAX_IN_FLIGHT - 1), times=st.integers(1, 8))
    def refuse_by_number(self, at_once: int, times: int) -> None:
        """A service that accepts this many at once, given as many as the pacer allows."""
        for _ in range(times):
            self.start(RequestKind.STATUS, MAX_IN_FLIGHT, waits=True)
            self.now += 0.05
            for number in range(len(self.under_way)):
                outcome = Outcome.ANSWERED if number < at_once else Outcome.LIMITED
                self.finish(0, outcome, NO_HINTS, None)
                self.nothing_is_decided_late()

    @precondition(lambda self: self.under_way)
    @rule(number=st.integers(0, MAX_IN_FLIGHT - 1))
    def abandon(self, number: int) -> None:
        """One of the requests is given up."""
        _, kind = self.under_way.pop(number % len(self.under_way))
        self.both(lambda pacer: pacer.abandon(kind))

    @rule()
    def retry(self) -> None:
        """An early retry is requested."""
        self.both(lambda pacer: pacer.allow_retry())

    @rule(state=states)
    def remember(self, state: object) -> None:
        """What an earlier run has learned, right or wrong, is taken over."""
        knew = self.pacer.ceiling
        self.both(lambda pacer: pacer.remember(state, self.now, self.now + _WALL))
        assert knew is None or self.pacer.ceiling == knew, "what was seen is worth more"

    @rule()
    def restart(self) -> None:
        """What was learned goes through JSON into new pacers, and comes out as it was."""
        now, wall = self.now, self.now + _WALL
        state = json.loads(json.dumps(self.both(lambda pacer: pacer.state(now, wall))))
        again = make()
        for _ in range(2):
            again.remember(state, now, wall)
            assert again.state(now, wall) == state

    @invariant()
    def nothing_is_decided_late(self) -> None:
        """What was computed beforehand is what would be computed now."""
        for channel in self.pacer._channels.values():
            decided = channel._interval, channel._why, channel.flight.limit
            channel.decide()
            channel.flight._bound()
            assert (channel._interval, channel._why, channel.flight.limit) == decided

    @invariant()
    def bounds(self) -> None:
        """The numbers are within their bounds, and those of the twin the same."""
        pacer, twin = self.pacer, self.twin
        assert 0 <= pacer.in_flight == len(self.under_way) <= MAX_IN_FLIGHT
        assert 1 <= pacer._status.flight.limit <= MAX_IN_FLIGHT
        assert 0 < pacer.rate <= MAX_RATE
        assert pacer.ceiling is None or 0 < pacer.ceiling <= MAX_RATE
        assert (pacer.rate, pacer.why) == (twin.rate, twin.why)
        now, wall = self.now, self.now + _WALL
        assert pacer.state(now, wall) == twin.state(now, wall)

    def teardown(self) -> None:
        """In no period did more requests start than the highest rate allows."""
        for i, early in enumerate(self.starts):
            for j in range(i + 1, len(self.starts)):
                allowed = 1 + (self.starts[j] - early + LATENESS) * MAX_RATE
                assert j - i + 1 <= allowed + 1e-6


TestPacers = Pacers.TestCase
TestPacers.settings = settings(examples(100), stateful_step_count=40)
