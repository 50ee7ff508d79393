"""When all will be over: judged against worlds in which it is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.schedule.time_left import Outlook, TimeLeft, longest
from legnext_stream._core.watched import Watched
from mockserver._world import (
    TASKS,
    Limit,
    Lognormal,
    PerType,
    Run,
    Start,
    TokenBucket,
    Uniform,
    Unlimited,
    World,
)
from mockserver._world.scripts import FAILURES
from mockserver._world.slots import Order
from tests.legnext_stream.core.schedule.support import USUAL, Watch

SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95)
"""The shares of ended jobs at which what is said is compared with what comes."""
SEEDS = range(3)


def usual(seed: int, *, slots: int | None = 12, order: Order = "fifo", jobs: int = 150) -> World:
    """Jobs of one kind, all submitted at once."""
    world = World(seed, slots=slots, order=order, run_times=USUAL)
    world.add_jobs(jobs, at=0.0)
    return world


def spread(seed: int) -> World:
    """Run times that differ twice as much."""
    world = World(seed, slots=12, run_times=Lognormal(45.0, 0.5))
    world.add_jobs(150, at=0.0)
    return world


def tail(seed: int) -> World:
    """One in twenty fails at once, and one in ten takes five times as long."""
    slow, early = Lognormal(225.0, 0.25), Uniform(0.0, 5.0)

    def run_times(start: Start) -> float | Run:
        share = start.draws.uniform("fate")
        if share < 0.05:
            return Run(early(start), FAILURES[0])
        return (slow if share < 0.15 else USUAL)(start)

    world = World(seed, slots=12, run_times=run_times)
    world.add_jobs(150, at=0.0)
    return world


def mixed(seed: int) -> World:
    """Four task types, from 20 s to 300 s, in turn."""
    names = ("diffusion", "upscale", "shorten", "video-diffusion")
    types = {name: Lognormal.within(*TASKS[name].typical_run) for name in names}
    world = World(seed, slots=12, run_times=PerType(types, otherwise=USUAL))
    for turn in range(120):
        world.add_job(names[turn % 4], at=0.0)
    return world


def shared(seed: int) -> tuple[World, list[str]]:
    """Of the jobs in line for the slots every other is somebody else's, and the next is drawn at random."""
    world = World(seed, slots=24, order="random", run_times=USUAL)
    return world, world.add_jobs(240, at=0.0)[::2]


def crush(seed: int) -> World:
    """All run at once, and requests are scarce: the news of the ends takes longer than the ends."""
    world = World(seed, slots=None, run_times=USUAL)
    world.add_jobs(300, at=0.0)
    return world


SCARCE: Mapping[Callable[[int], World], Limit] = {crush: TokenBucket(3.0, 3)}
"""The limits on requests in those worlds that have one."""


def said_and_come(
    world: World, ids: Sequence[str] = (), limit: Limit | None = None
) -> list[tuple[TimeLeft, float]]:
    """What was said, at some points of a watch over a world's jobs, and how long it took."""
    ids = ids or list(world.job_ids())
    jobs = len(ids)
    said: list[tuple[float, TimeLeft]] = []
    marks = [math.ceil(share * jobs) for share in SHARES]

    def look(made: Watch, now: float) -> None:
        ended = jobs - made.tracker.active
        if marks and ended >= marks[0]:
            left = made.tracker.time_left(now)
            assert left is not None
            said.append((now, left))
            while marks and ended >= marks[0]:
                del marks[0]

    made = Watch(world, pacing=Pacing(), each=look, limit=limit or Unlimited())
    made.add(ids)
    made.run()
    return [(left, made.now - now) for now, left in said]


WORLDS: list[Callable[[int], World]] = [
    usual,
    lambda seed: usual(seed, slots=48, jobs=240),
    lambda seed: usual(seed, slots=3, jobs=40),
    lambda seed: usual(seed, order="random"),
    lambda seed: usual(seed, slots=None, jobs=200),
    spread,
    tail,
    mixed,
    crush,
]
NAMES = [
    "line",
    "many slots",
    "few slots",
    "unfair",
    "no slots",
    "spread",
    "tail",
    "mixed",
    "crush",
]


@pytest.mark.parametrize("make", WORLDS, ids=NAMES)
def test_the_true_end_lies_within_the_band(make: Callable[[int], World]) -> None:
    """In four cases of five at least, once a tenth has ended; the middle is there from the half on."""
    limit = SCARCE.get(make, Unlimited())
    runs = [said_and_come(make(seed), limit=limit.fresh()) for seed in SEEDS]
    held = [left.low <= came <= left.high for run in runs for left, came in run]
    assert len(held) >= 5 * len(SEEDS)
    assert sum(held) >= 0.8 * len(held)
    ratios = sorted(left.middle / came for run in runs for left, came in run[-4:-1])
    assert 0.75 < ratios[len(ratios) // 2] < 1.33


def test_slots_that_others_get_are_not_counted() -> None:
    """They were seen to come free, and nobody of ours was found in them; so fewer end than should."""
    runs = [said_and_come(*shared(seed)) for seed in SEEDS]
    ratios = sorted(left.middle / came for run in runs for left, came in run[2:-1])
    assert 0.75 < ratios[len(ratios) // 2] < 1.33
    assert outlook(running(4), waiting=100, freed=20, every=10.0).middle == pytest.approx(
        outlook(running(5), waiting=99).middle, rel=0.1
    )


def test_the_band_is_of_use() -> None:
    """In a plain line it is no wider than half of what it says, until the last few jobs run."""
    for seed in SEEDS:
        for left, _ in said_and_come(usual(seed))[:5]:
            assert left.high - left.low < 0.5 * left.middle


def outlook(
    jobs: Iterable[Watched],
    *,
    waiting: int,
    timeout: float = math.inf,
    freed: int = 0,
    every: float = 0.0,
) -> TimeLeft:
    """What is said of these running jobs, and of so many more that seem to wait.

    So many slots have come free, one at a time, `every` so many seconds.
    """
    run_times = RunTimes(30.0, 90.0)
    for _ in range(40):
        run_times.ended(0.0, 50.0)
    jobs, made = list(jobs), Outlook(timeout)
    for number in range(freed):
        made.freed(number * every, len(jobs), waiting)
    return made.time_left(100.0, jobs, like=run_times, running=len(jobs), waiting=waiting)


def running(number: int, *, started_at: float = 80.0) -> list[Watched]:
    """Jobs that run since then, and were last seen to do so then."""
    return [
        Watched(f"job-{n}", started_at=started_at, counted_at=started_at) for n in range(number)
    ]


def test_more_jobs_take_longer_and_more_slots_less() -> None:
    """By about as much as there are more."""
    few, many = outlook(running(10), waiting=100), outlook(running(10), waiting=1000)
    assert many.middle / few.middle == pytest.approx(1000 / 100, rel=0.2)
    assert outlook(running(100), waiting=1000).middle == pytest.approx(many.middle / 10, rel=0.2)


def test_a_slot_that_came_free_is_in_use_though_nobody_was_found_in_it() -> None:
    """Until somebody is; and never are more in such slots than seem to wait."""
    some_found = outlook(running(6), waiting=100, freed=6)
    assert some_found.middle == pytest.approx(outlook(running(12), waiting=94).middle, rel=0.05)
    assert outlook([], waiting=3, freed=50).high < 200.0
    made = Outlook(math.inf)
    made.found()
    made.freed(0.0, 0, 10)
    made.found()
    like = RunTimes(30.0, 90.0)
    fresh = Outlook(math.inf).time_left(0.0, [], like=like, running=0, waiting=10)
    for _ in range(2):
        assert made.time_left(0.0, [], like=like, running=0, waiting=10) == fresh


def test_the_end_of_a_job_that_hangs_is_its_timeout() -> None:
    """It won't run for longer, for then it is given up."""
    left = outlook(running(1, started_at=-440.0), waiting=0, timeout=600.0)
    assert left.high <= 600.0 - 540.0 + 10.0
    assert outlook(running(1, started_at=-600.0), waiting=0, timeout=600.0).high < 0.1
    assert 20.0 <= outlook([], waiting=1, timeout=20.0).high < 30.0


def test_a_job_that_may_have_started_at_any_time() -> None:
    """Is taken to have begun."""
    job = Watched("job", started_at=-math.inf)
    assert outlook([job], waiting=0).middle == pytest.approx(50.0, rel=0.2)


def test_the_longest_of_several() -> None:
    """All are over when the last of them is."""
    assert longest([]) is None
    assert longest([TimeLeft(1.0, 2.0, 9.0), TimeLeft(2.0, 3.0, 4.0)]) == TimeLeft(2.0, 3.0, 9.0)
    assert TimeLeft(1.0, 2.0, 9.0).at_least(4.0) == TimeLeft(3.0, 4.0, 9.0)
