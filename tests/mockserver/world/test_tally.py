"""Numbers of jobs by status."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, run_virtual
from mockserver._world.durations import Fixed
from mockserver._world.scripts import TERMINAL
from mockserver._world.slots import Order
from mockserver._world.world import World
from tests.mockserver.helpers import client_of
from tests.mockserver.world.actions import ACTIONS, ORDERS, Action, act, made


@given(st.integers(0, 9), st.none() | st.integers(1, 3), ORDERS, ACTIONS)
def test_counts_are_those_of_the_jobs(
    seed: int, slots: int | None, order: Order, actions: list[Action]
) -> None:
    """After any changes, the numbers are those counted job by job."""
    world = made(seed, slots, order)
    t = 0.0
    for action in actions:
        t += action.after
        act(world, action, t)
        views = [world.job(job_id, t) for job_id in world.job_ids()]
        counted = Counter(view.status for view in views)
        assert world.counts(t) == counted
        balance = world.balance(t)
        frozen = sum(view.points for view in views if view.status not in TERMINAL)
        consumed = sum(view.points for view in views if view.status == "completed")
        assert (balance.frozen, balance.consumed) == (frozen, consumed)
        assert balance.available == 72048 - frozen - consumed


def test_the_past_can_be_counted_too() -> None:
    """Numbers at an earlier time are right, and don't affect the present ones."""
    world = World(run_times=Fixed(10))
    world.add_jobs(2, at=0)
    world.add_job(at=5)
    world.advance(20)
    assert world.counts(3) == {"processing": 2}
    assert world.counts(20) == {"completed": 3}
    assert world.counts(4) == {"processing": 2}
    assert world.counts(12) == {"completed": 2, "processing": 1}
    assert world.counts(-1) == {}
    assert world.counts(20) == {"completed": 3}


def test_an_account_that_rejects_is_full_with_as_many_jobs_as_slots() -> None:
    """With `reject`, unfinished jobs fill the account; with `queue` it is never full."""
    rejecting, queuing = World(slots="reject@2", run_times=Fixed(10)), World(slots="queue@2")
    endless = World(slots=None, when_full="reject")
    for world in (rejecting, queuing, endless):
        assert not world.is_full(0)
        world.add_jobs(2, at=0)
    assert (rejecting.slots, rejecting.when_full) == (2, "reject")
    assert rejecting.is_full(0)
    assert not queuing.is_full(0)
    assert not endless.is_full(0)
    assert not rejecting.is_full(11)


def test_a_full_account_answers_429_on_the_wire() -> None:
    """With `reject@1` the second submit is refused; with `queue@1` it waits."""

    async def submit_two(mock: MockLegnext) -> list[int]:
        async with client_of(mock) as client:
            return [
                (await client.post("/api/v1/diffusion", json={"text": "a cat"})).status_code
                for _ in range(2)
            ]

    rejecting, queuing = MockLegnext(slots="reject@1"), MockLegnext(slots="queue@1")
    assert run_virtual(submit_two, rejecting) == [200, 429]
    assert run_virtual(submit_two, queuing) == [200, 200]
