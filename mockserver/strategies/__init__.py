"""Hypothesis strategies for testing clients of the API, with the mock or without it.

    from hypothesis import given
    from mockserver import run_virtual
    from mockserver.strategies import worlds

    @given(worlds())
    def test_my_pipeline(world):
        run_virtual(check, world.mock())

Only this package needs Hypothesis. All examples shrink towards the defaults and the most usual
values, so what is unusual in a minimal failing example matters.
"""

from mockserver.strategies._ids import job_ids
from mockserver.strategies._limiting import limits
from mockserver.strategies._lives import distributions, run_times, scripts, seconds
from mockserver.strategies._shapes import job_objects, quirks
from mockserver.strategies._trouble import faults, rules
from mockserver.strategies._worlds import hints, worlds

__all__ = [
    "distributions",
    "faults",
    "hints",
    "job_ids",
    "job_objects",
    "limits",
    "quirks",
    "rules",
    "run_times",
    "scripts",
    "seconds",
    "worlds",
]
