"""When all will be over: an estimate of the last job's end, and how far it may be off.

Jobs that wait are taken to start one after the other as slots come free, each to run as the learned
run times have it. With n waiting jobs, c slots, and run times of mean m and standard deviation s, the
last of them starts after about n·m/c seconds, give or take sqrt(n)·s/c: the time of the n-th renewal of
c renewal processes together (Cox, "Renewal Theory", 1962, chapter 3 and 6). The jobs that started last
did so m/c apart. All is over when the last of them has ended, and each of those that run already: the
chance of that by a time is the product of their chances, each given the age at which the job was last
seen running.

What the run times have been learned from is a sample: their mean is off by s/sqrt(k) after k ended jobs.
And the future is never quite like the past.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Final

import msgspec

from legnext_stream._core.schedule.curve import Curve
from legnext_stream._core.schedule.runtimes import Prospects, RunTimes
from legnext_stream._core.watched import Watched

# The band is to hold nine in ten: a twentieth lies below it, and a twentieth above.
_LOW, _MIDDLE, _HIGH = 0.05, 0.5, 0.95
_SIGMAS: Final = 1.645
# How far the future is off what was learned from the past at least, as a share.
_NEVER_THE_SAME: Final = 0.05
# And how far it is off, as a share, where the jobs that have ended so far were all quicker than most.
_GUESS: Final = 0.5
# Of run times, for their mean and variance. The longest are left out, as the few that hang: of those
# the chances of the last ones speak.
_SHARES: Final = tuple((i + 0.5) / 32 for i in range(32))
# So many jobs are looked through for those that run; the first of them singly, some for the others.
_LOOKED_THROUGH: Final = 2000
_SINGLY: Final = 6
# The time between two ends is an average over so many, and more the more slots there are: jobs that
# started together end together. It may be off by this share, and by a few slots.
_ENDS: Final = 32.0
_OFF, _FEW = 1.25, 2.0
# How far the number of slots is off, as a share, if nobody was found in any of them.
_UNSURE: Final = 0.3
# So many of the last to start are looked at, and stand for the others.
_LOOKED_AT: Final = 8
# Steps of the search for a time, between a hundredth of a second and four months.
_STEPS: Final = 13
_SHORTEST, _LONGEST = math.log(0.01), math.log(1e7)


class _Running(msgspec.Struct, frozen=True, gc=False):
    """A job that runs, or several that are alike.

    Attributes:
        age: How long it has been running, seconds.
        seen: The age at which it was last seen running, seconds.
        left: After how many seconds it would be given up.
        number: How many it stands for.
    """

    age: float
    seen: float
    left: float
    number: float = 1.0


class TimeLeft(msgspec.Struct, frozen=True, gc=False):
    """Seconds until all is over.

    Attributes:
        low: Sooner is unlikely: one time in twenty.
        middle: Later is as likely as sooner.
        high: Later is unlikely.
    """

    low: float
    middle: float
    high: float

    def at_least(self, seconds: float) -> TimeLeft:
        """The same, if so many are needed besides, or a quarter less, or a half more."""
        return TimeLeft(
            max(self.low, 0.75 * seconds),
            max(self.middle, seconds),
            max(self.high, 1.5 * seconds),
        )


def longest(several: Iterable[TimeLeft]) -> TimeLeft | None:
    """Until all of several are over; None if there are none."""
    each = list(several)
    if not each:
        return None
    return TimeLeft(
        max(one.low for one in each), max(one.middle for one in each), max(one.high for one in each)
    )


class Outlook:
    """Says when all will be over, and keeps what that takes beyond what the schedule knows.

    Args:
        timeout: How long a job runs before it is given up, seconds.
    """

    __slots__ = (
        "_ended",
        "_ended_at",
        "_interval",
        "_prospects",
        "_timeout",
        "_typical",
        "_unfound",
    )

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        # How many slots came free into which nobody was found to have gone yet.
        self._unfound = 0
        # Between two ends while some wait, how many intervals that was learned from, and the last end.
        self._interval = 0.0
        self._ended = 0
        self._ended_at = math.inf
        self._prospects: Prospects | None = None
        self._typical = (0.0, 0.0)

    def freed(self, now: float, running: int, waiting: int) -> None:
        """A slot came free, and one of so many that seem to wait has got it, nobody knows which."""
        if self._unfound < waiting:
            self._unfound += 1
        if now >= self._ended_at:
            self._ended += 1
            memory = min(self._ended, _ENDS + 3.0 * (running + self._unfound))
            self._interval += (now - self._ended_at - self._interval) / memory
        self._ended_at = now

    def found(self) -> None:
        """One more job is known to run."""
        if self._unfound:
            self._unfound -= 1

    def time_left(
        self, now: float, jobs: Iterable[Watched], *, like: RunTimes, running: int, waiting: int
    ) -> TimeLeft:
        """When the last of these jobs will have ended.

        Args:
            now: The time, seconds.
            jobs: All jobs that are left, in the order in which they came in.
            like: The run times that theirs are expected to be like.
            running: How many of them are known to run.
            waiting: How many are not.
        """
        prospects = like.prospects
        if prospects is not self._prospects:
            self._prospects, self._typical = prospects, self._of(prospects.likely)
        mean, deviation = self._typical
        unfound: float = min(self._unfound, waiting)
        if self._interval and running + unfound > _OFF * mean / self._interval + _FEW:
            # For so many too few end: others have got the slots.
            unfound = max(mean / self._interval - running, 0.0)
        busy = running + unfound
        slots = max(busy, 1.0)
        # Those that wait for one of the others to end: a slot that is free is taken at once.
        behind = max(waiting - unfound - (slots - busy), 0.0)
        some = self._some(now, jobs, running)
        if unfound:
            some.append(_Running(0.0, 0.0, self._timeout, unfound))
        starts = _last_starts(waiting - unfound, behind, slots, mean)

        def chance(curve: Curve, at: float) -> float:
            """The logarithm of the chance that all is over at a time."""
            total = 0.0
            for job in some:
                if at < job.left:
                    lived = curve.hazard(job.age + at) - curve.hazard(job.seen)
                    total += job.number * _log_share(lived)
            for started_at, number in starts:
                age = at - started_at
                if age < self._timeout:
                    total += number * _log_share(curve.hazard(age) if age > 0.0 else 0.0)
            return total

        low = _when(partial(chance, prospects.hoped), _LOW)
        middle, high = (_when(partial(chance, prospects.likely), each) for each in (_MIDDLE, _HIGH))
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

    def _of(self, curve: Curve) -> tuple[float, float]:
        """Mean and standard deviation of these run times but for the longest, seconds."""
        runs = [min(curve.quantile(share), self._timeout) for share in _SHARES]
        mean = math.fsum(runs) / len(runs)
        return mean, math.sqrt(math.fsum((run - mean) ** 2 for run in runs) / len(runs))

    def _some(self, now: float, jobs: Iterable[Watched], running: int) -> list[_Running]:
        """Of the jobs that run, each of the first, and a few that stand for all others."""
        found = []
        for job in islice(jobs, _LOOKED_THROUGH):
            if job.started_at is not None:
                # Of one that may have started at any time it is only known that it runs.
                age = max(now - job.started_at, 0.0) if job.started_at > -math.inf else 0.0
                left = max(self._timeout - age, 0.0)
                found.append(_Running(age, min(job.counted, age), left))
        first, others = found[:_SINGLY], found[_SINGLY :: max(len(found) // _SINGLY, 1)]
        number = max(running - len(first), 0) / max(len(others), 1)
        return first + [msgspec.structs.replace(job, number=number) for job in others]


def _last_starts(
    waiting: float, behind: float, slots: float, mean: float
) -> list[tuple[float, float]]:
    """When those of the waiting start that start last, and how many jobs each stands for."""
    last = math.ceil(min(waiting, slots))
    looked_at = min(last, _LOOKED_AT)
    each = last / max(looked_at, 1)
    return [((behind - place * each) * mean / slots, each) for place in range(looked_at)]


def _log_share(hazard: float) -> float:
    """The logarithm of the share that has ended where so much hazard has been lived through."""
    return math.log(max(-math.expm1(-hazard), 1e-300))


def _when(chance: Callable[[float], float], share: float) -> float:
    """When the chance that all is over has come to this share, by bisection."""
    wanted, low, high = math.log(share), _SHORTEST, _LONGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if chance(math.exp(middle)) < wanted:
            low = middle
        else:
            high = middle
    return math.exp(high)
