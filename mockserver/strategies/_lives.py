"""Lifecycles of jobs, and durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

from hypothesis import strategies as st

from mockserver._faults.state import UNDOCUMENTED
from mockserver._world.durations import Empirical, Fixed, Lognormal, PerType, Uniform
from mockserver._world.scripts import Script, Step
from mockserver._world.tasks import TASKS

KNOWN: Final = ("pending", "staged", "processing", "retry")
"""The documented statuses of an unfinished job; `retry` may come anywhere among them."""

AnyDistribution: TypeAlias = Fixed | Uniform | Lognormal | Empirical
"""Every kind of distribution; each can also be used as run times."""

_LONGEST = 600.0
# Durations are whole milliseconds: short enough to matter, with sums that can be read.
_PER_SECOND = 1000


def seconds(shortest: float = 0.0, longest: float = _LONGEST) -> st.SearchStrategy[float]:
    """Returns a strategy which generates durations to the millisecond, many of them whole seconds.

    Examples from this strategy shrink towards the shortest.

    Args:
        shortest: The lower bound, in seconds.
        longest: The upper bound, in seconds.
    """
    whole = st.integers(math.ceil(shortest), math.floor(longest)).map(float)
    fine = st.integers(math.ceil(shortest * _PER_SECOND), math.floor(longest * _PER_SECOND))
    return whole | fine.map(lambda count: count / _PER_SECOND)


def _steps(path: Sequence[Step], end: str) -> tuple[Step, ...]:
    """The path to `end`, without steps that repeat the status before them."""
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
    """Returns a strategy which generates lifecycles, including odd ones such as back to pending.

    Examples from this strategy shrink towards `Script(["completed"])`: fewer steps, shorter steps,
    documented statuses.

    Args:
        longest: The longest duration of a step, in seconds.
        most_steps: The greatest number of steps before the last.
        ends: The possible last statuses. If one isn't terminal, e.g. `"processing"`, some jobs stay
            in it for ever.
        unknown: Whether to include undocumented statuses.
        polls: Whether a step can also end after a number of status requests.
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
    """Returns a strategy which generates distributions of durations, of every kind.

    Examples from this strategy shrink towards `Fixed(0.0)`.

    Args:
        longest: The upper bound of all durations, in seconds; at least 1.
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
    """Returns a strategy which generates run times, also such as depend on the task type.

    For lifecycles that are fixed in advance, see `scripts`.

    Examples from this strategy shrink towards `Fixed(0.0)`.

    Args:
        longest: The upper bound of all run times, in seconds; at least 1.
    """
    some = distributions(longest)
    per_type = st.dictionaries(st.sampled_from(tuple(TASKS)), some, min_size=1, max_size=3)
    return some | st.builds(PerType, per_type, otherwise=some)
