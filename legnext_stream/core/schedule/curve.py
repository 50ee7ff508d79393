"""One estimated distribution of run times, tabulated so that questions take microseconds.

The rate of ends is constant within a bin of ages (see ``shapes``); the last bin has no end, so that
every age has an answer and no answer is infinite.  All questions walk forward from the age asked
about and work with the chance to get from there to each later age.  Differences of survival
functions are never taken: they would lose all digits where few jobs survive, which is just where
the overdue ones are.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import attrs

from legnext_stream.core.schedule.shapes import BINS, EDGES, LAST, WIDTHS, bin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Ages and waits are kept below this, seconds: what comes from the wire may be absurd.
OLDEST: Final = 1e7
# Bounds that keep every table finite: ends a second, and cumulative hazard of one bin.
_LEAST_RATE: Final = 1e-9
_MOST_HAZARD: Final = 50.0
_LEAST_PRICE: Final = 1e-9


def clamped(age: float) -> float:
    """An age within 0 and ``OLDEST``, whatever it was; NaN is 0."""
    return min(age, OLDEST) if age > 0.0 else 0.0


# Below this share alive all have ended, and the news only grows older.
_NOBODY: Final = 1e-9


@attrs.frozen(eq=False)
class Curve:
    """A distribution of run times.  Make it with ``of``."""

    rate: array[float]  # ends a second, of the jobs running in each bin
    stays: array[float]  # the chance to live through the bin, of one that enters it
    spent: array[float]  # seconds that one who enters it is expected to spend in it
    gone: array[float]  # the cumulative hazard at its beginning

    @classmethod
    def of(cls, hazards: Iterable[float]) -> Curve:
        """The curve that gains these cumulative hazards in all bins but the last."""
        rate, stays, spent, gone = (array("d", bytes(8 * BINS)) for _ in range(4))
        total = 0.0
        for i, gain in enumerate(hazards):
            width = WIDTHS[i]
            hazard = min(max(gain, _LEAST_RATE * width), _MOST_HAZARD)
            rate[i] = hazard / width
            stays[i] = math.exp(-hazard)
            spent[i] = width * -math.expm1(-hazard) / hazard
            gone[i] = total
            total += hazard
        gone[LAST] = total
        rate[LAST] = rate[LAST - 1]
        return cls(rate, stays, spent, gone)

    def hazard(self, age: float) -> float:
        """The cumulative hazard, ``-log S``, at ``age``."""
        i = bin_of(age := clamped(age))
        return self.gone[i] + self.rate[i] * (age - EDGES[i])

    def wait(self, age: float, price: float) -> float:
        """Seconds from ``age`` until the expected undetected delay has reached ``price``.

        This is the rule of when to ask: the inverse of ``expected_undetected``.  With a constant
        hazard ``h`` it is about ``sqrt(2 * price / h)``.

        Args:
            age: the age at which the job was last seen running, seconds.
            price: what a request is worth, in seconds of delay.
        """
        age = clamped(age)
        price = max(clamped(price), _LEAST_PRICE)
        stays, spent = self.stays, self.spent
        i = bin_of(age)
        begin, alive, undetected = age, 1.0, 0.0
        if i < LAST:
            # The rest of the bin that holds the age, then whole bins from the tables.
            rate, seconds = self.rate[i], EDGES[i + 1] - age
            more = seconds + math.expm1(-rate * seconds) / rate
            if more < price:
                alive, undetected, i = math.exp(-rate * seconds), more, i + 1
                while i < LAST:
                    more = undetected + WIDTHS[i] - alive * spent[i]
                    if more >= price:
                        break
                    undetected = more
                    alive *= stays[i]
                    i += 1
                begin = EDGES[i]
        # Within the bin, solve  t - alive (1 - exp(-rate t)) / rate = left  for t.  The left side
        # is convex and below its own quadratic, whose root so starts Newton's method well.
        rate, left, dead = self.rate[i], price - undetected, 1.0 - alive
        t = 2.0 * left / (dead + math.sqrt(dead * dead + 2.0 * alive * rate * left))
        for _ in range(4):
            ending = -math.expm1(-rate * t)
            t -= (t - alive * ending / rate - left) / (dead + alive * ending)
        return min(max(begin - age + t, 0.0), OLDEST)

    def expected_undetected(self, since: float, until: float) -> float:
        """Expected seconds that the news of an end has been waiting at age ``until``.

        For a job last seen running at age ``since``: the integral of ``(until - s) dF(s)`` over
        the ages between, divided by ``S(since)``.
        """
        since, until = clamped(since), clamped(until)
        i = bin_of(since)
        alive, undetected = 1.0, 0.0
        while since < until:
            end = min(until, EDGES[i + 1]) if i < LAST else until
            rate, seconds = self.rate[i], end - since
            undetected += seconds + alive * math.expm1(-rate * seconds) / rate
            alive *= math.exp(-rate * seconds)
            since, i = end, i + 1
            if alive < _NOBODY:
                undetected += until - since
                break
        # Over a vanishing interval rounding may leave it below zero.
        return max(undetected, 0.0)

    def survival(self, age: float) -> float:
        """The probability that a job is still running at ``age``."""
        return math.exp(-self.hazard(age))

    def quantile(self, share: float) -> float:
        """The age, in seconds, by which ``share`` (0 to 1) of the jobs have ended."""
        hazard = -math.log1p(-min(max(share, 0.0), 1.0 - 1e-12)) if share > 0.0 else 0.0
        i = bisect_right(self.gone, hazard) - 1
        return min(EDGES[i] + (hazard - self.gone[i]) / self.rate[i], OLDEST)

    def mean_residual(self, age: float) -> float:
        """Expected seconds from ``age`` to the end of a job that is running at ``age``."""
        i = bin_of(age := clamped(age))
        if i == LAST:
            return min(1.0 / self.rate[LAST], OLDEST)
        rate, seconds = self.rate[i], EDGES[i + 1] - age
        total, alive = -math.expm1(-rate * seconds) / rate, math.exp(-rate * seconds)
        for j in range(i + 1, LAST):
            total += alive * self.spent[j]
            alive *= self.stays[j]
        return min(total + alive / self.rate[LAST], OLDEST)
