"""Whole mocks, as scenarios."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, get_args

from hypothesis import strategies as st

from mockserver._api.hints import Fields, Hints, RetryAfter
from mockserver._faults import FAULTS, Fault
from mockserver._scenario import Jobs, Scenario
from mockserver._world.durations import TYPICAL
from mockserver._world.failures import Failures
from mockserver._world.limit_rules import LimitRule
from mockserver._world.presets import PresetName
from mockserver._world.slots import Order, WhenFull
from mockserver._world.tasks import TASKS
from mockserver.strategies._limiting import limits
from mockserver.strategies._lives import distributions, run_times, scripts, seconds
from mockserver.strategies._shapes import quirks
from mockserver.strategies._trouble import rules

# The defaults come first, so that examples shrink towards them.
_SLOTS: Final = (12, 1, 3, None)
_SHARES: Final = (0.0, 0.05, 0.2)
_LONGEST_LATENCY: Final = 2.0


def hints() -> st.SearchStrategy[Hints]:
    """Returns a strategy which generates every form of rate-limit headers.

    Examples from this strategy shrink towards `Hints()`.
    """
    families: tuple[tuple[Fields, ...], ...] = ((), *((field,) for field in get_args(Fields)))
    return st.builds(Hints, st.sampled_from(get_args(RetryAfter)), fields=st.sampled_from(families))


def _limit_rules() -> st.SearchStrategy[LimitRule]:
    pers = st.sampled_from(("account", "key", "job"))
    return st.builds(LimitRule, limits(), per=pers, route=st.sampled_from((None, "job", "submit")))


def _failures() -> st.SearchStrategy[Failures | None]:
    shares = st.sampled_from(_SHARES)
    modes = ("submit", "moderation", "processing", "timeout")
    return st.none() | st.builds(Failures, **dict.fromkeys(modes, shares))


def _jobs(most: int) -> st.SearchStrategy[tuple[Jobs, ...]]:
    types = st.sampled_from(tuple(TASKS))
    drawn = st.builds(Jobs, count=st.integers(1, most), task_type=types)
    scripted = st.builds(Jobs, task_type=types, script=scripts())
    return st.lists(drawn | scripted, max_size=5).map(tuple)


def worlds(
    *,
    most_jobs: int = 10,
    kinds: Collection[type[Fault]] = FAULTS,
    without: Collection[type[Fault]] = (),
    trouble_until: float | None = 300.0,
    **fixed: Any,  # noqa: ANN401 - all that a Scenario takes
) -> st.SearchStrategy[Scenario]:
    """Returns a strategy which generates scenarios: all settings of a mock, and jobs.

        @given(worlds(without={Silence}))
        def test_my_pipeline(world):
            run_virtual(check, world.mock())

    Examples from this strategy shrink towards `Scenario()`, a mock with default settings and no
    jobs. `write_scenario` keeps a failing example as a file.

    Args:
        most_jobs: The greatest number of jobs with random lives in one group; there are up to five
            groups.
        kinds: The classes of faults, as for `faults`; if empty, there are no faults.
        without: Classes of faults to leave out.
        trouble_until: When the last fault ends, in seconds since the world's start; None for never,
            so that a client may never get through.
        **fixed: Settings of `Scenario` with the same value in all examples.
    """
    chosen = set(kinds) - set(without)
    troubles = st.lists(rules(chosen, until=trouble_until), max_size=3) if chosen else st.just([])
    settings: dict[str, st.SearchStrategy[Any]] = {
        "seed": st.integers(0, 2**32),
        "slots": st.sampled_from(_SLOTS),
        "order": st.sampled_from(get_args(Order)),
        "when_full": st.sampled_from(get_args(WhenFull)),
        "run_times": st.sampled_from((TYPICAL, *get_args(PresetName))) | run_times(),
        "failures": _failures(),
        "limit": st.lists(_limit_rules(), max_size=2).map(tuple),
        "hints": hints(),
        "latency": st.just(0.0)
        | seconds(longest=_LONGEST_LATENCY)
        | distributions(_LONGEST_LATENCY),
        "faults": troubles.map(tuple),
        "quirks": quirks(),
        "jobs": _jobs(most_jobs),
    }
    given = {name: st.just(value) for name, value in fixed.items()}
    return st.builds(Scenario, **(settings | given))
