"""How long jobs of one task type run: the distribution, learned while they are watched.

Kept for every bin of ages (see ``shapes``) are the number of jobs that ended in it and the time
that jobs were seen to spend in it, whether they ended or not.  Their ratio is the hazard: the rate
at which running jobs of that age end (Nelson, "Hazard plotting for incomplete failure data",
J. Quality Technology 1, 1969, in bins).  Running jobs so count from the moment they are seen
running; to leave them out would make run times look short.  A job first seen at age ``a`` adds
nothing below ``a``, which is all that left truncation needs.

Three things make few observations go far:

- The published range counts as a few jobs that ended before the first one did.
- A shape (see ``shapes``) is fitted to the bins by likelihood and counts in each bin as a few jobs
  more.  It reaches ahead of all ages seen, and gives way to the bins' own numbers where those say
  otherwise: two kinds of jobs, early failures, a gap.
- Old counts fade exponentially, by ended jobs and not by the clock: an idle night forgets nothing.
  Ends and exposures of an age fade together, so that their ratio is not biased by it.  When ends
  come far more or less often than predicted, old counts fade faster until they don't.
"""

from __future__ import annotations

import math
from array import array
from operator import mul
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from legnext_stream._core.schedule.curve import OLDEST, Curve, clamped
from legnext_stream._core.schedule.fitting import estimate, fit
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

if TYPE_CHECKING:
    from collections.abc import Mapping

# The costs that follow from these numbers are flat in them: none is worth tuning to two digits.
# Jobs that a published range counts as.
_PRIOR_JOBS: Final = 2.0
# The range holds this many sigmas, as if 90 % of jobs were in it; published ranges miss the truth
# by about a quarter besides.
_RANGE_SIGMAS: Final = 2 * 1.645
_RANGE_ERROR: Final = 0.25
# The tables may be this many updates old; fewer while little has been seen.
_STALE_MOST: Final = 16
# The more jobs run at a time, the less each look tells: of more than _STALE_MOST, each counts for
# that share of an update, though for no less than this. So the tables are made anew about as often
# as all that run have been looked at once: a poll of a thousand jobs would else cost five times more.
_LEAST_UPDATE: Final = 1 / 8
# Surprise: ends minus predicted ends over about the last _WINDOW jobs, in standard deviations.
# Beyond _SURPRISE the memory is _HASTE times shorter, though no shorter than _HASTY_MEMORY jobs.
_WINDOW: Final = 8.0
_SURPRISE: Final = 2.3
_HASTE: Final = 16.0
_HASTY_MEMORY: Final = 4.0
# No single look predicts more ends of one job than this, or one that hangs would cry alarm alone.
_MOST_PREDICTED: Final = 3.0
# An end that is only known to lie in an interval longer than this (seconds), where nearly all ends
# were expected anyway, says nothing; to count it would only harden what is believed already.
_VAGUE: Final = 2.0
_VAGUE_SHARE: Final = 0.95
# How much earlier, as a share, first looks may be while a type is unknown, and the ended jobs
# that halve it.
_SCOUTING: Final = 0.7
_SCOUTED: Final = 4.0
# Where no more jobs than these were at risk, counts tell nothing; the published range counts as two.
_TOO_FEW: Final = 1.5
# How many times as many jobs may be left as the bell has it, and it is still trusted.
_LENIENCE: Final = 2.0
# Fractional parts of its multiples spread evenly over 0..1, however many there are.
_GOLDEN: Final = (math.sqrt(5.0) - 1.0) / 2.0
# The counts are scaled down when the growing weight of new ones passes this.
_RESCALE: Final = 1e9
_FORMAT: Final = 1


def _zeros() -> array[float]:
    return array("d", bytes(8 * BINS))


class Prospects(Struct, frozen=True, eq=False):
    """Run times for who asks what is likely, and not when to look.

    Where few jobs have been, ``RunTimes.curve`` is ready for odd ones, a twentieth of all, that end far
    too early or hang: for the worst that may be. These go on there as the bell that fits the rest.

    Attributes:
        curve: The curve that they were made of.
        hoped: No more jobs will be odd than were seen to be.
        likely: The same, as far as what was seen agrees with the bell.
        guessed: The share of jobs (0 to 1) that run for longer than enough have been seen to run.
    """

    curve: Curve
    hoped: Curve
    likely: Curve
    guessed: float


class RunTimes:
    """The run times of one task type, and when to ask next about a job of that type.

    Ages are seconds since the start as the observer reckons it.  Any reckoning will do if it is
    the same throughout: an API that shows ``started_at`` and ``ended_at`` cut to whole seconds
    gives ages since the shown start, and an end in ``(x, x + 1]`` where ``x`` is their difference.

    An observation must not depend on what is observed.  If jobs found ended at the first look are
    counted from age 0, so must be those found running, by ``survived(0, age)``.

    Some tens of kilobytes; an update takes constant time, a question walks the bins it covers.

    Args:
        low: the shorter end of the published range, seconds.
        high: its longer end.
        memory: how many ended jobs it takes for an observation's weight to fall to 1/e.
    """

    __slots__ = (
        "_curve",
        "_ended",
        "_ends",
        "_excess",
        "_from_start",
        "_level",
        "_lived",
        "_memory",
        "_patience",
        "_pending",
        "_place",
        "_predicted",
        "_prospects",
        "_updates",
        "_weight",
    )

    def __init__(self, low: float, high: float, *, memory: float = 80.0) -> None:
        low, high = sorted((max(clamped(low), 0.1), max(clamped(high), 0.1)))
        median = math.sqrt(low * high)
        sigma = math.hypot(math.log(high / low) / _RANGE_SIGMAS, _RANGE_ERROR)
        self._memory = max(memory, 2.0) if memory < math.inf else math.inf
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
        self._ended = 0
        self._excess = 0.0
        self._predicted = 0.0
        # Updates since the last estimate, and before it.
        self._pending = 0.0
        self._updates = 0.0
        # How many updates the next estimate waits for.
        self._patience = 0.0
        self._curve: Curve | None = None
        self._prospects: Prospects | None = None
        # Waits from age 0, by price: all first looks want the same.
        self._from_start: dict[float, float] = {}

    @property
    def ended_jobs(self) -> int:
        """How many ended jobs have been counted, ever."""
        return self._ended

    @property
    def memory(self) -> float:
        """How many ended jobs it takes for an observation's weight to fall to 1/e."""
        return self._memory

    # -- Learning

    def survived(self, since: float, until: float, *, among: int = 1) -> None:
        """Count a job that was seen running at age ``since`` and again at age ``until``.

        Args:
            since: the age up to which this job has been counted.
            until: its age now.
            among: how many jobs run at this time, of all types: of more, each tells less.
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
        """Count a job that was seen running at age ``since`` and has ended since then.

        Failed jobs count too: the question is when a job needs no more requests.

        Args:
            since: the age up to which ``survived`` has accounted for the job.
            low: the least age at which it can have ended.
            high: the greatest; left out, the job ended exactly at ``low``.
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
            # Who ends later lives through the piece, who ends in it through half of it.
            self._lived[i] += self._weight * seconds * (remaining - share / 2)
            remaining -= share
        self._ended += 1
        self._pending += 1.0

    def _spread(self, low: float, high: float) -> list[tuple[int, float, float]]:
        """Share out one end over the bins of an interval, as (bin, seconds, share).

        The shares are the current estimate's own: one step of the EM algorithm, whose fixed point
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
            # The trace of an even spread keeps the shares defined where nothing is expected.
            ending = -alive * math.expm1(-rates[i] * (end - begin)) + 1e-12 * (end - begin)
            pieces.append((i, end - begin, ending))
            total += ending
            alive, begin, i = max(alive - ending, 0.0), end, i + 1
        return [(i, seconds, ending / total) for i, seconds, ending in pieces]

    def _expose(self, first: int, since: float, last: int, until: float) -> None:
        """Count the time from an age, in one bin, to another one."""
        lived, weight = self._lived, self._weight
        if first == last:
            lived[first] += weight * (until - since)
            return
        lived[first] += weight * (EDGES[first + 1] - since)
        for between in range(first + 1, last):
            lived[between] += weight * WIDTHS[between]
        lived[last] += weight * (until - EDGES[last])

    def _predict(self, first: int, since: float, last: int, until: float) -> None:
        """Note how many ends were to be expected; ends minus those are a martingale."""
        curve = self.curve
        gone, rate = curve.gone, curve.rate
        hazard = gone[last] + rate[last] * (until - EDGES[last])
        expected = hazard - (gone[first] + rate[first] * (since - EDGES[first]))
        if expected > _MOST_PREDICTED:
            expected = _MOST_PREDICTED
        self._excess -= expected
        self._predicted += expected

    def _fade(self) -> None:
        """Let one more ended job outweigh the older ones, by more if they mislead."""
        self._excess = (self._excess + 1.0) * (1.0 - 1.0 / _WINDOW)
        self._predicted *= 1.0 - 1.0 / _WINDOW
        variance = max(self._predicted, _WINDOW / 2)
        memory = self._memory
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
        """The distribution as it is now estimated; at most a few updates old."""
        curve = self._curve
        if curve is None or self._pending > self._patience:
            curve = self._curve = self._estimate()
            self._from_start.clear()
        return curve

    @property
    def prospects(self) -> Prospects:
        """What is to be expected of jobs at ages that too few have reached to tell."""
        curve = self.curve
        if self._prospects is None or self._prospects.curve is not curve:
            gains = list(map(mul, curve.rate, WIDTHS[:LAST]))
            few = _TOO_FEW * self._weight
            reached = (i for i in range(LAST) if self._lived[i] > few * WIDTHS[i])
            seen = max(reached, default=-1) + 1
            bell = bell_at(self._place, self._level)
            # If by then many more are left than the bell has it, it says nothing about them.
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
        """Seconds to wait after a job was seen running at ``age``: see ``Curve.wait``.

        Args:
            age: the age, seconds.
            price: what a request is worth, in seconds of delay.
            doubt: the chance that the end isn't told by itself: see ``Curve.wait_untold``.
        """
        if doubt < 1.0:
            return self.curve.wait_untold(age, price, doubt)
        return self.curve.wait(age, price)

    def first_wait(self, price: float, turn: int, doubt: float = 1.0) -> float:
        """Seconds from the start until the first look at a job.

        As ``wait(0, price)``; but while few jobs of the type have ended, first looks are spread
        out towards the start.  Otherwise all jobs started together would be looked at together,
        and a range that is wrong would be wrong for all of them.  This pays only for a caller that
        plans again, without a request, when part of a long wait is over, and so acts on what the
        early looks taught.

        Args:
            price: what a request is worth, in seconds of delay.
            turn: a number of the job's own, such as its place in the order of arrival.
            doubt: as ``wait`` takes it.
        """
        earlier = _SCOUTING * math.exp2(-self._ended / _SCOUTED)
        return self.wait_from_start(price, doubt) * (1.0 - earlier * (1.0 - turn * _GOLDEN % 1.0))

    def wait_from_start(self, price: float, doubt: float = 1.0) -> float:
        """As ``wait(0, price, doubt)``; without a doubt worked out once for each estimate."""
        curve = self.curve
        if doubt < 1.0:
            return curve.wait_untold(0.0, price, doubt)
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
            "memory": self._memory if self._memory < math.inf else None,
            "ended": self._ended,
            "shape": [self._place, self._level],
            "surprise": [_short(self._excess), _short(self._predicted)],
            "ends": [_short(count * scale) for count in self._ends],
            "lived": [_short(lived * scale) for lived in self._lived],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RunTimes:
        """Take up again what ``state`` gave.

        Raises:
            ValueError: this isn't such a state, or one of another version.
        """
        try:
            if state["format"] != _FORMAT:
                raise ValueError(f"run times of unknown format {state['format']!r}")
            memory = math.inf if state["memory"] is None else float(state["memory"])
            made = cls(1.0, 1.0, memory=memory)
            made._ended = int(state["ended"])
            place, level = (int(number) for number in state["shape"])
            made._excess, made._predicted = (float(number) for number in state["surprise"])
            made._ends = array("d", map(float, state["ends"]))
            made._lived = array("d", map(float, state["lived"]))
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a state of run times: {error!r}") from error
        counts = [*made._ends, *made._lived, made._ended, made._predicted]
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
        made._updates = float(made._ended)
        return made


def _short(number: float) -> float:
    return float(f"{number:.6g}")
