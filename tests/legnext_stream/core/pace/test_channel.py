"""One kind of request: how all that was learned becomes one decision."""

from __future__ import annotations

import pytest

from legnext_stream._core.pace.channel import LONGEST_TROUBLE, Channel
from legnext_stream._core.pace.growth import BETA, Growth, Phase
from legnext_stream._core.pace.hints import Hints
from legnext_stream._core.pace.in_flight import InFlight
from legnext_stream._core.pace.quota import Quota
from legnext_stream._core.pace.refusals import Refusals
from legnext_stream._core.pace.signals import Outcome, Signal, Why

OVERLOADED = Outcome.OVERLOADED


def make(max_rate: float = 50.0, initial_rate: float = 10.0, at_once: int = 20) -> Channel:
    """A channel of which nothing is known."""
    return Channel(
        growth=Growth(max_rate, initial_rate),
        flight=InFlight(at_once),
        refusals=Refusals(longest_gap=300.0),
        quota=Quota(300.0),
        max_hint=300.0,
    )


def ask(
    channel: Channel,
    count: int,
    now: float,
    outcome: Outcome = Outcome.ANSWERED,
    hints: Hints | None = None,
) -> float:
    """Make requests one after the other, each as early as possible; return the time."""
    for _ in range(count):
        now = channel.ready_at(now)[0]
        channel.start(now)
        channel.finish(now + 0.01, Signal(outcome, hints, now, 0.01))
        now += 0.01
    return now


def held(ceiling: float = 10.0) -> tuple[Channel, float]:
    """A channel on the plateau of a known ceiling, and the time."""
    channel = make()
    channel.growth.settle(ceiling)
    now = ask(channel, 60, 0.0)
    assert channel.ready_at(now)[1] is Why.HOLDING
    return channel, now


def to_probe(channel: Channel, now: float) -> float:
    """Continue until a probe begins; return the time."""
    while channel.growth.phase is not Phase.PROBING:
        now = ask(channel, 1, now)
    return now


def test_why() -> None:
    """Each state says what it is."""
    channel = make()
    assert channel.ready_at(0.0) == (0.0, Why.STARTING)
    now = ask(channel, 100, 0.0)
    assert channel.ready_at(now)[1] is Why.FREE
    now = ask(channel, 1, now, Outcome.LIMITED)
    assert channel.ready_at(now)[1] is Why.RECOVERING
    now = ask(channel, 3, now, Outcome.LIMITED)
    assert channel.ready_at(now)[1] is Why.BACKING_OFF
    now = ask(channel, 1, now, Outcome.LIMITED, Hints(retry_after=7.0))
    assert channel.ready_at(now)[1] is Why.PAUSED
    assert channel.ready_at(now)[0] == pytest.approx(now + 7.0)
    full = make(at_once=1)
    full.start(0.0)
    assert full.ready_at(1.0)[1] is Why.IN_FLIGHT
    full.abandon()
    assert full.ready_at(1.0)[1] is not Why.IN_FLIGHT


def test_a_stated_limit_is_kept() -> None:
    """What remains is spread evenly, as `why` says; when nothing remains, nothing starts until the reset."""
    channel = make()
    now = ask(channel, 1, 0.0, hints=Hints(quota=60, window=60.0, remaining=30, reset_after=61.0))
    assert channel.ready_at(now)[1] is Why.HINT
    assert channel.rate == pytest.approx(0.5, rel=0.02)
    now = ask(channel, 1, now, hints=Hints(quota=60, window=60.0, remaining=0, reset_after=9.0))
    assert channel.ready_at(now)[1] is Why.PAUSED
    assert channel.ready_at(now)[0] == pytest.approx(now + 9.0)


def test_a_probe_comes_after_a_while_and_is_paid_for() -> None:
    """On the plateau a probe begins once the budget for refusals allows it."""
    channel, now = held()
    begun = now
    now = to_probe(channel, now)
    assert channel.ready_at(now)[1] is Why.PROBING
    assert now - begun < 30


def test_no_probe_under_hints() -> None:
    """If the service states its limit, there are no probes."""
    channel = make()
    now = 0.0
    for _ in range(800):
        said = Hints(quota=600, window=60.0, remaining=400, reset_after=41.0)
        now = ask(channel, 1, now, hints=said)
        assert channel.growth.phase is not Phase.PROBING


def test_a_probe_without_demand_is_given_up() -> None:
    """Without demand a probe shows nothing, and the rate returns to the plateau."""
    channel, now = held()
    now = to_probe(channel, now)
    channel.start(now + 60.0)
    assert channel.growth.phase is Phase.HOLDING


def test_a_failed_probe_costs_its_refusals() -> None:
    """The cost of a probe is remembered, and the next one waits until it is earned."""
    channel, now = held()
    now = to_probe(channel, now)
    before = channel._probe_cost
    now = ask(channel, 2, now, Outcome.LIMITED)
    ask(channel, 1, now)
    assert channel._probe_cost > before
    assert channel.growth.ceiling == pytest.approx(10.0, rel=0.1)


def test_room_found_far_beyond_is_the_new_ceiling() -> None:
    """A probe that ended far beyond falls from the recent rate, not from the cycle's."""
    channel, now = held(5.0)
    channel.flight.proven = None
    while not channel.growth.found_room:
        now = ask(channel, 1, now)
    ask(channel, 1, now, Outcome.LIMITED)
    assert channel.growth.ceiling is not None
    assert channel.growth.ceiling > 7.0


def test_trouble_slows_down() -> None:
    """Many 503s and failures lower the rate once a flight, and several in a row pause it."""
    channel, now = held()
    rate = channel.rate
    now = ask(channel, 3, now, Outcome.FAILED)
    assert channel.rate == rate
    assert channel.ready_at(now)[0] < now + 0.2
    now = ask(channel, 12, now, OVERLOADED)
    assert channel.rate < rate * BETA
    assert channel.growth.ceiling == 10.0
    assert channel.ready_at(now)[1] is Why.PAUSED
    now = ask(channel, 4, now + LONGEST_TROUBLE, Outcome.FAILED)
    assert channel.ready_at(now)[1] is Why.TROUBLED
    ask(channel, 200, now, Outcome.FAILED)
    assert channel.rate >= 0.1 * 10.0
    assert channel.paused_until <= now + 201 * (LONGEST_TROUBLE + 1)


def test_trouble_that_passes_is_forgotten() -> None:
    """After answers, a single failure neither pauses nor slows down."""
    channel, now = held()
    now = ask(channel, 3, now, Outcome.FAILED)
    now = ask(channel, 40, now)
    rate = channel.rate
    now = ask(channel, 3, now, Outcome.FAILED)
    assert channel.rate >= rate
    assert channel.ready_at(now)[1] is not Why.PAUSED


def test_a_number_at_once_is_no_rate() -> None:
    """When refusals turn out to depend on the number in flight, the rate's ceiling is dropped."""
    channel = make()
    now = 0.0
    for _ in range(6):
        sent = []
        for _ in range(5):
            now = max(now, channel.ready_at(now)[0])
            if now == float("inf"):
                break
            channel.start(now)
            sent.append(now)
        for nth, at in enumerate(sent):
            outcome = Outcome.ANSWERED if nth < 3 else Outcome.LIMITED
            now += 0.001
            channel.finish(now, Signal(outcome, None, at, now - at))
        now += 0.1
        if channel.flight.proven is not None:
            break
    assert channel.flight.proven == 3


def test_abandoned_requests_leave_nothing() -> None:
    """However many requests are abandoned, the records of them are bounded."""
    channel = make(at_once=4)
    for turn in range(1000):
        channel.start(float(turn))
        channel.abandon()
    channel.abandon()
    assert channel.in_flight == 0
    assert len(channel._started) <= 4 * 4 + 16


def test_a_window_is_probed_over_its_whole_length() -> None:
    """With a known window probes are rarer, since their result shows at its end."""
    channel, now = held()
    channel.refusals.window = 60.0
    begun = now
    now = to_probe(channel, now)
    assert now - begun > 110
