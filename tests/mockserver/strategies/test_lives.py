"""Generated lifecycles and run times."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Fixed, PerType, Script, Step
from mockserver._faults.state import UNDOCUMENTED
from mockserver._world.durations import Start
from mockserver._world.randomness import Draws, Randomness
from mockserver._world.scripts import TERMINAL
from mockserver._world.world import World
from mockserver.strategies import distributions, run_times, scripts, seconds
from tests.mockserver.strategies.finding import plainest


@given(scripts(longest=20, most_steps=3, polls=True))
def test_scripts_can_be_lived(script: Script) -> None:
    """Scripts run in a world, within the bounds given."""
    *steps, last = script.steps
    assert len(steps) <= 3
    assert all(step.seconds <= 20 for step in steps)
    world = World(slots=None)
    job_id = world.add_job(at=0.0, script=script)
    assert world.status(job_id, 100.0) == last.status
    assert last.status in TERMINAL


@given(scripts(ends=["processing"], unknown=False))
def test_scripts_can_hold_jobs(script: Script) -> None:
    """Scripts can end in other statuses, and without undocumented ones."""
    assert script.steps[-1].status == "processing"
    assert not {step.status for step in script.steps} & {*UNDOCUMENTED, *TERMINAL}


def test_scripts_shrink_to_the_end_alone() -> None:
    """Scripts shrink to what matters."""
    assert plainest(scripts()) == Script(["completed"])
    assert plainest(scripts(), lambda script: script.seconds > 30) == Script(
        [("pending", 31), "completed"]
    )
    assert plainest(scripts(polls=True), lambda script: script.steps[0].polls) == Script(
        [Step("pending", 0, polls=1), "completed"]
    )


@given(st.data(), st.integers(1, 1000))
def test_run_times_are_within_bounds(data: st.DataObject, longest: int) -> None:
    """No run is longer than the bound."""
    times = data.draw(run_times(longest))
    job_id = Randomness(1).job_id(0)
    for task_type in ("diffusion", "describe"):
        draws = Draws(Randomness(data.draw(st.integers(0, 99))), job_id)
        run = times(Start(job_id, 0, task_type, 0.0, draws))
        assert isinstance(run, float)
        assert 0 <= run <= longest


@given(distributions(60))
def test_distributions_have_quantiles(distribution: object) -> None:
    """Quantiles never decrease."""
    quantile = distribution.quantile  # type: ignore[attr-defined]
    shares = [quantile(share / 8) for share in range(8)]
    assert shares == sorted(shares)
    assert math.isfinite(quantile(1 - 2**-53))


def test_run_times_shrink_to_none_at_all() -> None:
    """Run times shrink to zero, and task types to one."""
    assert plainest(run_times()) == Fixed(0.0)
    assert plainest(run_times(), lambda times: isinstance(times, PerType)) == PerType(
        {"diffusion": Fixed(0.0)}, Fixed(0.0)
    )


@given(seconds(1.5, 2.5))
def test_seconds_are_within_their_bounds(duration: float) -> None:
    """Durations are within the bounds, to the millisecond."""
    assert 1.5 <= duration <= 2.5
    assert duration == round(duration, 3)


@pytest.mark.parametrize("longest", [1.0, 2.0])
def test_seconds_shrink_to_the_shortest(longest: float) -> None:
    """Durations shrink to the shortest."""
    assert plainest(seconds(1.0, longest)) == 1.0
