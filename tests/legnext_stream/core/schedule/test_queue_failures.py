"""The chance of jobs to fail while they wait: how it is learned, and when it is worth a look."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.schedule.curve import OLDEST
from legnext_stream._core.schedule.queue_failures import QueueFailures
from mockserver._world.failures import Failures
from mockserver._world.slots import Order
from mockserver._world.world import World
from tests.legnext_stream.core.schedule.support import USUAL, Watch

AGES = st.floats(0.0, 50_000.0)
PRICES = st.floats(0.01, 10.0)


@given(st.lists(st.tuples(AGES, AGES)), st.lists(AGES), st.floats(10.0, 50_000.0), PRICES)
def test_a_look_is_due_when_the_news_is_worth_it(
    survived: list[tuple[float, float]], failed: list[float], since: float, price: float
) -> None:
    """After the first look, the next comes when the expected undetected news reaches the price."""
    learned = QueueFailures()
    for one, other in survived:
        learned.survived(min(one, other), max(one, other))
    for at in failed:
        learned.failed(0.0, at)
    look = learned.look(since, price)
    assert look > since
    assert learned.undetected(since, look) == pytest.approx(price, rel=1e-6)


@given(AGES, AGES, AGES)
def test_undetected_news_only_grows(since: float, until: float, later: float) -> None:
    """The later a job is looked at, the longer the news of its failure is expected to have waited."""
    since, until, later = sorted((since, until, later))
    learned = QueueFailures()
    assert 0.0 <= learned.undetected(since, until) <= learned.undetected(since, later)


def test_the_first_look_is_early_and_few_come_later() -> None:
    """Nearly all failures come seconds after the submit; a look hours later is rarely worth it."""
    learned = QueueFailures()
    looks = [0.0]
    while looks[-1] < 86_400.0:
        looks.append(learned.look(looks[-1], 0.1))
    assert looks[1] == 6.0
    assert len(looks) <= 10


def test_the_chance_is_learned() -> None:
    """Jobs that fail late bring looks forward; where none ever fails, even the first one is put off."""
    risky, safe = QueueFailures(), QueueFailures()
    for _ in range(20):
        risky.failed(10.0, 50.0)
    for _ in range(10_000):
        safe.survived(0.0, 1_000.0)
    usual = QueueFailures().look(10.0, 0.1)
    assert risky.look(10.0, 0.1) < usual / 10 < usual < safe.look(10.0, 0.1)
    assert safe.look(0.0, 0.1) > 600.0
    assert safe.look(10.0, 1e12) == OLDEST


def watch_of_failing(seed: int, order: Order = "fifo") -> Watch:
    """A watch of 400 jobs of which one in fifty fails at once, without ever having a slot."""
    failures = Failures(submit=0.02)
    world = World(seed, slots=12, order=order, run_times=USUAL, failures=failures)
    made = Watch(world)
    made.add(world.add_jobs(400, at=0.0))
    return made.run()


@pytest.mark.parametrize("seed", range(3))
def test_failures_in_the_queue_are_told_soon(seed: int) -> None:
    """A job that fails while it waits is told within seconds, not when its turn would have come."""
    watch = watch_of_failing(seed)
    assert max(watch.delays()) < 20.0


@pytest.mark.parametrize("seed", range(3))
def test_failures_in_the_queue_say_nothing_about_its_order(seed: int) -> None:
    """Jobs that end without a start don't make the order of the queue fall."""
    watch = watch_of_failing(seed)
    assert watch.tracker._schedule.queue.is_trusted
    assert len(watch.sent) < 13 * 400
