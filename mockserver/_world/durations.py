"""How long things take: distributions of durations, and the run times of jobs.

A distribution is given by its quantile function: it takes a number in [0, 1) and returns seconds.
The number is keyed to a job (see `randomness`), so a duration is a pure function of the seed.

A job's run time is decided by a `RunTimes`, any callable from a `Start` to seconds (or to a `Run`,
which can also make the job fail). The distributions here are such callables themselves:
`World(run_times=Lognormal(45, 0.25))`. A service that becomes slower halfway is a function:

    >>> usual = Lognormal(45, 0.25)
    >>> def drifting(start: Start) -> float:
    ...     return usual(start) * (2 if start.index >= 500 else 1)
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from statistics import NormalDist
from typing import Any, Final, Protocol, TypeAlias

import attrs
from attrs.validators import deep_iterable, ge, gt, min_len

from mockserver._world.checks import is_seconds
from mockserver._world.kinds import Family
from mockserver._world.randomness import Draws
from mockserver._world.scripts import Failure
from mockserver._world.tasks import TASKS

_STANDARD_NORMAL = NormalDist()
# The quantile of zero is minus infinity; this is the smallest number that has a finite one.
_SMALLEST = 1e-300
# And that of one is infinity; a share just below one may be rounded to it.
_LARGEST = math.nextafter(1.0, 0.0)


class Distribution(Protocol):
    """Durations with probabilities."""

    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations are below; `share` is in [0, 1)."""
        ...


def seconds_at(duration: float | Distribution, share: float) -> float:
    """A duration in seconds, if it is one, or what `share` of a distribution's are below."""
    return duration if isinstance(duration, (int, float)) else duration.quantile(share)


@attrs.frozen
class Start:
    """All that the run time of a job may depend on.

    Attributes:
        job_id: The job.
        index: How many jobs were added before it.
        task_type: Its task type, e.g. `"diffusion"`.
        started_at: When it begins processing, in seconds since the world's start.
        draws: Its random numbers, by purpose.
    """

    job_id: str
    index: int
    task_type: str
    started_at: float
    draws: Draws


@attrs.frozen
class Run:
    """How one job's processing goes.

    Attributes:
        seconds: From the beginning of processing to the end.
        failure: Why it fails, or None if it completes.
    """

    seconds: float = attrs.field(validator=is_seconds)
    failure: Failure | None = None


RunTimes: TypeAlias = Callable[[Start], float | Run]
"""Decides how long a job runs: seconds, or a `Run` to decide failure as well.

For plain seconds the world's settings decide which jobs fail.
"""


class Drawn(Family, ABC):
    """Base of the distributions, each of which can be used as `RunTimes`."""

    __slots__ = ()

    @abstractmethod
    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations are below; `share` is in [0, 1)."""

    def __call__(self, start: Start) -> float:
        """The run time of the job that starts, in seconds."""
        return self.quantile(start.draws.uniform("run time"))


def _above_low(instance: Any, _attribute: object, value: float) -> None:  # noqa: ANN401 - has a low
    if value <= instance.low:
        raise ValueError(f"high must be above low ({instance.low}), not {value}")


@attrs.frozen
class Fixed(Drawn):
    """Always the same duration.

    Attributes:
        seconds: The duration.
    """

    seconds: float = attrs.field(validator=ge(0))

    def quantile(self, share: float) -> float:  # noqa: ARG002 - as all distributions
        """The one duration there is, in seconds."""
        return self.seconds


@attrs.frozen
class Uniform(Drawn):
    """Any duration of a range, all equally likely.

    Attributes:
        low: The shortest, in seconds.
        high: The longest, in seconds.
    """

    low: float = attrs.field(validator=ge(0))
    high: float = attrs.field(validator=_above_low)

    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations are below."""
        return self.low + share * (self.high - self.low)


@attrs.frozen
class Lognormal(Drawn):
    """A duration whose logarithm is normally distributed, optionally cut to a range.

    Attributes:
        median: Half of all durations are below it (before the cut), in seconds.
        sigma: The standard deviation of the logarithm.
        low: No duration is shorter, in seconds.
        high: No duration is longer, in seconds.
    """

    median: float = attrs.field(validator=gt(0))
    sigma: float = attrs.field(validator=gt(0))
    low: float = attrs.field(default=0.0, validator=ge(0))
    high: float = attrs.field(default=math.inf, validator=_above_low)

    def _share_below(self, seconds: float) -> float:
        """The share of the uncut distribution."""
        if seconds <= 0:
            return 0.0
        if seconds == math.inf:
            return 1.0
        return _STANDARD_NORMAL.cdf(math.log(seconds / self.median) / self.sigma)

    @classmethod
    def within(cls, low: float, high: float) -> Lognormal:
        """The distribution that fits a published range of `low` to `high` seconds.

        Without the cut, nine of ten durations would be within the range; with it, all are.
        """
        # 1.645 standard deviations either side of the middle hold 90 % of a normal distribution.
        sigma = math.log(high / low) / (2 * 1.645)
        return cls(median=math.sqrt(low * high), sigma=sigma, low=low, high=high)

    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations are below."""
        floor, ceiling = self._share_below(self.low), self._share_below(self.high)
        uncut = floor + share * (ceiling - floor)
        normal = _STANDARD_NORMAL.inv_cdf(min(max(uncut, _SMALLEST), _LARGEST))
        seconds = self.median * math.exp(self.sigma * normal)
        # Rounding may step over the edges of the range by the last bit.
        return min(max(seconds, self.low), self.high)


def _in_order(seconds: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted(seconds))


@attrs.frozen
class Empirical(Drawn):
    """Durations as they were observed, e.g. those of last night's jobs.

    Quantiles are interpolated between two observed durations: drawn from the list alone, the jobs
    of a large world would end in a few heaps, at the very same ages. None is shorter or longer than
    what was observed.

    Attributes:
        seconds: The durations, in any order; kept from the shortest to the longest.

    Raises:
        ValueError: There is none, or one that no run can take.
    """

    seconds: tuple[float, ...] = attrs.field(
        converter=_in_order, validator=[min_len(1), deep_iterable(is_seconds)]
    )

    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations are below."""
        place = share * (len(self.seconds) - 1)
        below = int(place)
        shorter = self.seconds[below]
        if below + 1 == len(self.seconds):
            return shorter
        longer = self.seconds[below + 1]
        # Rounding may step over the longer one by the last bit.
        return min(shorter + (place - below) * (longer - shorter), longer)


@attrs.frozen
class PerType:
    """Run times that depend on the task type.

    Attributes:
        by_type: The run times of the task types named here.
        otherwise: The run times of all others.
    """

    by_type: Mapping[str, RunTimes]
    otherwise: RunTimes

    def __call__(self, start: Start) -> float | Run:
        """How the job that starts runs."""
        return self.by_type.get(start.task_type, self.otherwise)(start)


def published(factor: float = 1.0) -> PerType:
    """Run times within the published range of each task type, all multiplied by a factor."""

    def within(low: float, high: float) -> Lognormal:
        return Lognormal.within(low * factor, high * factor)

    by_type = {name: within(*task.typical_run) for name, task in TASKS.items()}
    return PerType(by_type, otherwise=within(30, 90))


TYPICAL: Final = published()
"""Run times within the published range of each task type."""
