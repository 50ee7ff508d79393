"""Snapshots of a world."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.durations import Fixed
from mockserver._world.scripts import Script, Step
from mockserver._world.slots import Order
from mockserver._world.world import World
from tests.mockserver.world.actions import ACTIONS, ORDERS, Action, act, made


@given(
    st.integers(0, 9),
    st.none() | st.integers(1, 3),
    ORDERS,
    ACTIONS,
    ACTIONS,
    st.sampled_from(["here", "there"]),
)
def test_a_restored_world_goes_on_as_the_first_did(
    seed: int,
    slots: int | None,
    order: Order,
    before: list[Action],
    after: list[Action],
    where: str,
) -> None:
    """The same changes after a snapshot give the same lives, in this world or an equal one."""
    world = made(seed, slots, order)
    t = 0.0
    for action in before:
        t += action.after
        act(world, action, t)
    begin, snapshot = t, world.snapshot()

    def go_on(world: World) -> object:
        """The lives after the later changes."""
        t = begin
        counts = []
        for action in after:
            t += action.after
            act(world, action, t)
            counts.append((world.counts(t), world.balance(t)))
        return counts, dict(world.truth(1e6)), world.counts(1e6)

    first = go_on(world)
    restored = world if where == "here" else made(seed, slots, order)
    restored.restore(snapshot)
    assert restored.now == snapshot.at
    assert go_on(restored) == first
    # A snapshot serves again: what came of it has left no trace in it.
    restored.restore(snapshot)
    assert go_on(restored) == first


def test_time_goes_back() -> None:
    """Restoring removes jobs added later, and jobs can be added at the snapshot's time."""
    world = World(run_times=Fixed(10))
    kept = world.add_job(at=0)
    world.advance(5)
    snapshot = world.snapshot()
    world.add_job(at=20)
    world.advance(50)
    world.restore(snapshot)
    assert (world.now, list(world.job_ids()), len(world)) == (5, [kept], 1)
    assert world.status(kept, 5) == "processing"
    world.add_job(at=6)
    assert (len(snapshot), snapshot.at) == (1, 5)
    assert repr(snapshot) == "<WorldSnapshot of 1 jobs at 5 s>"


def test_polls_are_counted_from_the_snapshot() -> None:
    """The number of polls a job waits for is restored."""
    world = World()
    job_id = world.add_job(at=0, script=Script([Step("processing", polls=2), "completed"]))
    world.poll(job_id, 1)
    snapshot = world.snapshot()
    for _ in range(2):
        world.poll(job_id, 2)
        assert world.status(job_id, 2) == "completed"
        world.restore(snapshot)
        assert world.status(job_id, 2) == "processing"


def test_a_feed_goes_on_from_the_snapshot() -> None:
    """After a restore a feed reports later changes again, and earlier ones not."""
    world = World(run_times=Fixed(10))
    feed, lazy = world.follow(all_jobs=True), world.follow()
    world.add_job(at=0, callback="http://127.0.0.1/")
    world.add_job(at=0)
    feed.take(5)
    snapshot = world.snapshot()
    assert [change.status for change in feed.take(99)] == ["completed", "completed"]
    world.restore(snapshot)
    assert [change.status for change in feed.take(99)] == ["completed", "completed"]
    assert [change.at for change in lazy.take(99)] == [0, 0.5, 1, 11]


def test_another_worlds_snapshot_is_refused() -> None:
    """A snapshot of another seed is an error."""
    with pytest.raises(ValueError, match="seed 1 doesn't fit seed 2"):
        World(2).restore(World(1).snapshot())
