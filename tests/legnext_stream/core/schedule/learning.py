"""What the tests of learned run times share: observations, and jobs watched one by one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from hypothesis import strategies as st

from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.schedule.shapes import EDGES, LAST
from tests.effort import examples

# -- The pool


SLOWER = examples(60)

ages = st.floats(0, 3000)
wild = st.floats(allow_nan=True, allow_infinity=True)
prices = st.floats(0.01, 10)
# One look: whether the job had ended, and three ages in any order.
looks = st.lists(st.tuples(st.booleans(), ages, ages, ages), max_size=60)


def fed(observations: list[tuple[bool, float, float, float]], memory: float = 80.0) -> RunTimes:
    """Run times that have learned from polls."""
    made = RunTimes(30, 90, memory=memory)
    for ended, *three in observations:
        since, low, high = sorted(three)
        if ended:
            made.ended(since, low, high)
        else:
            made.survived(since, high)
    return made


def watched(
    made: RunTimes,
    takes: Callable[[], float],
    count: int,
    *,
    exact: bool = True,
    every: float | None = None,
) -> None:
    """Watch jobs one after the other, at the intervals that the learner chooses or at fixed ones."""
    for _ in range(count):
        end, age = takes(), 0.0
        while True:
            wait = max(made.wait(age, 0.1), 1.0) if every is None else every
            if age + wait >= end:
                break
            made.survived(age, age + wait)
            age += wait
        if exact:
            made.ended(age, end)
        else:
            made.ended(age, age, age + wait)


def bell(rng: random.Random, median: float = 45.0, sigma: float = 0.25) -> Callable[[], float]:
    """Draws of lognormal run times."""
    return lambda: rng.lognormvariate(math.log(median), sigma)


def overlap(i: int, since: float, until: float) -> float:
    """How many seconds of an interval lie in a bin."""
    top = EDGES[i + 1] if i < LAST else math.inf
    return max(min(until, top) - max(since, EDGES[i]), 0.0)
