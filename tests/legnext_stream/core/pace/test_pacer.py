"""The pacer's laws: what holds whatever the service answers."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legnext_stream._core.pace.hints import Hints
from legnext_stream._core.pace.pacer import Pacer
from legnext_stream._core.pace.signals import Outcome, RequestKind, Signal, Why
from legnext_stream._core.pace.spacing import LATENESS
from tests.effort import examples
from tests.legnext_stream.core.pace.limits import WORLDS, World, run

MAX_RATE = 20.0
MAX_IN_FLIGHT = 5
# A time by the calendar, seconds since 1970.
WALL = 1.8e9

delays = st.floats(0, 100) | st.just(1e300)
hints = st.none() | st.builds(
    Hints,
    retry_after=st.none() | delays,
    quota=st.none() | st.integers(0, 10**9),
    window=st.none() | st.floats(0.001, 1e6),
    remaining=st.none() | st.integers(0, 1000),
    reset_after=st.none() | delays,
)
# One turn: seconds to pass, then what to do, with which outcome and hints.
turns = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.001, 0.02, 0.3, 5.0]) | st.floats(0, 400),
        st.sampled_from(["start", "start", "wait", "wait", "finish", "finish", "abandon"]),
        st.sampled_from(Outcome),
        hints,
        st.sampled_from(RequestKind),
    ),
    max_size=80,
)
Turns = list[tuple[float, str, Outcome, Hints | None, RequestKind]]


class Driver:
    """Plays turns to a pacer, starting only when it allows, and checks the laws at each step."""

    def __init__(self) -> None:
        self.pacer = Pacer(max_rate=MAX_RATE, initial_rate=10.0, max_in_flight=MAX_IN_FLIGHT)
        self.now = 0.0
        self.under_way: list[tuple[float, RequestKind]] = []
        self.starts: dict[RequestKind, list[float]] = {kind: [] for kind in RequestKind}
        self.held: dict[RequestKind, float] = dict.fromkeys(RequestKind, -math.inf)
        self.log: list[tuple[float, Why, float]] = []

    def play(self, script: Turns) -> Driver:
        """Play all turns."""
        for turn in script:
            self.turn(*turn)
            self.check()
        return self

    def turn(
        self, dt: float, act: str, outcome: Outcome, hint: Hints | None, kind: RequestKind
    ) -> None:
        """Play one turn."""
        self.now += dt
        if act in {"start", "wait"}:
            at = self.pacer.ready_at(self.now, kind)
            if act == "wait" and at < math.inf:
                self.now = at
            if at <= self.now:
                self.pacer.start(self.now, kind)
                assert self.now >= self.held[kind]
                self.under_way.append((self.now, kind))
                self.starts[kind].append(self.now)
        elif self.under_way and act == "abandon":
            self.pacer.abandon(self.under_way.pop()[1])
        elif self.under_way:
            sent_at, kind = self.under_way.pop(0)
            said = None if outcome is Outcome.FAILED else hint
            signal = Signal(outcome, said, sent_at, self.now - sent_at)
            self.pacer.finish(self.now, signal, kind)
            refused = outcome in {Outcome.LIMITED, Outcome.OVERLOADED}
            if refused and said is not None and said.retry_after is not None:
                until = self.now + min(said.retry_after, 300.0)
                for each in RequestKind if outcome is Outcome.OVERLOADED else [kind]:
                    self.held[each] = max(self.held[each], until)

    def check(self) -> None:
        """Check what must hold at any time."""
        pacer = self.pacer
        assert pacer.in_flight == len(self.under_way) <= MAX_IN_FLIGHT
        assert 1 <= pacer._status.flight.limit <= MAX_IN_FLIGHT
        assert 0 < pacer.rate <= MAX_RATE
        assert pacer.ceiling is None or 0 < pacer.ceiling <= MAX_RATE
        for kind in RequestKind:
            at = pacer.ready_at(self.now, kind)
            assert at >= self.now
            if not self.under_way:
                # Hints hold for 300 s at most, and so do a trial request's interval and its double.
                assert at <= self.now + 1200
            self.log.append((at, pacer.why, pacer.rate))


@examples(300)
@given(turns)
def test_laws(script: Turns) -> None:
    """In flight, rate and readiness stay within bounds, and no start falls into a pause."""
    Driver().play(script)


@examples(200)
@given(turns)
def test_spacing_law(script: Turns) -> None:
    """No window of w seconds holds more than 1 + (w + LATENESS) * max_rate starts of a kind."""
    for starts in Driver().play(script).starts.values():
        for i, early in enumerate(starts):
            for j in range(i + 1, len(starts)):
                allowed = 1 + (starts[j] - early + LATENESS) * MAX_RATE
                assert j - i + 1 <= allowed + 1e-6


@examples(50)
@given(turns)
def test_deterministic(script: Turns) -> None:
    """Two equal runs decide equally."""
    assert Driver().play(script).log == Driver().play(script).log


def remembering(state: object, now: float = 0.0, wall_now: float = WALL) -> Pacer:
    """A pacer that has taken over a state."""
    pacer = Pacer(max_rate=MAX_RATE, initial_rate=10.0, max_in_flight=5)
    pacer.remember(state, now, wall_now)
    return pacer


@examples(100)
@given(turns)
def test_state_survives(script: Turns) -> None:
    """What was learned goes through JSON and comes back."""
    driver = Driver().play(script)
    state = json.loads(json.dumps(driver.pacer.state(driver.now, WALL)))
    again = remembering(state, 7.0)
    assert again.state(7.0, WALL) == state


def test_what_is_remembered() -> None:
    """Ceiling, window and number at once are taken over, within today's bounds."""
    kept = {"ceiling": 12.0, "window": 1e9, "at_once": 300.0}
    state = {"status": kept, "submit": {"ceiling": -1.0, "window": True, "at_once": "many"}}
    pacer = remembering(state)
    assert pacer.max_rate == MAX_RATE
    assert pacer.ceiling == 12.0
    assert pacer.window == 86_400.0
    assert pacer._status.flight.limit == 5
    nothing = {"ceiling": None, "window": None, "at_once": None, "paused_until": None}
    assert pacer.state(0.0, WALL)["submit"] == nothing


def pausing(seconds: float) -> Pacer:
    """A pacer that was told at 100 s to wait for so long, and at 50 s that submits have to."""
    pacer = Pacer(max_rate=MAX_RATE, initial_rate=10.0, max_in_flight=5)
    for at, kind in ((50.0, RequestKind.SUBMIT), (100.0, RequestKind.STATUS)):
        pacer.start(at, kind)
        signal = Signal(Outcome.LIMITED, Hints(retry_after=seconds), at, 0.01)
        pacer.finish(at, signal, kind)
    return pacer


def test_a_pause_is_remembered() -> None:
    """By the calendar, for each kind of requests, and whatever else is known."""
    pacer = pausing(120.0)
    assert pacer.paused_until(100.0) == 220.0
    state = json.loads(json.dumps(pacer.state(110.0, WALL)))
    again = remembering(state, 3.0, WALL + 20)
    assert again.ready_at(3.0) == (pytest.approx(3.0 + 90, abs=0.002))
    assert again.ready_at(3.0, RequestKind.SUBMIT) == pytest.approx(3.0 + 40, abs=0.002)
    assert again.ready_at(3.0) >= 93.0, "not a moment too early"
    again.remember({"status": {"paused_until": WALL + 21}}, 3.0, WALL + 20)
    assert again.paused_until(3.0) == pytest.approx(93.0, abs=0.002), "the longer one holds"


def test_a_pause_that_is_over_is_none() -> None:
    """It is not in the state, and does not hold the next run up."""
    state = pausing(120.0).state(300.0, WALL)
    assert {kept["paused_until"] for kept in state.values()} == {None}
    state = pausing(120.0).state(110.0, WALL)
    assert remembering(state, 3.0, WALL + 500).ready_at(3.0) == 3.0


@pytest.mark.parametrize("until", [WALL + 1e6, 1e300])
def test_a_remembered_pause_is_bounded(until: float) -> None:
    """No longer than the longest `Retry-After` that is obeyed, however wrong a clock is."""
    pacer = remembering({"status": {"paused_until": until}}, 3.0)
    assert pacer.ready_at(3.0) == 303.0
    assert pacer.ready_at(3.0, RequestKind.SUBMIT) == 3.0


def test_the_same_pause_has_the_same_end() -> None:
    """Whenever it is asked for, so that it is not recorded again and again."""
    pacer, offset = pausing(120.0), 1_796_059_602.2245007
    states = [pacer.state(now, now + offset) for now in (100.1, 123.456789, 169.9)]
    assert states[0] == states[1] == states[2]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["ceiling", "window", "paused_until"]), inner)
    ),
    max_leaves=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values | st.dictionaries(st.sampled_from(["status", "submit"]), json_values))
def test_any_state(state: object) -> None:
    """What is malformed is ignored."""
    pacer = remembering(state)
    assert 0 < pacer.rate <= MAX_RATE


def climb(pacer: Pacer, count: int, outcome: Outcome = Outcome.ANSWERED, now: float = 0.0) -> float:
    """Make `count` requests one after the other, each as early as possible; return the time."""
    for _ in range(count):
        now = pacer.ready_at(now)
        pacer.start(now)
        pacer.finish(now + 0.01, Signal(outcome, None, now, 0.01))
        now += 0.01
    return now


@given(st.integers(0, 300), st.integers(1, 30))
def test_refusals_slow_down(before: int, refusals: int) -> None:
    """After refusals the rate is lower than before, and a little of it is left."""
    pacer = Pacer(max_rate=50.0, initial_rate=10.0, max_in_flight=10)
    now = climb(pacer, before)
    rate = pacer.rate
    climb(pacer, refusals, Outcome.LIMITED, now)
    assert 0 < pacer.rate < rate


def test_one_flight_is_one_signal() -> None:
    """Refusals of requests that were in flight together decrease the rate once."""
    rates = []
    for refused in (1, 8):
        pacer = Pacer(max_rate=50.0, initial_rate=10.0, max_in_flight=20)
        now = 0.0
        sent = []
        for _ in range(8):
            now = pacer.ready_at(now)
            pacer.start(now)
            sent.append(now)
        for at in sent[:refused]:
            pacer.finish(now + 0.1, Signal(Outcome.LIMITED, None, at, 0.1))
        rates.append(pacer.rate)
    assert rates[0] == rates[1]


def test_idle_does_not_grow() -> None:
    """Answers alone don't raise the rate: only demand that waits for tokens does."""
    pacer = Pacer(max_rate=50.0, initial_rate=10.0, max_in_flight=20)
    for second in range(100):
        pacer.start(float(second))
        pacer.finish(second + 0.1, Signal(Outcome.ANSWERED, None, float(second), 0.1))
    assert pacer.rate == 10.0
    climb(pacer, 100, now=200.0)
    assert pacer.rate == 50.0


def test_pause_is_released_spread_out() -> None:
    """After a Retry-After requests come at the pace, not all at once."""
    pacer = Pacer(max_rate=50.0, initial_rate=10.0, max_in_flight=20)
    pacer.start(0.0)
    pacer.finish(0.1, Signal(Outcome.LIMITED, Hints(retry_after=7.0), 0.0, 0.1))
    assert pacer.ready_at(0.1) == pytest.approx(7.1)
    assert pacer.why is Why.PAUSED
    assert pacer.ready_at(0.1, RequestKind.SUBMIT) == 0.1
    pacer.start(7.1)
    assert pacer.ready_at(7.1) > 7.1 + 1 / 50


def test_overload_pauses_every_kind() -> None:
    """The Retry-After of a 503 holds for the whole service."""
    pacer = Pacer(max_rate=50.0, initial_rate=10.0, max_in_flight=20)
    pacer.start(0.0)
    pacer.finish(0.1, Signal(Outcome.OVERLOADED, Hints(retry_after=1e9), 0.0, 0.1))
    for kind in RequestKind:
        assert pacer.ready_at(0.1, kind) == pytest.approx(300.1)


@pytest.mark.parametrize("before", [0, 1, 30])
@pytest.mark.parametrize("later", [0.0, 3.0])
def test_an_answer_in_the_instant_of_a_refusal(before: int, later: float) -> None:
    """A refusal with a Retry-After, then an answer at once or exactly after it: a rate is kept."""
    pacer = Pacer(max_rate=50.0, initial_rate=10.0, max_in_flight=50)
    for _ in range(before):
        pacer.start(5.0)
        pacer.finish(5.0, Signal(Outcome.ANSWERED, None, 5.0, 0.0))
    pacer.start(5.0)
    pacer.finish(5.0, Signal(Outcome.LIMITED, Hints(retry_after=3.0), 5.0, 0.0))
    pacer.start(5.0 + later)
    pacer.finish(5.0 + later, Signal(Outcome.ANSWERED, None, 5.0 + later, 0.0))
    assert 0 < pacer.rate <= 50.0
    assert 8.0 <= pacer.ready_at(5.0 + later) < 11.0


def test_the_slowest_pace() -> None:
    """One request in three hours is a pace too, whatever the service says."""
    pacer = Pacer(max_rate=1e-4, initial_rate=10.0, max_in_flight=20)
    now = climb(pacer, 5)
    assert now == pytest.approx(4 * 10_000, rel=1e-3)
    said = Hints(quota=100, window=60.0, remaining=50, reset_after=30.0)
    pacer.start(now)
    pacer.finish(now, Signal(Outcome.LIMITED, said, now, 0.0))
    climb(pacer, 5, now=now)
    assert 0 < pacer.rate <= 1e-4


def test_late_caller_keeps_its_rate() -> None:
    """Waking 10 ms late each time loses next to nothing of the rate."""
    pacer = Pacer(max_rate=50.0, initial_rate=50.0, max_in_flight=20)
    now = 0.0
    for _ in range(500):
        now = pacer.ready_at(now) + 0.01
        pacer.start(now)
        pacer.abandon()
    assert 500 / now >= 0.99 * 50


@pytest.mark.parametrize("hint", ["none", "retry", "fields"])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_limits(world: World, hint: str) -> None:
    """In every world of limits: few refusals, most of the limit used, a rise found in time."""
    result = run(world, hint, seed=1)
    assert result.refused <= (0.002 if hint == "fields" and "at once" not in world.name else 0.02)
    assert result.used >= (0.95 if "crush" in world.name else 0.9)
    assert world.rises is None or result.catch_up <= 30
