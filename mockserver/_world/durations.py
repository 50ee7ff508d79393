"""How long things take: distributions, and the run times of jobs.

A distribution is known by its quantile function: give it a number in [0, 1), and it gives seconds.
So the number can be keyed to a job (see `randomness`), and a duration is a pure function of the
seed.

A job's run time is decided by a `RunTimes`, any callable from a `Start` to seconds (or to a `Run`,
which can also say that the job fails). The distributions here are such callables themselves:
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
from typing import Final, Protocol, TypeAlias

import attrs

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
        """The seconds that `share` of all durations stay below; `share` is in [0, 1)."""
        ...


@attrs.frozen
class Start:
    """All that the run time of a job may depend on.

    Attributes:
        job_id: The job.
        index: How many jobs were added before it.
        task_type: Its task type, e.g. `"diffusion"`.
        started_at: When it begins processing, in seconds since the world's start.
        draws: Its random numbers, known by purpose.
    """

    job_id: str
    index: int
    task_type: str
    started_at: float
    draws: Draws


def _finite(_instance: object, _attribute: object, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"a run takes a number of seconds, 0 or more, not {value}")


@attrs.frozen
class Run:
    """How one job's processing goes.

    Attributes:
        seconds: From the beginning of processing to the end.
        failure: Why it fails, or None where it completes.
    """

    seconds: float = attrs.field(validator=_finite)
    failure: Failure | None = None


RunTimes: TypeAlias = Callable[[Start], float | Run]
"""Decides how long a job runs: seconds, or a `Run` to decide failure as well.

For plain seconds the world's `failure_share` decides who fails.
"""


class _RunsAsDrawn(ABC):
    """Makes a distribution usable as `RunTimes`."""

    __slots__ = ()

    @abstractmethod
    def quantile(self, share: float) -> float:
        """As `Distribution` has it."""

    def __call__(self, start: Start) -> float:
        """The run time of the job that starts, in seconds."""
        return self.quantile(start.draws.uniform("run time"))


class _HasLow(Protocol):
    @property
    def low(self) -> float: ...


def _above_low(instance: _HasLow, _attribute: object, value: float) -> None:
    if value <= instance.low:
        raise ValueError(f"high must be above low ({instance.low}), not {value}")


@attrs.frozen
class Fixed(_RunsAsDrawn):
    """Always the same.

    Attributes:
        seconds: The duration.
    """

    seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def quantile(self, share: float) -> float:  # noqa: ARG002 - the protocol has it
        """The one duration there is."""
        return self.seconds


@attrs.frozen
class Uniform(_RunsAsDrawn):
    """Any duration of a range, all alike.

    Attributes:
        low: The shortest, in seconds.
        high: The longest, in seconds.
    """

    low: float = attrs.field(validator=attrs.validators.ge(0))
    high: float = attrs.field(validator=_above_low)

    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations stay below."""
        return self.low + share * (self.high - self.low)


@attrs.frozen
class Lognormal(_RunsAsDrawn):
    """A duration whose logarithm is normally distributed, if need be cut to a range.

    Attributes:
        median: Half of all durations stay below it (before the cut), in seconds.
        sigma: The standard deviation of the logarithm.
        low: No duration is shorter, in seconds.
        high: No duration is longer, in seconds.
    """

    median: float = attrs.field(validator=attrs.validators.gt(0))
    sigma: float = attrs.field(validator=attrs.validators.gt(0))
    low: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    high: float = attrs.field(default=math.inf, validator=_above_low)
    # The shares of the uncut distribution that lie below `low` and below `high`.
    _floor: float = attrs.field(
        default=attrs.Factory(lambda self: self._share_below(self.low), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )
    _ceiling: float = attrs.field(
        default=attrs.Factory(lambda self: self._share_below(self.high), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )

    def _share_below(self, seconds: float) -> float:
        if seconds <= 0:
            return 0.0
        if seconds == math.inf:
            return 1.0
        return _STANDARD_NORMAL.cdf(math.log(seconds / self.median) / self.sigma)

    @classmethod
    def within(cls, low: float, high: float) -> Lognormal:
        """The distribution that fits a published range of `low` to `high` seconds.

        Without the cut, nine of ten durations would lie within the range; with it, all do.
        """
        # 1.645 standard deviations either side of the middle hold 90 % of a normal distribution.
        sigma = math.log(high / low) / (2 * 1.645)
        return cls(median=math.sqrt(low * high), sigma=sigma, low=low, high=high)

    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations stay below."""
        uncut = self._floor + share * (self._ceiling - self._floor)
        normal = _STANDARD_NORMAL.inv_cdf(min(max(uncut, _SMALLEST), _LARGEST))
        seconds = self.median * math.exp(self.sigma * normal)
        # Rounding may step over the edges of the range by the last bit.
        return min(max(seconds, self.low), self.high)


def _in_order(seconds: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted(seconds))


def _are_durations(_instance: object, _attribute: object, seconds: tuple[float, ...]) -> None:
    if not seconds:
        raise ValueError("seconds must be at least one duration that was seen")
    for duration in seconds:
        _finite(None, None, duration)


@attrs.frozen
class Empirical(_RunsAsDrawn):
    """Durations as they were seen, e.g. those of last night's jobs.

    Between two that were seen, all are alike (the quantiles are interpolated): drawn from the list
    alone, the jobs of a large world would end in a few heaps, at the very same ages. None is
    shorter or longer than what was seen.

    Attributes:
        seconds: The durations, in any order; kept from the shortest to the longest.

    Raises:
        ValueError: There is none, or one that no run can take.
    """

    seconds: tuple[float, ...] = attrs.field(converter=_in_order, validator=_are_durations)

    def quantile(self, share: float) -> float:
        """The seconds that `share` of all durations stay below."""
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


TYPICAL: Final = PerType(
    {name: Lognormal.within(*task.typical_run) for name, task in TASKS.items()},
    otherwise=Lognormal.within(30, 90),
)
"""Run times within the published range of each task type."""
