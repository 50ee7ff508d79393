"""Slots and queues."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.durations import Fixed, Lognormal, Uniform
from mockserver._world.randomness import Randomness
from mockserver._world.scripts import Script
from mockserver._world.slots import Order, Queue, read_slots
from mockserver._world.world import World

ORDERS: st.SearchStrategy[Order] = st.sampled_from(["fifo", "random", "priority"])


def lives(world: World) -> list[tuple[float, float]]:
    """When each job took its slot, and when it freed it."""
    world.advance(1e9)
    return [(changes[1].at, changes[-1].at) for changes in world.truth(1e9).values()]


@given(
    st.integers(0, 99),
    st.integers(1, 6),
    ORDERS,
    st.lists(st.tuples(st.floats(0, 20), st.integers(0, 8)), max_size=12),
)
def test_slots_are_never_exceeded_and_never_idle(
    seed: int, slots: int, order: Order, batches: list[tuple[float, int]]
) -> None:
    """There are never more running jobs than slots, and no job waits while a slot is free."""
    world = World(seed, slots=slots, order=order, run_times=Uniform(0, 10))
    t = 0.0
    for gap, n in batches:
        t += gap
        world.add_jobs(n, at=t)
    spans = lives(world)
    arrivals = [changes[0].at + 0.5 for changes in world.truth(1e9).values()]
    for instant, _ in spans:
        running = sum(begin <= instant < end for begin, end in spans)
        assert running <= slots
    for arrival, (begin, _) in zip(arrivals, spans, strict=True):
        if begin > arrival:
            # It waited: just before it began, every slot was taken.
            just_before = math.nextafter(begin, 0)
            assert sum(b <= just_before < e for b, e in spans) == slots


@given(st.integers(0, 99), st.integers(1, 5), st.integers(1, 60))
def test_fifo_is_first_in_first_out(seed: int, slots: int, n: int) -> None:
    """Jobs take their slots in the order in which they were added."""
    world = World(seed, slots=slots)
    world.add_jobs(n, at=0)
    begins = [begin for begin, _ in lives(world)]
    assert begins == sorted(begins)


def test_random_order_is_random_and_repeatable() -> None:
    """In random order jobs overtake each other, in the same way for the same seed."""

    def begins(seed: int) -> list[float]:
        world = World(seed, slots=1, order="random", run_times=Fixed(1))
        world.add_jobs(30, at=0)
        return [begin for begin, _ in lives(world)]

    assert begins(1) == begins(1) != sorted(begins(1))
    assert begins(1) != begins(2)


def test_the_highest_priority_goes_first() -> None:
    """The waiting job of the highest priority starts, of equals the first."""
    world = World(slots=1, order="priority", run_times=Fixed(1), priorities={"upscale": 5})
    running = world.add_job(at=0)
    world.advance(0.5)
    low = world.add_job(at=0.5, priority=-1)
    plain, plain_too = world.add_jobs(2, at=0.5)
    named = world.add_job("upscale", at=0.5)
    urgent = world.add_job(at=0.5, priority=9)
    demoted = world.add_job("upscale", at=0.5, priority=-2)
    starts = {
        job_id: begin for job_id, (begin, _) in zip(world.job_ids(), lives(world), strict=True)
    }
    assert sorted(starts, key=starts.__getitem__) == [
        running,
        urgent,
        named,
        plain,
        plain_too,
        low,
        demoted,
    ]
    assert world.job(urgent, 1e9).priority == 9


@pytest.mark.parametrize(
    ("slots", "when_full", "meant"),
    [
        (6, "reject", (6, "reject")),
        (None, "queue", (None, "queue")),
        ("queue@6", "reject", (6, "queue")),
        ("reject@12", "queue", (12, "reject")),
    ],
)
def test_slots_can_be_one_word(slots: int | str | None, when_full: Any, meant: object) -> None:  # noqa: ANN401 - also a wrong one
    """`queue@6` and `reject@6` set both the number of slots and what happens when they are full."""
    assert read_slots(slots, when_full) == meant


@pytest.mark.parametrize("word", ["6", "drop@6", "queue@", "queue@x", "queue@-1", "queue@²", "@6"])
def test_other_words_are_no_slots(word: str) -> None:
    """The error for a misspelt word lists the forms."""
    with pytest.raises(ValueError, match="queue@<number> or reject@<number>"):
        read_slots(word, "queue")


def test_impossible_slots_are_refused() -> None:
    """Less than one slot and an unknown `when_full` are errors."""
    with pytest.raises(ValueError, match="slots must be at least 1"):
        read_slots("reject@0", "queue")
    with pytest.raises(ValueError, match="when_full must be 'queue' or 'reject', not 'drop'"):
        read_slots(1, cast("Any", "drop"))


def test_no_limit_means_no_waiting() -> None:
    """Without a limit every job begins at once."""
    world = World(slots=None)
    world.add_jobs(500, at=3)
    assert {begin for begin, _ in lives(world)} == {3.5}


def test_a_job_held_for_ever_keeps_its_slot() -> None:
    """A slot that is never freed is never assigned again."""
    world = World(slots=1)
    world.add_job(at=0, script=Script(["processing"], takes_slot=True))
    waiting = world.add_job(at=0)
    assert world.status(waiting, 1e6) == "pending"


@pytest.mark.parametrize(
    ("slots", "order", "complaint"),
    [(0, "fifo", "slots must be at least 1"), (1, "lifo", "order must be 'fifo', 'random' or")],
)
def test_impossible_queues_are_refused(slots: int, order: Any, complaint: str) -> None:  # noqa: ANN401 - a wrong one
    """Less than one slot and an unknown order are errors."""
    with pytest.raises(ValueError, match=complaint):
        Queue(slots, order, Randomness(0), lambda _job, at: at, lambda _job: 0)


def test_a_hundred_thousand_jobs_are_nothing() -> None:
    """All jobs of a long queue run, and the last one ends on time."""
    world = World(slots=12, run_times=Lognormal(45, 0.25))
    last = world.add_jobs(100_000, at=0)[-1]
    assert world.status(last, 1e9) == "completed"
    ended = world.ended_at(last, 1e9)
    assert ended is not None
    # 12 at a time, 45 s of median: the mean of this lognormal is 46.4 s, and staging takes 0.5.
    assert ended == pytest.approx(100_000 * (46.4 + 0.5) / 12, rel=0.02)
