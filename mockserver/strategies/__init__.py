"""Hypothesis strategies for whoever tests against the mock, or writes a client of the API.

    from hypothesis import given
    from mockserver import run_virtual
    from mockserver.strategies import worlds

    @given(worlds())
    def test_my_pipeline(world):
        run_virtual(check, world.mock())

Only this package needs Hypothesis. All strategies shrink towards what is plain and usual: what is
left of a failing example is there because it matters.
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
