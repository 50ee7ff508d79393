"""The least cost of a polling policy if the run-time distribution is known.

One job starts at age 0 and ends at an age drawn from a known distribution ``F``.  A policy is the
rising sequence of ages at which the job is polled.  It costs ``price`` seconds for each request,
including the one that finds the end, plus the delay from the end to that request.

Writing ``S = 1 - F`` and ``U(a)`` for ``S(a)`` times the least cost still to come after a job was
seen unfinished at age ``a``, the optimum obeys (Barlow, Hunter and Proschan, "Optimum checking
procedures", J. SIAM 11, 1963)

    U(a) = min over b of  price * S(a) + integral from a to b of (b - s) dF(s) + U(b)

which is solved backwards on a fine grid.  The price rule of the library, with ``F`` known, is the
sequence in which each interval reaches ``W(a, b) = price``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

Survival = Callable[[float], float]
Next = Callable[[float], float]


def lognormal(median: float, sigma: float) -> Survival:
    """The survival function of a lognormal run time, ``median`` in seconds."""
    return lambda age: (
        0.5 * math.erfc(math.log(age / median) / (sigma * math.sqrt(2))) if age > 0 else 1.0
    )


def uniform(low: float, high: float) -> Survival:
    """The survival function of a run time spread evenly from ``low`` to ``high`` seconds."""
    return lambda age: min(1.0, max(0.0, (high - age) / (high - low)))


def mixture(parts: Sequence[tuple[float, Survival]]) -> Survival:
    """The survival function of a mixture, given as (share, survival) with shares summing to 1."""
    return lambda age: sum(share * survival(age) for share, survival in parts)


@attrs.frozen
class Outcome:
    """The expected requests and delay of a policy for one job."""

    requests: float
    delay: float  # seconds from the end to the request that finds it

    def cost(self, price: float) -> float:
        """Seconds, at ``price`` seconds a request."""
        return self.requests * price + self.delay


@attrs.frozen(eq=False)
class Known:
    """A known run-time distribution on a fine grid of ages.

    Args:
        survival: the probability that a job is still running at an age, in seconds.
        step: the grid's spacing, seconds; requests happen at multiples of it.
    """

    step: float
    alive: Floats  # S at every grid age, down to where it is negligible
    lived: Floats  # the integral of S from 0 to every grid age

    @classmethod
    def of(cls, survival: Survival, *, step: float = 0.05, negligible: float = 1e-7) -> Known:
        """Tabulate ``survival`` until it falls below ``negligible``, at least to 20 seconds."""
        top = 20.0
        while survival(top) > negligible and top < 50_000:
            top *= 1.1
        alive = np.array([survival(i * step) for i in range(round(top / step) + 2)])
        lived = np.concatenate([[0.0], np.cumsum((alive[1:] + alive[:-1]) * (step / 2))])
        return cls(step, alive, lived)

    @property
    def horizon(self) -> float:
        """The last age on the grid, seconds."""
        return (len(self.alive) - 1) * self.step

    def _at(self, age: float) -> tuple[float, float]:
        """``S`` and its integral at any age, linear between grid points, constant beyond."""
        place = min(max(age / self.step, 0.0), len(self.alive) - 1.001)
        i = int(place)
        part = place - i
        alive = float(self.alive[i] + part * (self.alive[i + 1] - self.alive[i]))
        lived = float(self.lived[i]) + part * self.step * (float(self.alive[i]) + alive) / 2
        return alive, lived

    def evaluate(self, ages: Sequence[float]) -> Outcome:
        """The outcome of polling at ``ages``, which must rise and reach the horizon."""
        requests, delay, before, alive_before, lived_before = 0.0, 0.0, 0.0, 1.0, 0.0
        for age in ages:
            alive, lived = self._at(age)
            requests += alive_before
            # Integral of (b - s) dF over the interval, by parts.
            delay += (age - before) * alive_before - (lived - lived_before)
            before, alive_before, lived_before = age, alive, lived
        return Outcome(requests, delay)

    def follow(self, following: Next) -> list[float]:
        """The ages at which a policy polls, from a function of the age at the last poll."""
        ages, age = [], 0.0
        while age < self.horizon:
            age = max(following(age), age + 1e-3)
            ages.append(age)
        return ages

    def undetected(self, age: float) -> float:
        """The expected delay that has accrued at ``age`` without a poll, seconds."""
        return age - self._at(age)[1]

    def rule(
        self, price: float, *, least: float = 1.0, most: float = math.inf, since: float = 0.0
    ) -> list[float]:
        """The ages at which the price rule polls, with intervals between ``least`` and ``most``.

        The job was last seen unfinished at the age ``since``.
        """
        last = len(self.alive) - 1
        ages, i = [], min(round(since / self.step), last)
        while i < last:
            if self.alive[i] <= 0.0:
                break
            grid = np.arange(1, last - i + 1) * self.step
            undetected = grid - (self.lived[i + 1 :] - self.lived[i]) / self.alive[i]
            ahead = int(np.searchsorted(undetected, price)) + 1
            interval = min(max(ahead * self.step, least), most)
            i = min(i + max(round(interval / self.step), 1), last)
            ages.append(i * self.step)
        return ages

    def optimum(self, price: float, *, least: float = 1.0) -> list[float]:
        """The ages at which the true optimum polls, with no interval below ``least`` seconds."""
        last = len(self.alive) - 1
        shortest = max(round(least / self.step), 1)
        to_come = np.zeros(last + 1)
        choice = np.full(last + 1, last)
        # No job runs beyond the horizon, so one request there ends every path.
        to_come[last] = price * self.alive[last]
        grid = np.arange(last + 1) * self.step
        # S(a) (b - a) - (L(b) - L(a)) is the delay of the interval; split by what depends on b.
        ends = to_come - self.lived
        for i in range(last - 1, -1, -1):
            first = min(i + shortest, last)
            total = self.alive[i] * (grid[first:] - grid[i]) + ends[first:]
            best = int(np.argmin(total))
            choice[i] = first + best
            to_come[i] = price * self.alive[i] + self.lived[i] + total[best]
            ends[i] = to_come[i] - self.lived[i]
        ages, i = [], 0
        while i < last:
            i = int(choice[i])
            ages.append(i * self.step)
        return ages


def every(seconds: float) -> Next:
    """A fixed interval."""
    return lambda age: age + seconds


def backoff(first: float, factor: float, cap: float) -> Next:
    """An interval that grows by ``factor`` from ``first`` to ``cap`` seconds."""
    following: dict[float, float] = {}
    age, interval = 0.0, first
    for _ in range(10_000):
        following[age] = age = age + interval
        interval = min(interval * factor, cap)
    return lambda age: following[age]


def main() -> None:
    """Print the reference table: run times lognormal(median 45 s, sigma 0.25), ``F`` known."""
    known = Known.of(lognormal(45, 0.25))
    print("| policy | requests per job | mean delay, s |\n|---|---|---|")
    for name, following in (
        ("every 1 s", every(1)),
        ("every 3 s", every(3)),
        ("every 5 s", every(5)),
        ("x1.5 backoff from 1 s, cap 10 s", backoff(1, 1.5, 10)),
    ):
        outcome = known.evaluate(known.follow(following))
        print(f"| {name} | {outcome.requests:.1f} | {outcome.delay:.2f} |")
    for least in (0.05, 1.0):
        for price in (0.05, 0.1, 0.35, 1.0):
            rule = known.evaluate(known.rule(price, least=least))
            best = known.evaluate(known.optimum(price, least=least))
            ratio = rule.cost(price) / best.cost(price)
            print(
                f"| rule, c = {price}, min_interval {least} | {rule.requests:.1f} "
                f"| {rule.delay:.2f} |  optimum {best.requests:.1f} / {best.delay:.2f}; "
                f"rule costs {ratio:.4f} of it"
            )


if __name__ == "__main__":
    main()
