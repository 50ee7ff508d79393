"""One estimated distribution of run times, tabulated so that questions take microseconds.

The rate of ends is constant within a bin of ages (see ``shapes``); the last bin has no end, so that
every age has an answer and no answer is infinite.  All questions walk forward from the age asked
about and work with the chance to get from there to each later age.  Differences of survival
functions are never taken: they would lose all digits where few jobs survive, which is just where
the overdue ones are.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate
from operator import neg, truediv
from typing import TYPE_CHECKING, Final

import msgspec

from legnext_stream._core.schedule.shapes import EDGES, LAST, WIDTHS, bin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Ages and waits are kept below this, seconds: what comes from the wire may be absurd.
OLDEST: Final = 1e7
# Bounds that keep every table finite: ends a second, and cumulative hazard of one bin.
_LEAST_RATE: Final = 1e-9
_MOST_HAZARD: Final = 50.0
_LEAST_PRICE: Final = 1e-9
_NEWTON_STEPS: Final = 8
_LEAST_HAZARDS: Final = tuple(_LEAST_RATE * width for width in WIDTHS[:LAST])


def clamped(age: float) -> float:
    """An age within 0 and ``OLDEST``, whatever it was; NaN is 0."""
    if 0.0 < age < OLDEST:
        return age
    return OLDEST if age > 0.0 else 0.0


class Curve(msgspec.Struct, frozen=True, eq=False):
    """A distribution of run times.  Make it with ``of``."""

    rate: list[float]  # ends a second, of the jobs running in each bin
    stays: list[float]  # the chance to live through the bin, of one that enters it
    spent: list[float]  # seconds that one who enters it is expected to spend in it
    gone: list[float]  # the cumulative hazard at its beginning
    # The walk from age 0 to the beginning of each bin, once it has been asked for.
    _walked: list[tuple[float, float]] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, hazards: Iterable[float]) -> Curve:
        """The curve that gains these cumulative hazards in all bins but the last."""
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
        # Within the bin, solve  t - alive (1 - exp(-rate t)) / rate = left  for t.  The left side
        # is convex and below its own quadratic, whose root so starts Halley's method well: whatever
        # the numbers, two steps leave an error of less than a millionth.
        rate, left, dead = self.rate[i], price - undetected, 1.0 - alive
        t = 2.0 * left / (dead + math.sqrt(dead * dead + 2.0 * alive * rate * left))
        for _ in range(2):
            ending = -math.expm1(-rate * t)
            slope, bend = dead + alive * ending, alive * rate * (1.0 - ending)
            step = (t - alive * ending / rate - left) / slope
            step /= 1.0 - step * bend / (2.0 * slope)
            t -= step
        return clamped(begin - age + t)

    def wait_untold(self, age: float, price: float, doubt: float) -> float:
        """As `wait`, for a job whose end is told by itself, but with the chance ``doubt`` isn't.

        It was not told, so the job has ended in silence, or it still runs: by Bayes' rule what has
        been lying undetected is, in expectation, ``doubt * W / (doubt + (1 - doubt) * S)``, where
        ``W`` is what it would be without callbacks, and ``S`` the chance to have lived from
        ``age`` until then.

        Args:
            age: as `wait` takes it.
            price: as `wait` takes it.
            doubt: above 0, up to 1.
        """
        age, price = clamped(age), max(clamped(price), _LEAST_PRICE)
        # Ask when  W >= price + extra * S,  both sides of which move towards each other.
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
        # Within the bin, a root of a function that grows, bent to one side throughout: Newton's
        # method comes to it from that side without ever passing it.
        rate = self.rate[i]
        most = price - undetected + alive / rate + extra * alive
        t = 0.0 if extra * rate > 1.0 else min(most, WIDTHS[i])
        for _ in range(_NEWTON_STEPS):
            left = alive * math.exp(-rate * t)
            over = undetected + t - (alive - left) / rate - extra * left - price
            t -= over / (1.0 - left + extra * rate * left)
        return clamped(begin - age + t)

    def expected_undetected(self, since: float, until: float, doubt: float = 1.0) -> float:
        """Expected seconds that the news of an end has been waiting at age ``until``.

        For a job last seen running at age ``since``: the integral of ``(until - s) dF(s)`` over
        the ages between, divided by ``S(since)``. With a ``doubt`` below 1 the end would have been
        told otherwise, and wasn't: see ``wait_untold``.
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
            # Whoever has not been looked at yet has the longest walk, and shares it with all others.
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
        """For a job never looked at, at the beginning of a bin: the chance to be there, and the delay."""
        if not self._walked:
            alive, undetected = 1.0, 0.0
            for stays, spent, width in zip(self.stays, self.spent, WIDTHS, strict=False):
                self._walked.append((alive, undetected))
                undetected += width - alive * spent
                alive *= stays
            self._walked.append((alive, undetected))
        return self._walked[last]

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
