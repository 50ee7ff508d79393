"""Feeds of changes: each told once, in the order of time, and none too early."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mockserver._world import Fixed, JobChange, Order, Script, World
from tests.mockserver.world.deeds import DEEDS, ORDERS, Deed, do, made

CALLBACK = "http://127.0.0.1/hook"


@given(
    st.integers(0, 9),
    st.none() | st.integers(1, 3),
    ORDERS,
    DEEDS,
    st.sampled_from(["all", "callback"]),
)
def test_a_feed_tells_the_truth(
    seed: int, slots: int | None, order: Order, deeds: list[Deed], who: str
) -> None:
    """Whatever is done, what was taken is every change, once; and none comes before it is said."""
    all_jobs = who == "all"
    world = made(seed, slots, order)
    feed = world.follow(all_jobs=all_jobs)
    t, taken = 0.0, feed.take(0)
    for deed in deeds:
        quiet_until = feed.next_at()
        t += deed.after
        news = feed.take(t)
        # Nothing has been done since, but time has passed.
        assert all(change.at >= quiet_until for change in news)
        taken += news
        do(world, deed, t)
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
    """Nobody wants to be told of the other jobs, unless all are asked for."""
    world = World(run_times=Fixed(10))
    world.add_job(at=0)
    mine = world.add_job(at=0, callback=CALLBACK)
    feed, every = world.follow(), world.follow(all_jobs=True)
    assert feed.take(0.2) == [JobChange(0, mine, "pending")]
    assert [change.status for change in feed.take(99)] == ["staged", "processing", "completed"]
    assert len(every.take(99)) == 8


def test_changes_at_one_instant_come_in_the_order_of_adding() -> None:
    """At the same time the earlier job's changes come first, each job's in their own order."""
    world = World()
    script = Script([("pending", 0), ("processing", 0), "completed"])
    first, second = (world.add_job(at=1, script=script) for _ in range(2))
    statuses = ("pending", "processing", "completed")
    assert world.follow(all_jobs=True).take(1) == [
        *(JobChange(1, first, status) for status in statuses),
        *(JobChange(1, second, status) for status in statuses),
    ]


def test_the_next_change_is_in_sight() -> None:
    """A feed knows when to look again: the next dated change, or when a waiting job may start."""
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


def test_who_sleeps_until_the_next_change_is_woken_by_an_earlier_one() -> None:
    """News are a new job, a job that is moved, and a slot that is free before its time."""
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


def test_a_late_follower_is_told_everything() -> None:
    """A feed that begins late begins with what has happened."""
    world = World(run_times=Fixed(10))
    job_id = world.add_job(at=0, callback=CALLBACK)
    world.advance(5)
    feed = world.follow()
    assert [change.status for change in feed.take(5)] == ["pending", "staged", "processing"]
    world.set_status(job_id, "failed", 5)
    assert feed.take(5) == [JobChange(5, job_id, "failed")]


def test_a_feed_can_be_forgotten() -> None:
    """After `unfollow` a world doesn't keep a feed up to date; twice is no error."""
    world = World()
    feed = world.follow(all_jobs=True)
    world.unfollow(feed)
    world.unfollow(feed)
    world.add_job(at=0)
    assert feed.take(99) == []


def test_a_feed_keeps_nothing_of_what_has_ended() -> None:
    """Memory is for jobs that have something to come."""
    world = World(slots=3, run_times=Fixed(1))
    feed = world.follow(all_jobs=True)
    world.add_jobs(100, at=0)
    assert len(feed.take(1e6)) == 400
    assert not feed._taken
    assert not feed._heap
    assert not feed._waiting
