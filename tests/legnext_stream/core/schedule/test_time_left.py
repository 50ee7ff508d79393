"""The time to completion, judged against worlds in which it is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.schedule.time_left import Estimator, TimeLeft, longest
from legnext_stream._core.watched import Watched
from mockserver._world.durations import Lognormal, PerType, Run, Start, Uniform
from mockserver._world.limits import Limit, TokenBucket, Unlimited
from mockserver._world.scripts import FAILURES
from mockserver._world.slots import Order
from mockserver._world.tasks import TASKS
from mockserver._world.world import World
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
    """Run times that vary twice as much."""
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
    """Every other waiting job belongs to someone else, and the next to start is drawn at random."""
    world = World(seed, slots=24, order="random", run_times=USUAL)
    return world, world.add_jobs(240, at=0.0)[::2]


def crush(seed: int) -> World:
    """All run at once, and requests are so scarce that the events take longer than the jobs."""
    world = World(seed, slots=None, run_times=USUAL)
    world.add_jobs(300, at=0.0)
    return world


SCARCE: Mapping[Callable[[int], World], Limit] = {crush: TokenBucket(3.0, 3)}
"""The limits on requests in those worlds that have one."""


def estimates_and_truth(
    world: World, ids: Sequence[str] = (), limit: Limit | None = None
) -> list[tuple[TimeLeft, float]]:
    """The estimates at some points of a watch over a world's jobs, and the true times."""
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
    """At least four times in five, once a tenth of the jobs has ended."""
    limit = SCARCE.get(make, Unlimited())
    runs = [estimates_and_truth(make(seed), limit=limit.fresh()) for seed in SEEDS]
    held = [left.low <= came <= left.high for run in runs for left, came in run]
    assert len(held) >= 5 * len(SEEDS)
    assert sum(held) >= 0.8 * len(held)
    ratios = sorted(left.middle / came for run in runs for left, came in run[-4:-1])
    assert 0.75 < ratios[len(ratios) // 2] < 1.33


def test_slots_that_others_get_are_not_counted() -> None:
    """They were freed, but none of our jobs got them; so fewer end than expected."""
    runs = [estimates_and_truth(*shared(seed)) for seed in SEEDS]
    ratios = sorted(left.middle / came for run in runs for left, came in run[2:-1])
    assert 0.75 < ratios[len(ratios) // 2] < 1.33
    assert estimate(running(4), waiting=100, freed=20, every=10.0).middle == pytest.approx(
        estimate(running(5), waiting=99).middle, rel=0.1
    )


def test_the_band_is_of_use() -> None:
    """In a simple world it is no wider than half of the estimate, until the last few jobs run."""
    for seed in SEEDS:
        for left, _ in estimates_and_truth(usual(seed))[:5]:
            assert left.high - left.low < 0.5 * left.middle


def estimate(
    jobs: Iterable[Watched],
    *,
    waiting: int,
    timeout: float = math.inf,
    freed: int = 0,
    every: float = 0.0,
) -> TimeLeft:
    """The estimate for these running jobs and this many waiting ones, after slots were freed."""
    run_times = RunTimes(30.0, 90.0)
    for _ in range(40):
        run_times.ended(0.0, 50.0)
    jobs, made = list(jobs), Estimator(timeout)
    for number in range(freed):
        made.slot_freed(number * every, len(jobs), waiting)
    return made.time_left(100.0, jobs, like=run_times, running=len(jobs), waiting=waiting)


def running(number: int, *, started_at: float = 80.0) -> list[Watched]:
    """Jobs that run since then, and were last seen running then."""
    return [
        Watched(f"job-{n}", started_at=started_at, counted_at=started_at) for n in range(number)
    ]


def test_more_jobs_take_longer_and_more_slots_less() -> None:
    """In proportion to their number."""
    few, many = estimate(running(10), waiting=100), estimate(running(10), waiting=1000)
    assert many.middle / few.middle == pytest.approx(1000 / 100, rel=0.2)
    assert estimate(running(100), waiting=1000).middle == pytest.approx(many.middle / 10, rel=0.2)


def test_a_freed_slot_is_in_use_before_its_job_is_found() -> None:
    """Until it is found; and there are never more such jobs than waiting ones."""
    some_found = estimate(running(6), waiting=100, freed=6)
    assert some_found.middle == pytest.approx(estimate(running(12), waiting=94).middle, rel=0.05)
    assert estimate([], waiting=3, freed=50).high < 200.0
    made = Estimator(math.inf)
    made.start_found()
    made.slot_freed(0.0, 0, 10)
    made.start_found()
    like = RunTimes(30.0, 90.0)
    fresh = Estimator(math.inf).time_left(0.0, [], like=like, running=0, waiting=10)
    for _ in range(2):
        assert made.time_left(0.0, [], like=like, running=0, waiting=10) == fresh


def test_the_end_of_a_job_that_hangs_is_its_timeout() -> None:
    """It won't run longer, since then it is given up."""
    left = estimate(running(1, started_at=-440.0), waiting=0, timeout=600.0)
    assert left.high <= 600.0 - 540.0 + 10.0
    assert estimate(running(1, started_at=-600.0), waiting=0, timeout=600.0).high < 0.1
    assert 20.0 <= estimate([], waiting=1, timeout=20.0).high < 30.0


def test_a_job_that_may_have_started_at_any_time() -> None:
    """It is taken to start now."""
    job = Watched("job", started_at=-math.inf)
    assert estimate([job], waiting=0).middle == pytest.approx(50.0, rel=0.2)


def test_the_longest_of_several() -> None:
    """All are over when the last of them is."""
    assert longest([]) is None
    assert longest([TimeLeft(1.0, 2.0, 9.0), TimeLeft(2.0, 3.0, 4.0)]) == TimeLeft(2.0, 3.0, 9.0)
    assert TimeLeft(1.0, 2.0, 9.0).at_least(4.0) == TimeLeft(3.0, 4.0, 9.0)
