"""One estimated distribution of run times, tabulated so that questions take microseconds.

`S` is the survival function: `S(age)` is the probability that a job runs longer than `age`. `F` is
`1 - S`. The undetected news of a job that was last seen running at age `a`, and isn't polled until
age `t`, has waited `W(a, t)` seconds in expectation: the integral of `(t - s) dF(s)` over the ages `s`
from `a` to `t`, divided by `S(a)`. The price rule polls when `W` has reached the price of a request.

The hazard, the rate at which running jobs end, is constant within a bin of ages (see `shapes`). The
last bin has no end, so every age has an answer and no answer is infinite. All questions walk forward
from an age and multiply the probabilities of surviving each bin. Survival functions are never
subtracted: that would lose all digits where few jobs survive, which is where jobs that hang are.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from operator import neg, truediv
from typing import Final

import msgspec

from legnext_stream._core.schedule.shapes import EDGES, LAST, WIDTHS, bin_of

OLDEST: Final = 1e7
"""The bound of ages and waits, in seconds: what the API says may be absurd."""

# Bounds that keep every table finite: ends a second, and the cumulative hazard of one bin.
_LEAST_RATE: Final = 1e-9
_MOST_HAZARD: Final = 50.0
_LEAST_PRICE: Final = 1e-9
_NEWTON_STEPS: Final = 8
_LEAST_HAZARDS: Final = tuple(_LEAST_RATE * width for width in WIDTHS[:LAST])


def clamped(age: float) -> float:
    """An age brought within 0 and `OLDEST`; NaN becomes 0."""
    if 0.0 < age < OLDEST:
        return age
    return OLDEST if age > 0.0 else 0.0


class Curve(msgspec.Struct, frozen=True, eq=False):
    """A distribution of run times; `of` makes it."""

    rate: list[float]  # the hazard in each bin: ends a second of a running job
    stays: list[float]  # the probability to survive each bin, for a job that enters it
    spent: list[float]  # how long a job that enters each bin is expected to run in it, in seconds
    gone: list[float]  # the cumulative hazard at the beginning of each bin
    # The walk from age 0 to the beginning of each bin, once it has been asked for.
    _walked: list[tuple[float, float]] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, hazards: Iterable[float]) -> Curve:
        """The curve with these gains of cumulative hazard in all bins but the last."""
        bounded = [
            gain if least < gain < _MOST_HAZARD else min(max(gain, least), _MOST_HAZARD)
            for gain, least in zip(hazards, _LEAST_HAZARDS, strict=True)
        ]
        rate = list(map(truediv, bounded, WIDTHS))
        ending = list(map(math.expm1, map(neg, bounded)))
        spent = [
            width * -share / hazard
            for width, share, hazard in zip(WIDTHS, ending, bounded, strict=False)
        ]
        return cls(
            rate=[*rate, rate[-1]],
            stays=list(map(math.exp, map(neg, bounded))),
            spent=spent,
            gone=list(accumulate(bounded, initial=0.0)),
        )

    def hazard(self, age: float) -> float:
        """The cumulative hazard, `-log S(age)`."""
        i = bin_of(age := clamped(age))
        return self.gone[i] + self.rate[i] * (age - EDGES[i])

    def wait(self, age: float, price: float) -> float:
        """How long after `age` to poll: until `W` has reached the price. All in seconds.

        This is the price rule. With a constant hazard `h` it is about `sqrt(2 * price / h)`.
        """
        if not (0.0 <= age < OLDEST and _LEAST_PRICE <= price < OLDEST):
            age, price = clamped(age), max(clamped(price), _LEAST_PRICE)
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
        # Within the bin, solve  t - alive (1 - exp(-rate t)) / rate = left  for t. The left side is
        # convex and below its own quadratic, whose root so is a good start for Halley's method:
        # whatever the numbers, two steps leave an error of less than a millionth.
        rate, left, dead = self.rate[i], price - undetected, 1.0 - alive
        t = 2.0 * left / (dead + math.sqrt(dead * dead + 2.0 * alive * rate * left))
        for _ in range(2):
            ending = -math.expm1(-rate * t)
            slope, bend = dead + alive * ending, alive * rate * (1.0 - ending)
            step = (t - alive * ending / rate - left) / slope
            step /= 1.0 - step * bend / (2.0 * slope)
            t -= step
        return clamped(begin - age + t)

    def wait_unreported(self, age: float, price: float, doubt: float) -> float:
        """As `wait`, for a job whose end a callback will report unless it is lost.

        The doubt is the chance that it is lost, above 0 and up to 1. No callback has come, so the
        job either has ended and the callback was lost, or still runs. By Bayes' rule the news has
        been undetected for `doubt * W / (doubt + (1 - doubt) * L)` seconds in expectation, where
        `L` is the probability to survive from `age` until then.
        """
        age, price = clamped(age), max(clamped(price), _LEAST_PRICE)
        # Poll when  W >= price + extra * L; the left side rises and the right side falls.
        extra = price * (1.0 - doubt) / doubt
        i = bin_of(age)
        begin, alive, undetected = age, 1.0, 0.0
        while i < LAST:
            rate, seconds = self.rate[i], EDGES[i + 1] - begin
            dead = -math.expm1(-rate * seconds)
            more = undetected + seconds - alive * dead / rate
            left = alive * (1.0 - dead)
            if more >= price + extra * left:
                break
            begin, alive, undetected, i = EDGES[i + 1], left, more, i + 1
        # Within the bin, the function is increasing and its curvature has one sign. So Newton's
        # method approaches the root from one side and never passes it.
        rate = self.rate[i]
        most = price - undetected + alive / rate + extra * alive
        t = 0.0 if extra * rate > 1.0 else min(most, WIDTHS[i])
        for _ in range(_NEWTON_STEPS):
            left = alive * math.exp(-rate * t)
            over = undetected + t - (alive - left) / rate - extra * left - price
            t -= over / (1.0 - left + extra * rate * left)
        return clamped(begin - age + t)

    def expected_undetected(self, since: float, until: float, doubt: float = 1.0) -> float:
        """How long the news of an end is expected to have waited, in seconds: `W(since, until)`.

        `doubt` is as in `wait_unreported`. Below 1, a callback would have reported the end.
        """
        if doubt < 1.0:
            lives = math.exp(min(self.hazard(since) - self.hazard(until), 0.0))
            share = doubt / (doubt + (1.0 - doubt) * lives)
            return share * self.expected_undetected(since, until)
        if not 0.0 <= since < until < OLDEST:
            since, until = clamped(since), clamped(until)
            if until <= since:
                return 0.0
        last = bin_of(until)
        begin, alive, undetected = since, 1.0, 0.0
        if since == 0.0:
            # A job that has not been polled yet has the longest walk, and shares it with all others.
            begin, alive, undetected = EDGES[last], *self._from_start(last)
        elif since < EDGES[last]:
            i = bin_of(since)
            rate, seconds = self.rate[i], EDGES[i + 1] - since
            undetected = seconds + math.expm1(-rate * seconds) / rate
            alive = math.exp(-rate * seconds)
            stays, spent = self.stays, self.spent
            for between in range(i + 1, last):
                undetected += WIDTHS[between] - alive * spent[between]
                alive *= stays[between]
            begin = EDGES[last]
        rate, seconds = self.rate[last], until - begin
        undetected += seconds + alive * math.expm1(-rate * seconds) / rate
        # Over a vanishing interval rounding may leave it below zero.
        return undetected if undetected > 0.0 else 0.0

    def _from_start(self, last: int) -> tuple[float, float]:
        """The probability to survive from age 0 to the beginning of a bin, and `W` then."""
        if not self._walked:
            alive, undetected = 1.0, 0.0
            for stays, spent, width in zip(self.stays, self.spent, WIDTHS, strict=False):
                self._walked.append((alive, undetected))
                undetected += width - alive * spent
                alive *= stays
            self._walked.append((alive, undetected))
        return self._walked[last]

    def survival(self, age: float) -> float:
        """The probability that a job is still running at `age`."""
        return math.exp(-self.hazard(age))

    def quantile(self, share: float) -> float:
        """The age, in seconds, by which a share (0 to 1) of the jobs have ended."""
        hazard = -math.log1p(-min(max(share, 0.0), 1.0 - 1e-12)) if share > 0.0 else 0.0
        i = bisect_right(self.gone, hazard) - 1
        return min(EDGES[i] + (hazard - self.gone[i]) / self.rate[i], OLDEST)

    def mean_residual(self, age: float) -> float:
        """How much longer a job that is running at `age` is expected to run, in seconds."""
        i = bin_of(age := clamped(age))
        if i == LAST:
            return min(1.0 / self.rate[LAST], OLDEST)
        rate, seconds = self.rate[i], EDGES[i + 1] - age
        total, alive = -math.expm1(-rate * seconds) / rate, math.exp(-rate * seconds)
        for j in range(i + 1, LAST):
            total += alive * self.spent[j]
            alive *= self.stays[j]
        return min(total + alive / self.rate[LAST], OLDEST)
