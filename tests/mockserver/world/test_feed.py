"""Feeds report each change once, in the order of time, and none too early."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.durations import Fixed
from mockserver._world.scripts import Script
from mockserver._world.slots import Order
from mockserver._world.truth import JobChange
from mockserver._world.world import World
from tests.mockserver.world.actions import ACTIONS, ORDERS, Action, act, made

CALLBACK = "http://127.0.0.1/hook"


@given(
    st.integers(0, 9),
    st.none() | st.integers(1, 3),
    ORDERS,
    ACTIONS,
    st.sampled_from(["all", "callback"]),
)
def test_a_feed_reports_every_change_once(
    seed: int, slots: int | None, order: Order, actions: list[Action], who: str
) -> None:
    """After any changes, a feed has reported each change once, and none before `next_at`."""
    all_jobs = who == "all"
    world = made(seed, slots, order)
    feed = world.follow(all_jobs=all_jobs)
    t, taken = 0.0, feed.take(0)
    for action in actions:
        quiet_until = feed.next_at()
        t += action.after
        news = feed.take(t)
        # Nothing has been done since, but time has passed.
        assert all(change.at >= quiet_until for change in news)
        taken += news
        act(world, action, t)
    while (next_at := feed.next_at()) < math.inf:
        assert feed.take(math.nextafter(next_at, -1)) == []
        taken += feed.take(next_at)
    assert feed.take(1e6) == []
    followed = [
        job_id for job_id in world.job_ids() if all_jobs or world.job(job_id, world.now).callback
    ]
    truth = [change for change in world.truth(1e6).changes() if change.job_id in followed]
    assert sorted(taken) == sorted(truth)
    assert [change.at for change in taken] == sorted(change.at for change in taken)
    for job_id in followed:
        assert [c for c in taken if c.job_id == job_id] == [c for c in truth if c.job_id == job_id]


def test_only_jobs_with_a_callback_are_followed() -> None:
    """A feed follows jobs with a callback, or all jobs."""
    world = World(run_times=Fixed(10))
    world.add_job(at=0)
    mine = world.add_job(at=0, callback=CALLBACK)
    feed, every = world.follow(), world.follow(all_jobs=True)
    assert feed.take(0.2) == [JobChange(0, mine, "pending")]
    assert [change.status for change in feed.take(99)] == ["staged", "processing", "completed"]
    assert len(every.take(99)) == 8


def test_changes_at_one_instant_come_in_the_order_of_adding() -> None:
    """At equal times the earlier job comes first, and each job's changes are in order."""
    world = World()
    script = Script([("pending", 0), ("processing", 0), "completed"])
    first, second = (world.add_job(at=1, script=script) for _ in range(2))
    statuses = ("pending", "processing", "completed")
    assert world.follow(all_jobs=True).take(1) == [
        *(JobChange(1, first, status) for status in statuses),
        *(JobChange(1, second, status) for status in statuses),
    ]


def test_the_next_change_is_in_sight() -> None:
    """`next_at` is the next known change, or when a waiting job may start."""
    world = World(slots=1, run_times=Fixed(10))
    feed = world.follow()
    assert feed.next_at() == math.inf
    world.add_job(at=0)
    assert feed.next_at() == math.inf
    world.add_job(at=0, callback=CALLBACK)
    assert feed.next_at() == 0
    feed.take(0)
    assert feed.next_at() == 0.5
    feed.take(0.5)
    assert feed.next_at() == 11  # The first job's end gives it a slot.
    feed.take(11)
    assert feed.next_at() == 11.5


def test_an_earlier_change_is_announced() -> None:
    """`on_news` is called for a new job, a job moved by hand, and a slot that is free early."""
    world = World(slots=1, run_times=Fixed(10))
    feed = world.follow()
    seen: list[float] = []
    feed.on_news = lambda: seen.append(feed.next_at())
    other = world.add_job(at=0)
    world.set_status(other, "retry", 0)
    assert seen == []  # Not followed, and nobody waits for its slot.
    mine = world.add_job(at=0, callback=CALLBACK)
    feed.take(1)
    seen.clear()
    assert feed.next_at() == math.inf
    world.set_status(other, "completed", 2)
    assert seen == [2]
    feed.take(2)
    seen.clear()
    world.release(mine, 2.25)
    assert seen[-1] == 2.25


def test_a_late_feed_reports_past_changes() -> None:
    """A feed that is opened late begins with past changes."""
    world = World(run_times=Fixed(10))
    job_id = world.add_job(at=0, callback=CALLBACK)
    world.advance(5)
    feed = world.follow()
    assert [change.status for change in feed.take(5)] == ["pending", "staged", "processing"]
    world.set_status(job_id, "failed", 5)
    assert feed.take(5) == [JobChange(5, job_id, "failed")]


def test_a_feed_can_be_forgotten() -> None:
    """After `unfollow` a feed isn't kept up to date; a second call does nothing."""
    world = World()
    feed = world.follow(all_jobs=True)
    world.unfollow(feed)
    world.unfollow(feed)
    world.add_job(at=0)
    assert feed.take(99) == []


def test_a_feed_keeps_nothing_of_what_has_ended() -> None:
    """A feed keeps nothing about jobs that have ended."""
    world = World(slots=3, run_times=Fixed(1))
    feed = world.follow(all_jobs=True)
    world.add_jobs(100, at=0)
    assert len(feed.take(1e6)) == 400
    assert not feed._taken
    assert not feed._heap
    assert not feed._waiting
