"""The time to completion: when the last job will have ended, and how uncertain that is.

Waiting jobs are assumed to start one after the other as slots are freed, and to run as the learned
run times predict. With n waiting jobs, c slots, and run times of mean m and standard deviation s, the
last of them starts after about n·m/c seconds, give or take sqrt(n)·s/c: the time of the n-th renewal
of c superposed renewal processes (Cox, "Renewal Theory", 1962, chapters 3 and 6). The jobs that
start last do so m/c apart. Everything is over when those have ended and each job that runs already
has: the probability of that by a given time is the product of the jobs' probabilities, each
conditional on the age at which the job was last seen running.

Two uncertainties are added. The run times are learned from a sample, so their mean is off by
s/sqrt(k) after k ended jobs. And the future is never quite like the past.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Final

import msgspec

from legnext_stream._core.schedule.curve import Curve
from legnext_stream._core.schedule.runtimes import Prospects, RunTimes
from legnext_stream._core.watched import Watched

# The band is to hold nine times in ten: a twentieth lies below it, and a twentieth above.
_LOW, _MIDDLE, _HIGH = 0.05, 0.5, 0.95
_SIGMAS: Final = 1.645
# How far the future differs from what was learned from the past at least, as a share.
_NEVER_THE_SAME: Final = 0.05
# How far it differs, as a share, if the jobs that have ended so far were all quicker than most.
_GUESS: Final = 0.5
# The quantiles of run times from which mean and deviation are taken. They leave out the longest run
# times, of the few jobs that hang; those count in the probabilities of the last jobs.
_SHARES: Final = tuple((i + 0.5) / 32 for i in range(32))
# How many jobs are searched for running ones. The first of those are taken one by one, and as many
# represent the others.
_LOOKED_THROUGH: Final = 2000
_SINGLY: Final = 6
# The time between two ends is averaged over this many, and more the more slots there are, since jobs
# that started together end together. It may be off by this share, and by a few slots.
_ENDS: Final = 32.0
_OFF, _FEW = 1.25, 2.0
# How far the number of slots is off, as a share, if no running job was found in any of them.
_UNSURE: Final = 0.3
# How many of the last jobs to start are looked at, to represent the others.
_LOOKED_AT: Final = 8
# Steps of the search for a time, between a hundredth of a second and four months.
_STEPS: Final = 13
_SHORTEST, _LONGEST = math.log(0.01), math.log(1e7)


class _Running(msgspec.Struct, frozen=True, gc=False):
    """A running job, or several alike."""

    age: float  # how long it has been running, in seconds
    seen: float  # the age at which it was last seen running, in seconds
    left: float  # after how many seconds it would be given up
    number: float = 1.0  # how many jobs it represents


class TimeLeft(msgspec.Struct, frozen=True, gc=False):
    """A time to completion, in seconds."""

    low: float  # shorter one time in twenty
    middle: float  # as likely shorter as longer
    high: float  # longer one time in twenty

    def at_least(self, seconds: float) -> TimeLeft:
        """The same, if at least this time is needed, a quarter less or a half more."""
        return TimeLeft(
            max(self.low, 0.75 * seconds),
            max(self.middle, seconds),
            max(self.high, 1.5 * seconds),
        )


def longest(several: Iterable[TimeLeft]) -> TimeLeft | None:
    """The time to the completion of all; None if there are none."""
    each = list(several)
    if not each:
        return None
    return TimeLeft(
        max(one.low for one in each), max(one.middle for one in each), max(one.high for one in each)
    )


class Estimator:
    """Estimates the time to completion, and keeps what that takes beyond what the schedule knows."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        # How many slots were freed without it being known which job got them.
        self._unfound = 0
        # The mean time between two ends while jobs wait, from how many it is, and the last end.
        self._interval = 0.0
        self._ended = 0
        self._ended_at = math.inf
        self._prospects: Prospects | None = None
        self._typical = (0.0, 0.0)

    def slot_freed(self, now: float, running: int, waiting: int) -> None:
        """A slot was freed, and one of this many waiting jobs has got it; which isn't known."""
        if self._unfound < waiting:
            self._unfound += 1
        if now >= self._ended_at:
            self._ended += 1
            memory = min(self._ended, _ENDS + 3.0 * (running + self._unfound))
            self._interval += (now - self._ended_at - self._interval) / memory
        self._ended_at = now

    def start_found(self) -> None:
        """One more job is known or inferred to run."""
        if self._unfound:
            self._unfound -= 1

    def time_left(
        self, now: float, jobs: Iterable[Watched], *, like: RunTimes, running: int, waiting: int
    ) -> TimeLeft:
        """When the last of these jobs, in the order in which they came in, will have ended.

        `running` of them are known or inferred to run, and `waiting` are not. Their run times are
        expected to be like `like`.
        """
        prospects = like.prospects
        if prospects is not self._prospects:
            self._prospects, self._typical = prospects, self._mean_and_deviation(prospects.likely)
        mean, deviation = self._typical
        unfound: float = min(self._unfound, waiting)
        if self._interval and running + unfound > _OFF * mean / self._interval + _FEW:
            # With so many slots, jobs would end faster: some slots went to jobs that aren't ours.
            unfound = max(mean / self._interval - running, 0.0)
        busy = running + unfound
        slots = max(busy, 1.0)
        # Jobs that wait for the end of another: a free slot is taken at once.
        behind = max(waiting - unfound - (slots - busy), 0.0)
        some = self._some_running(now, jobs, running)
        if unfound:
            some.append(_Running(0.0, 0.0, self._timeout, unfound))
        starts = _last_starts(waiting - unfound, behind, slots, mean)

        def log_chance(curve: Curve, seen: Sequence[float], at: float) -> float:
            """The logarithm of the probability that everything is over at a time.

            For each running job, `seen` has the cumulative hazard when it was last seen running.
            """
            total = 0.0
            for job, hazard in zip(some, seen, strict=True):
                if at < job.left:
                    total += job.number * _log_share(curve.hazard(job.age + at) - hazard)
            for started_at, number in starts:
                age = at - started_at
                if age < self._timeout:
                    total += number * _log_share(curve.hazard(age) if age > 0.0 else 0.0)
            return total

        hoped, likely = (
            partial(log_chance, curve, [curve.hazard(job.seen) for job in some])
            for curve in (prospects.hoped, prospects.likely)
        )
        low = _when(hoped, _LOW)
        middle, high = _when(likely, _MIDDLE), _when(likely, _HIGH)
        learned_from = min(like.ended_jobs, like.memory)
        sampled = deviation / mean / math.sqrt(learned_from + 1.0)
        unsure = _UNSURE * unfound / slots if behind else 0.0
        off = math.hypot(sampled, _GUESS * prospects.guessed, unsure, _NEVER_THE_SAME)
        shift = _SIGMAS * math.hypot(math.sqrt(behind) * deviation / slots, middle * off)
        return TimeLeft(
            max(middle - math.hypot(middle - low, shift), 0.0),
            middle,
            middle + math.hypot(high - middle, shift),
        )

    def _mean_and_deviation(self, curve: Curve) -> tuple[float, float]:
        """Mean and standard deviation of run times without the longest, in seconds."""
        runs = [min(curve.quantile(share), self._timeout) for share in _SHARES]
        mean = math.fsum(runs) / len(runs)
        return mean, math.sqrt(math.fsum((run - mean) ** 2 for run in runs) / len(runs))

    def _some_running(self, now: float, jobs: Iterable[Watched], running: int) -> list[_Running]:
        """The first running jobs one by one, and a few that represent all others."""
        found = []
        for job in islice(jobs, _LOOKED_THROUGH):
            if job.started_at is not None:
                # Of a job that may have started at any time, it is only known that it runs.
                age = max(now - job.started_at, 0.0) if job.started_at > -math.inf else 0.0
                left = max(self._timeout - age, 0.0)
                found.append(_Running(age, min(job.counted, age), left))
        first, others = found[:_SINGLY], found[_SINGLY :: max(len(found) // _SINGLY, 1)]
        number = max(running - len(first), 0) / max(len(others), 1)
        return first + [msgspec.structs.replace(job, number=number) for job in others]


def _last_starts(
    waiting: float, behind: float, slots: float, mean: float
) -> list[tuple[float, float]]:
    """When the last of the waiting jobs start, and how many jobs each of these times represents."""
    last = math.ceil(min(waiting, slots))
    looked_at = min(last, _LOOKED_AT)
    each = last / max(looked_at, 1)
    return [((behind - place * each) * mean / slots, each) for place in range(looked_at)]


def _log_share(hazard: float) -> float:
    """The logarithm of the share of jobs that have ended after this cumulative hazard."""
    return math.log(max(-math.expm1(-hazard), 1e-300))


def _when(log_chance: Callable[[float], float], share: float) -> float:
    """When the probability that everything is over reaches this share, by bisection."""
    wanted, low, high = math.log(share), _SHORTEST, _LONGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if log_chance(math.exp(middle)) < wanted:
            low = middle
        else:
            high = middle
    return math.exp(high)
