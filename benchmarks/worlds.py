"""The worlds of `docs/polling`: the jobs to watch, and their true run-time distributions.

Each is a function of a seed and a `Change`, and returns a `Scenario`. The worlds that test the limit
are in `limited`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

import attrs

from benchmarks.optimum import Survival, lognormal, mixture, uniform
from mockserver._world.durations import Lognormal, PerType, Run, Start, Uniform
from mockserver._world.limits import Limit, TokenBucket, Unlimited
from mockserver._world.scripts import FAILURES
from mockserver._world.slots import Order
from mockserver._world.tasks import TASKS
from mockserver._world.world import World

MEDIAN: Final = 45.0
SIGMA: Final = 0.25
SLOTS: Final = 12
MIXED: Final = ("diffusion", "variation", "upscale", "describe", "shorten", "video-diffusion")
"""The six task types of `mixed`: the published ranges from 20–40 s to 180–300 s."""
CRUSH_RATE: Final = 20.0


@attrs.frozen
class Change:
    """How a world differs from its description, as factors.

    Attributes:
        median: The median of the run times.
        sigma: The spread of the run times: the standard deviation of their logarithm.
        slots: How many jobs run at the same time.
        limit: How many requests are allowed.
        jobs: How many jobs there are; the quick form has fewer.
    """

    median: float = 1.0
    sigma: float = 1.0
    slots: float = 1.0
    limit: float = 1.0
    jobs: float = 1.0

    def count(self, jobs: int) -> int:
        """The number of jobs after the change."""
        return max(1, round(jobs * self.jobs))

    def queue(self) -> int:
        """How many slots there are."""
        return max(1, round(SLOTS * self.slots))

    def usual(self, longer: float = 1.0) -> Lognormal:
        """The run times, `longer` times as long."""
        return Lognormal(MEDIAN * self.median * longer, SIGMA * self.sigma)

    def survival(self, longer: float = 1.0) -> Survival:
        """The survival function of `usual`."""
        return lognormal(MEDIAN * self.median * longer, SIGMA * self.sigma)


AS_DESCRIBED: Final = Change()


@attrs.frozen(eq=False)
class Scenario:
    """A world with its jobs, and when the watch begins.

    Attributes:
        world: The simulated account.
        job_ids: The jobs to watch, in the order of submission.
        kinds: The kind of each job, a key of `survivals`.
        survivals: The survival function of the run times of each kind.
        begin_at: When the watch begins, in seconds since the world's start.
        limit: The rate limit.
    """

    world: World
    job_ids: Sequence[str]
    kinds: Sequence[str]
    survivals: Mapping[str, Survival]
    begin_at: float = 0.0
    limit: Limit = attrs.field(factory=Unlimited)


Factory = Callable[[int, Change], Scenario]


def _alike(seed: int, change: Change, jobs: int, slots: int | None, order: Order) -> Scenario:
    """Jobs of one kind, all submitted at once."""
    world = World(seed, slots=slots, order=order, run_times=change.usual())
    return _of_one_kind(world, change, jobs)


def _of_one_kind(world: World, change: Change, jobs: int) -> Scenario:
    job_ids = world.add_jobs(change.count(jobs), at=0.0)
    return Scenario(world, job_ids, ["usual"] * len(job_ids), {"usual": change.survival()})


def lone(seed: int, change: Change) -> Scenario:
    """All jobs start at once: no queue, no limit."""
    return _alike(seed, change, 200, None, "fifo")


def queue(seed: int, change: Change) -> Scenario:
    """A thousand jobs waiting for slots."""
    return _alike(seed, change, 1000, change.queue(), "fifo")


def long_queue(seed: int, change: Change) -> Scenario:
    """Ten thousand jobs waiting for slots."""
    return _alike(seed, change, 10_000, change.queue(), "fifo")


def unfair(seed: int, change: Change) -> Scenario:
    """The next job to start is drawn at random from those waiting."""
    return _alike(seed, change, 600, change.queue(), "random")


def crush(seed: int, change: Change) -> Scenario:
    """All jobs start at once, and far fewer requests are allowed than there are jobs."""
    rate = CRUSH_RATE * change.limit
    limit = TokenBucket(rate, max(1, round(rate)))
    world = World(seed, slots=None, run_times=change.usual())
    return attrs.evolve(_of_one_kind(world, change, 2000), limit=limit)


def _published(change: Change, name: str) -> Lognormal:
    low, high = TASKS[name].typical_run
    low, high = low * change.median, high * change.median
    # Wider or narrower around the same centre.
    middle, half = math.sqrt(low * high), math.sqrt(high / low) ** change.sigma
    return Lognormal.within(middle / half, middle * half)


def _survival_of(run_times: Lognormal) -> Survival:
    """The survival function of a lognormal truncated to its range."""
    whole = lognormal(run_times.median, run_times.sigma)
    above_low, above_high = whole(run_times.low), whole(run_times.high)

    def survival(age: float) -> float:
        share = (whole(age) - above_high) / (above_low - above_high)
        return min(1.0, max(0.0, share))

    return survival


def mixed(seed: int, change: Change) -> Scenario:
    """Six task types, each within its published range, in any order."""
    types = {name: _published(change, name) for name in MIXED}
    world = World(
        seed,
        slots=change.queue(),
        run_times=PerType(types, otherwise=types["diffusion"]),
    )
    rng = Random(f"mixed {seed}")
    kinds = [rng.choice(MIXED) for _ in range(change.count(600))]
    job_ids = [world.add_job(kind, at=0.0) for kind in kinds]
    survivals = {name: _survival_of(run_times) for name, run_times in types.items()}
    return Scenario(world, job_ids, kinds, survivals)


def drift(seed: int, change: Change) -> Scenario:
    """`queue`, but the second half of the jobs take twice as long."""
    jobs = change.count(1000)
    usual, slow = change.usual(), change.usual(2.0)

    def run_times(start: Start) -> float:
        return (slow if start.index >= jobs // 2 else usual)(start)

    world = World(seed, slots=change.queue(), run_times=run_times)
    job_ids = world.add_jobs(jobs, at=0.0)
    kinds = ["slow" if index >= jobs // 2 else "usual" for index in range(jobs)]
    survivals = {"usual": change.survival(), "slow": change.survival(2.0)}
    return Scenario(world, job_ids, kinds, survivals)


def tail(seed: int, change: Change) -> Scenario:
    """`queue`, but 5 % fail within 5 s, and 10 % take five times as long."""
    usual, slow, early = change.usual(), change.usual(5.0), Uniform(0.0, 5.0)

    def run_times(start: Start) -> float | Run:
        share = start.draws.uniform("fate")
        if share < 0.05:
            return Run(early(start), FAILURES[0])
        return (slow if share < 0.15 else usual)(start)

    world = World(seed, slots=change.queue(), run_times=run_times)
    job_ids = world.add_jobs(change.count(600), at=0.0)
    survivals = {
        "any": mixture(
            [
                (0.05, uniform(0.0, 5.0)),
                (0.10, change.survival(5.0)),
                (0.85, change.survival()),
            ]
        )
    }
    return Scenario(world, job_ids, ["any"] * len(job_ids), survivals)


def _yesterday(seed: int, change: Change, slots: int | None) -> Scenario:
    world = World(seed, slots=slots, run_times=change.usual())
    scenario = _of_one_kind(world, change, 5000)
    ends = sorted(ended_at(world, job_id) for job_id in scenario.job_ids)
    return attrs.evolve(scenario, begin_at=ends[int(0.9 * len(ends))])


def yesterday_open(seed: int, change: Change) -> Scenario:
    """All submitted at once, no slots, so long ago that 90 % have ended."""
    return _yesterday(seed, change, None)


def yesterday_queue(seed: int, change: Change) -> Scenario:
    """All submitted at once, with slots, so long ago that 90 % have ended; the rest wait or run."""
    return _yesterday(seed, change, change.queue())


def started_at(world: World, job_id: str) -> float:
    """When a job will have started, seconds since the world's start."""
    at = world.started_at(job_id, math.inf)
    if at is None:
        raise ValueError(f"job {job_id} never starts")
    return at


def ended_at(world: World, job_id: str) -> float:
    """When a job will have ended, seconds since the world's start."""
    at = world.ended_at(job_id, math.inf)
    if at is None:
        raise ValueError(f"job {job_id} never ends")
    return at


WORLDS: Final[Mapping[str, Factory]] = {
    "lone": lone,
    "queue 1,000": queue,
    "queue 10,000": long_queue,
    "crush": crush,
    "mixed": mixed,
    "drift": drift,
    "tail": tail,
    "unfair": unfair,
    "yesterday, no slots": yesterday_open,
    "yesterday, 12 slots": yesterday_queue,
}
