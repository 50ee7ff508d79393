"""What jobs go through: scripts, and how long runs take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

from hypothesis import strategies as st

from mockserver._faults.state import UNDOCUMENTED
from mockserver._world import (
    TASKS,
    Empirical,
    Fixed,
    Lognormal,
    PerType,
    Script,
    Step,
    Uniform,
)

KNOWN: Final = ("pending", "staged", "processing", "retry")
"""The documented statuses of a job that has not ended; `retry` may come anywhere among them."""

AnyDistribution: TypeAlias = Fixed | Uniform | Lognormal | Empirical
"""Every kind of distribution; each is also a job's run times."""

_LONGEST = 600.0
# Durations lie on a grid of a millisecond: short enough to matter, and their sums can be read.
_PER_SECOND = 1000


def seconds(shortest: float = 0.0, longest: float = _LONGEST) -> st.SearchStrategy[float]:
    """Durations to the millisecond, among them many whole seconds. They shrink to the shortest.

    Args:
        shortest: In seconds.
        longest: In seconds.
    """
    whole = st.integers(math.ceil(shortest), math.floor(longest)).map(float)
    fine = st.integers(math.ceil(shortest * _PER_SECOND), math.floor(longest * _PER_SECOND))
    return whole | fine.map(lambda count: count / _PER_SECOND)


def _steps(path: Sequence[Step], end: str) -> tuple[Step, ...]:
    """The path to `end`, without the steps that repeat the status before them."""
    steps: list[Step] = []
    for step in (*path, Step(end)):
        if steps and steps[-1].status == step.status:
            steps.pop()
        steps.append(step)
    return tuple(steps)


def scripts(
    *,
    longest: float = _LONGEST,
    most_steps: int = 5,
    ends: Sequence[str] = ("completed", "failed"),
    unknown: bool = True,
    polls: bool = False,
) -> st.SearchStrategy[Script]:
    """Lifecycles, also some that no job should have: back to pending, or words nobody knows.

    They shrink towards `Script(["completed"])`: fewer steps, shorter ones, the usual words.

    Args:
        longest: How long a step lasts at the most, in seconds.
        most_steps: How many steps there are at the most before the last.
        ends: The last statuses. With one that isn't terminal, e.g. `"processing"`, there are jobs
            that are held in it for ever.
        unknown: Whether there are statuses among them that no documentation has.
        polls: Whether steps may also end when a job has been asked about a number of times.
    """
    path = st.builds(
        Step,
        st.sampled_from((*KNOWN, *UNDOCUMENTED) if unknown else KNOWN),
        seconds(longest=longest),
        polls=st.none() | st.integers(1, 5) if polls else st.none(),
    )
    return st.builds(
        Script,
        st.builds(_steps, st.lists(path, max_size=most_steps), st.sampled_from(tuple(ends))),
        takes_slot=st.booleans(),
    )


def distributions(longest: float = _LONGEST) -> st.SearchStrategy[AnyDistribution]:
    """Durations with probabilities: every kind there is. They shrink towards `Fixed(0.0)`.

    Args:
        longest: No duration is longer, in seconds; at least 1.
    """
    ranges = st.tuples(seconds(longest=longest), seconds(longest=longest)).map(sorted)
    ranges = ranges.filter(lambda pair: pair[0] < pair[1])
    return st.one_of(
        st.builds(Fixed, seconds(longest=longest)),
        ranges.map(lambda pair: Uniform(*pair)),
        st.builds(
            lambda pair, median, sigma: Lognormal(median, sigma, *pair),
            ranges,
            seconds(shortest=1.0, longest=longest),
            st.sampled_from((0.25, 0.1, 1.0)),
        ),
        st.builds(Empirical, st.lists(seconds(longest=longest), min_size=1).map(tuple)),
    )


def run_times(longest: float = _LONGEST) -> st.SearchStrategy[AnyDistribution | PerType]:
    """How long jobs run: one distribution for all of them, or for some task types another.

    They shrink towards `Fixed(0.0)`. For lives that are fixed in advance see `scripts`.

    Args:
        longest: No run is longer, in seconds; at least 1.
    """
    some = distributions(longest)
    per_type = st.dictionaries(st.sampled_from(tuple(TASKS)), some, min_size=1, max_size=3)
    return some | st.builds(PerType, per_type, otherwise=some)
