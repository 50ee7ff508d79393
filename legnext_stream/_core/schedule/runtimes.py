"""How long jobs of one task type run: the distribution, learned while they are watched.

For every bin of ages (see `shapes`) two counts are kept: how many jobs ended in it, and for how long
jobs were seen to run in it, whether they ended or not. Their ratio is the hazard, the rate at which
running jobs of that age end (Nelson, "Hazard plotting for incomplete failure data", J. Quality
Technology 1, 1969, in bins). So running jobs count from the moment they are seen running; without
them run times would seem too short. A job first seen at age `a` adds nothing below `a`, which is all
that left truncation needs.

Three things make few observations go far:

- The published range counts as a few jobs that ended before the first one did.
- A shape (see `shapes`) is fitted to the bins by likelihood and counts in each bin as a few more
  jobs. It extends beyond all ages seen, and gives way to the bins' own counts where those say
  otherwise: two kinds of jobs, early failures, a gap.
- Old counts fade exponentially, by ended jobs and not by the clock: an idle night forgets nothing.
  Ends and run times of an age fade together, so that their ratio isn't biased. When ends come far
  more or far less often than predicted, old counts fade faster until they don't.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from operator import mul
from typing import Any, Final

from msgspec import Struct

from legnext_stream._core.schedule.curve import OLDEST, Curve, clamped
from legnext_stream._core.schedule.fitting import estimate, fit
from legnext_stream._core.schedule.queue_failures import QueueFailures
from legnext_stream._core.schedule.shapes import (
    BINS,
    EDGES,
    LAST,
    SIGMAS,
    WIDTHS,
    bell_at,
    bin_of,
    nearest_sigma,
    shape,
)

# The costs that follow from these numbers hardly depend on them: none is worth tuning to two digits.
# How many jobs a published range counts as.
_PRIOR_JOBS: Final = 2.0
# The range spans this many sigmas, as if it held 90 % of the jobs. Published ranges miss the truth by
# about a quarter besides.
_RANGE_SIGMAS: Final = 2 * 1.645
_RANGE_ERROR: Final = 0.25
# The estimate may be this many updates old; fewer while little has been seen.
_STALE_MOST: Final = 16
# The more jobs run at a time, the less each poll tells. Of more than _STALE_MOST, each counts as that
# share of an update, but not as less than this. So the estimate is renewed about as often as all
# running jobs have been polled once; otherwise a poll of a thousand jobs would cost five times more.
_LEAST_UPDATE: Final = 1 / 8
# Surprise is ends minus predicted ends over about the last _WINDOW jobs, in standard deviations.
# Beyond _SURPRISE the memory is _HASTE times shorter, but not shorter than _HASTY_MEMORY jobs.
_WINDOW: Final = 8.0
_SURPRISE: Final = 2.3
_HASTE: Final = 16.0
_HASTY_MEMORY: Final = 4.0
# No single poll predicts more ends of one job than this, or one job that hangs would be a surprise.
_MOST_PREDICTED: Final = 3.0
# An end that is only known to lie in an interval longer than this (seconds), in which nearly all ends
# were expected anyway, tells nothing; counting it would only reinforce the estimate.
_VAGUE: Final = 2.0
_VAGUE_SHARE: Final = 0.95
# How much earlier, as a share, first polls may be while a type is unknown, and the number of ended
# jobs that halves it.
_SCOUTING: Final = 0.7
_SCOUTED: Final = 4.0
# Where no more jobs than this were at risk, counts tell nothing; the published range counts as two.
_TOO_FEW: Final = 1.5
# How many times as many jobs may be left as the bell predicts, and it is still trusted.
_LENIENCE: Final = 2.0
# The fractional parts of its multiples are spread evenly over 0..1, however many there are (Weyl).
_GOLDEN: Final = (math.sqrt(5.0) - 1.0) / 2.0
# The counts are scaled down when the growing weight of new ones passes this.
_RESCALE: Final = 1e9
_FORMAT: Final = 1


def _zeros() -> array[float]:
    return array("d", bytes(8 * BINS))


class Prospects(Struct, frozen=True, eq=False):
    """Run times for predicting when jobs will end, as opposed to deciding when to poll.

    At ages that few jobs have reached, `RunTimes.curve` expects the worst: a twentieth of all jobs are
    odd, and end far too early or hang. These curves continue there like the bell that fits the rest.
    """

    curve: Curve  # the curve that they were made of
    hoped: Curve  # as if no more jobs will be odd than were seen to be
    likely: Curve  # the same, as far as what was seen agrees with the bell
    guessed: float  # the share of jobs (0 to 1) that run longer than enough jobs were seen to run


class RunTimes:
    """The run times of one task type, and when to poll a job of that type.

    Ages are seconds since the start, by any definition of the start that is the same throughout. An
    API that truncates `started_at` and `ended_at` to whole seconds gives ages since the shown start,
    and an end in `(x, x + 1]` where `x` is their difference.

    An observation must not depend on what is observed. If jobs found ended at the first poll are
    counted from age 0, so must be those found running, by `survived(0, age)`.

    It takes some tens of kilobytes. An update takes constant time, a question the time to walk
    through the bins it covers.

    Args:
        low: The shorter end of the published range, in seconds.
        high: Its longer end.
        memory: How many ended jobs it takes for an observation's weight to fall to 1/e.

    Attributes:
        in_queue: How likely jobs of the type are to fail before they start.
    """

    def __init__(self, low: float, high: float, *, memory: float = 80.0) -> None:
        low, high = sorted((max(clamped(low), 0.1), max(clamped(high), 0.1)))
        median = math.sqrt(low * high)
        sigma = math.hypot(math.log(high / low) / _RANGE_SIGMAS, _RANGE_ERROR)
        # NaN, too, becomes infinite.
        self.memory: float = max(memory, 2.0) if memory < math.inf else math.inf
        # Instead of fading all old counts, new ones weigh more and more.
        self._weight = 1.0
        self._ends = _zeros()
        self._lived = _zeros()  # seconds
        alive = _PRIOR_JOBS
        for i, gained in enumerate(shape(median, sigma).gains):
            ending = -alive * math.expm1(-gained)
            self._ends[i] = ending
            self._lived[i] = ending / gained * WIDTHS[i]
            alive -= ending
        self._place = max(bin_of(median), 1)
        self._level = nearest_sigma(sigma)
        self.ended_jobs: int = 0  # how many have ever been counted
        self._excess = 0.0
        self._predicted = 0.0
        # Updates since the last estimate, and before it.
        self._pending = 0.0
        self._updates = 0.0
        # How many updates make the estimate too old.
        self._patience = 0.0
        self._curve: Curve | None = None
        self.in_queue: QueueFailures = QueueFailures()
        self._prospects: Prospects | None = None
        # Waits from age 0, by price: the same for all first polls.
        self._from_start: dict[float, float] = {}

    # -- Learning

    def survived(self, since: float, until: float, *, among: int = 1) -> None:
        """Count a job that was counted up to age `since`, and was seen running at age `until`.

        The more jobs of all types run at this time (`among`), the less each of them tells.
        """
        if not 0.0 <= since < until < OLDEST:
            since, until = clamped(since), clamped(until)
            if until <= since:
                return
        first, last = bin_of(since), bin_of(until)
        self._predict(first, since, last, until)
        self._expose(first, since, last, until)
        self._pending += 1.0 if among <= _STALE_MOST else max(_STALE_MOST / among, _LEAST_UPDATE)

    def ended(self, since: float, low: float, high: float | None = None) -> None:
        """Count a job that was counted up to age `since` and has ended between `low` and `high`.

        Without `high` it ended exactly at `low`. Failed jobs count too: the question is when a job
        needs no more polls.
        """
        low, high = sorted((clamped(low), clamped(low if high is None else high)))
        since = min(clamped(since), low)
        pieces = self._spread(low, high)
        if high - low > _VAGUE:
            curve = self.curve
            expected = curve.survival(low) - curve.survival(high)
            if expected > _VAGUE_SHARE * curve.survival(since):
                return
        first, middle = bin_of(since), (low + high) / 2
        self._predict(first, since, bin_of(middle), middle)
        self._fade()
        self._expose(first, since, bin_of(low), low)
        remaining = 1.0
        for i, seconds, share in pieces:
            self._ends[i] += self._weight * share
            # A job that ends later runs through the whole piece, one that ends in it through half.
            self._lived[i] += self._weight * seconds * (remaining - share / 2)
            remaining -= share
        self.ended_jobs += 1
        self._pending += 1.0

    def _spread(self, low: float, high: float) -> list[tuple[int, float, float]]:
        """Distribute one end over the bins of an interval, as (bin, seconds, share).

        The shares are those of the current estimate: one step of the EM algorithm, whose fixed point
        is Turnbull's estimator for interval-censored times (J. R. Statist. Soc. B 38, 1976).
        """
        i = bin_of(low)
        if high <= low or i == bin_of(high):
            return [(i, high - low, 1.0)]
        rates = self.curve.rate
        pieces = []
        alive, begin, total = 1.0, low, 0.0
        while begin < high:
            end = min(high, EDGES[i + 1]) if i < LAST else high
            # The small even term keeps the shares defined where no end is expected.
            ending = -alive * math.expm1(-rates[i] * (end - begin)) + 1e-12 * (end - begin)
            pieces.append((i, end - begin, ending))
            total += ending
            alive, begin, i = max(alive - ending, 0.0), end, i + 1
        return [(i, seconds, ending / total) for i, seconds, ending in pieces]

    def _expose(self, first: int, since: float, last: int, until: float) -> None:
        """Count the time from age `since`, in bin `first`, to age `until`, in bin `last`."""
        lived, weight = self._lived, self._weight
        if first == last:
            lived[first] += weight * (until - since)
            return
        lived[first] += weight * (EDGES[first + 1] - since)
        for between in range(first + 1, last):
            lived[between] += weight * WIDTHS[between]
        lived[last] += weight * (until - EDGES[last])

    def _predict(self, first: int, since: float, last: int, until: float) -> None:
        """Add up how many ends were predicted; ends minus predicted ends are a martingale."""
        curve = self.curve
        gone, rate = curve.gone, curve.rate
        hazard = gone[last] + rate[last] * (until - EDGES[last])
        expected = hazard - (gone[first] + rate[first] * (since - EDGES[first]))
        if expected > _MOST_PREDICTED:
            expected = _MOST_PREDICTED
        self._excess -= expected
        self._predicted += expected

    def _fade(self) -> None:
        """Let one more ended job outweigh the older ones; by more if the predictions fail."""
        self._excess = (self._excess + 1.0) * (1.0 - 1.0 / _WINDOW)
        self._predicted *= 1.0 - 1.0 / _WINDOW
        variance = max(self._predicted, _WINDOW / 2)
        memory = self.memory
        if self._excess**2 > _SURPRISE**2 * variance:
            memory = min(memory, max(memory / _HASTE, _HASTY_MEMORY))
        self._weight /= 1.0 - 1.0 / memory
        if self._weight > _RESCALE:
            scale = 1.0 / self._weight
            for counts in (self._ends, self._lived):
                for i, count in enumerate(counts):
                    counts[i] = count * scale
            self._weight = 1.0

    # -- Questions

    @property
    def curve(self) -> Curve:
        """The current estimate of the distribution; at most a few updates old."""
        curve = self._curve
        if curve is None or self._pending > self._patience:
            curve = self._curve = self._estimate()
            self._from_start.clear()
        return curve

    @property
    def prospects(self) -> Prospects:
        """The distributions for predictions, at ages that too few jobs have reached to tell."""
        curve = self.curve
        if self._prospects is None or self._prospects.curve is not curve:
            gains = list(map(mul, curve.rate, WIDTHS[:LAST]))
            few = _TOO_FEW * self._weight
            reached = (i for i in range(LAST) if self._lived[i] > few * WIDTHS[i])
            seen = max(reached, default=-1) + 1
            bell = bell_at(self._place, self._level)
            # If many more jobs are left by then than the bell predicts, it says nothing about them.
            trust = min(_LENIENCE * math.exp(curve.gone[seen] - math.fsum(bell[:seen])), 1.0)
            hoped, likely = gains[:seen], gains[:seen]
            for gain, steep in zip(gains[seen:], bell[seen:], strict=True):
                more = max(steep - gain, 0.0)
                hoped.append(gain + more)
                likely.append(gain + trust * more)
            guessed = math.exp(-curve.gone[seen])
            self._prospects = Prospects(curve, Curve.of(hoped), Curve.of(likely), guessed)
        return self._prospects

    def wait(self, age: float, price: float, doubt: float = 1.0) -> float:
        """How long to wait after a job was seen running at this age: see `Curve.wait`."""
        if doubt < 1.0:
            return self.curve.wait_unreported(age, price, doubt)
        return self.curve.wait(age, price)

    def first_wait(self, price: float, turn: int, doubt: float = 1.0) -> float:
        """How long after its start to poll a job for the first time, in seconds.

        As `wait(0, price, doubt)`; but while few jobs of the type have ended, first polls are
        spread out towards the start, by a number of the job's own, its turn. Otherwise all jobs
        that started together would be polled together, and a wrong range would be wrong for all of
        them. This pays only if the caller revises a long wait before it is over, and so uses what
        the early polls taught.
        """
        earlier = _SCOUTING * math.exp2(-self.ended_jobs / _SCOUTED)
        return self.wait_from_start(price, doubt) * (1.0 - earlier * (1.0 - turn * _GOLDEN % 1.0))

    def wait_from_start(self, price: float, doubt: float = 1.0) -> float:
        """As `wait(0, price, doubt)`; without callbacks it is computed once for each estimate."""
        curve = self.curve
        if doubt < 1.0:
            return curve.wait_unreported(0.0, price, doubt)
        wait = self._from_start.get(price)
        if wait is None:
            wait = self._from_start[price] = curve.wait(0.0, price)
        return wait

    def _estimate(self) -> Curve:
        self._updates += self._pending
        self._pending = 0.0
        self._patience = min(_STALE_MOST - 1.0, self._updates // 8.0)
        scale = 1.0 / self._weight
        ends = [count * scale for count in self._ends[:LAST]]
        at_risk = [
            lived * scale / width for lived, width in zip(self._lived, WIDTHS[:LAST], strict=False)
        ]
        self._place, self._level = fit(ends, at_risk, self._place, self._level)
        return estimate(ends, at_risk, self._place, self._level)

    # -- Keeping

    def state(self) -> dict[str, Any]:
        """What has been learned, as plain numbers and lists that JSON can hold (some 3 KB)."""
        scale = 1.0 / self._weight
        return {
            "format": _FORMAT,
            "memory": self.memory if self.memory < math.inf else None,
            "ended": self.ended_jobs,
            "shape": [self._place, self._level],
            "surprise": [_short(self._excess), _short(self._predicted)],
            "ends": [_short(count * scale) for count in self._ends],
            "lived": [_short(lived * scale) for lived in self._lived],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RunTimes:
        """Make run times from what `state` returned.

        Raises:
            ValueError: `state` is malformed, or comes from another version.
        """
        try:
            if state["format"] != _FORMAT:
                raise ValueError(f"run times of unknown format {state['format']!r}")
            memory = math.inf if state["memory"] is None else float(state["memory"])
            made = cls(1.0, 1.0, memory=memory)
            made.ended_jobs = int(state["ended"])
            place, level = (int(number) for number in state["shape"])
            made._excess, made._predicted = (float(number) for number in state["surprise"])
            made._ends = array("d", map(float, state["ends"]))
            made._lived = array("d", map(float, state["lived"]))
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a state of run times: {error!r}") from error
        counts = [*made._ends, *made._lived, made.ended_jobs, made._predicted]
        if (
            len(made._ends) != BINS
            or len(made._lived) != BINS
            or not all(0.0 <= count <= 1e15 for count in counts)
            or not abs(made._excess) <= 1e15
            or not memory >= 2.0
        ):
            raise ValueError("not a state of run times: numbers out of range")
        made._place = min(max(place, 1), LAST - 1)
        made._level = min(max(level, 0), len(SIGMAS) - 1)
        made._updates = float(made.ended_jobs)
        return made


def _short(number: float) -> float:
    return float(f"{number:.6g}")
