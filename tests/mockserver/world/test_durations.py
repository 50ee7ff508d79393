"""Distributions and run times."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._world.durations import (
    TYPICAL,
    Distribution,
    Empirical,
    Fixed,
    Lognormal,
    PerType,
    Run,
    Start,
    Uniform,
)
from mockserver._world.randomness import Randomness
from mockserver._world.tasks import TASKS

SHARES = st.floats(0, 1, exclude_max=True)


def start(task_type: str = "diffusion", job_id: str = "a") -> Start:
    """The start of a job."""
    return Start(job_id, 0, task_type, 1.0, Randomness(0).of(job_id))


@given(SHARES, SHARES)
@pytest.mark.parametrize(
    "distribution",
    [
        Fixed(3),
        Uniform(2, 5),
        Lognormal(45, 0.25),
        Lognormal.within(30, 90),
        Lognormal(1, 2, 0.5),
        Empirical((3, 1, 7, 7)),
        Empirical((5,)),
    ],
    ids=repr,
)
def test_quantiles_grow_with_the_share(
    distribution: Distribution, one: float, other: float
) -> None:
    """Quantiles grow with the share; none is negative or infinite."""
    shorter, longer = sorted((one, other))
    assert 0 <= distribution.quantile(shorter) <= distribution.quantile(longer) < math.inf


@given(SHARES, st.sampled_from(sorted(TASKS)))
def test_typical_runs_lie_within_the_published_range(share: float, name: str) -> None:
    """No job of a task type runs shorter or longer than published."""
    low, high = TASKS[name].typical_run
    run_times = TYPICAL.by_type[name]
    assert isinstance(run_times, Lognormal)
    assert low <= run_times.quantile(share) <= high


def test_the_median_is_the_median() -> None:
    """Half of the durations of an uncut lognormal are below its median."""
    assert Lognormal(45, 0.25).quantile(0.5) == pytest.approx(45)


def test_sigma_is_the_deviation_of_the_logarithm() -> None:
    """The logarithms of a lognormal's durations have the standard deviation sigma."""
    drawn = [Lognormal(45, 0.25)(start(job_id=str(n))) for n in range(4000)]
    assert statistics.pstdev(map(math.log, drawn)) == pytest.approx(0.25, rel=0.05)


def test_what_was_seen_is_interpolated() -> None:
    """Quantiles of a list go from its shortest to its longest, linearly between two."""
    seen = Empirical([50, 10, 20])
    assert list(seen.seconds) == [10, 20, 50]
    quantiles = [seen.quantile(share) for share in (0, 0.25, 0.5, 0.75)]
    assert quantiles == [10, 15, 20, 35]


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=20), SHARES)
def test_nothing_beyond_what_was_seen(seconds: list[float], share: float) -> None:
    """No duration is outside the range of those observed."""
    assert min(seconds) <= Empirical(seconds).quantile(share) <= max(seconds)


def test_a_run_time_belongs_to_the_job() -> None:
    """A job always has the same run time; another job has another."""
    draw = Lognormal(45, 0.25)
    assert draw(start(job_id="a")) == draw(start(job_id="a")) != draw(start(job_id="b"))


def test_run_times_can_depend_on_the_task_type() -> None:
    """A named task type has its own run times, and every other type the common ones."""
    run_times = PerType({"upscale": Fixed(9)}, otherwise=Fixed(1))
    assert (run_times(start("upscale")), run_times(start("pan"))) == (9, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Fixed(-1),
        lambda: Uniform(5, 2),
        lambda: Uniform(-1, 2),
        lambda: Empirical(()),
        lambda: Empirical((1, -1)),
        lambda: Empirical((1, math.inf)),
        lambda: Lognormal(0, 1),
        lambda: Lognormal(1, 0),
        lambda: Lognormal(1, 1, low=5, high=5),
        lambda: Run(-1),
        lambda: Run(math.inf),
        lambda: Run(math.nan),
    ],
)
def test_impossible_durations_are_refused(wrong: object) -> None:
    """A negative duration, an empty range and an infinite run are errors."""
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"must be|above|takes"):
        wrong()
