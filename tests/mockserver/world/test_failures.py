"""Why jobs fail, and how often."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from mockserver import MockLegnext, run_virtual
from mockserver._world.durations import Fixed, Run
from mockserver._world.failures import REASONS, Failures
from mockserver._world.jobs import JobView
from mockserver._world.scripts import FAILURES
from mockserver._world.world import World
from tests.mockserver.helpers import client_of


def ended(failures: Failures, n: int = 3000, task_type: str = "diffusion") -> list[JobView]:
    """Jobs with these failures, after their ends."""
    world = World(slots=None, failures=failures, run_times=Fixed(100))
    return [world.job(job_id, 1e6) for job_id in world.add_jobs(n, task_type, at=0)]


def test_a_submit_that_fails_never_has_a_slot() -> None:
    """A failing submit goes straight from pending to failed, without a slot."""
    world = World(slots=1, failures=Failures(submit=1.0))
    first, second = world.add_jobs(2, at=0)
    for job_id in (first, second):
        assert [(at, status) for at, status in world.changes(job_id, 99)] == [
            (0, "pending"),
            (0.5, "failed"),
        ]
    assert world.job(first, 99).failure == REASONS["submit"]


def test_a_timeout_lasts_as_long_as_the_service_waits() -> None:
    """A job that times out is processed for `timeout_seconds`, whatever its run time."""
    views = ended(Failures(timeout=1.0, timeout_seconds=300), n=5)
    assert {view.ended_at for view in views} == {301}
    assert {view.failure for view in views} == {REASONS["timeout"]}


@pytest.mark.parametrize("mode", ["moderation", "processing"])
def test_failures_on_the_way_come_on_the_way(mode: str) -> None:
    """A job that fails during processing fails before it would have completed."""
    views = ended(Failures(**{mode: 1.0}), n=50)  # type: ignore[arg-type]
    assert all(view.ended_at is not None and 1 <= view.ended_at <= 101 for view in views)
    assert len({view.ended_at for view in views}) == 50
    assert {view.failure for view in views} == {REASONS[mode]}  # type: ignore[index]


def test_probabilities_are_kept() -> None:
    """Each mode has about its share of jobs, and the modes exclude each other."""
    views = ended(Failures(submit=0.1, moderation=0.2, processing=0.3, timeout=0.1))
    shares = {
        mode: sum(view.failure == reason for view in views) / len(views)
        for mode, reason in REASONS.items()
    }
    assert shares == pytest.approx(
        {"submit": 0.1, "moderation": 0.2, "processing": 0.3, "timeout": 0.1}, abs=0.03
    )
    assert sum(view.status == "completed" for view in views) == pytest.approx(900, rel=0.1)


def test_failures_can_depend_on_the_task_type() -> None:
    """A named task type has its own probabilities only."""
    failures = Failures(processing=1.0, by_type={"upscale": Failures(timeout=1.0)})
    assert {view.failure for view in ended(failures, 5)} == {REASONS["processing"]}
    assert {view.failure for view in ended(failures, 5, "upscale")} == {REASONS["timeout"]}


def test_run_times_that_decide_are_left_alone() -> None:
    """A `Run` decides itself whether it fails."""
    world = World(run_times=lambda _start: Run(5), failures=Failures(processing=1.0))
    assert world.status(world.add_job(at=0), 99) == "completed"


def test_a_larger_probability_adds_failures() -> None:
    """With a larger probability the same jobs fail, and some more."""
    few = {view.job_id for view in ended(Failures(submit=0.1), 300) if view.failure}
    more = {view.job_id for view in ended(Failures(submit=0.2), 300) if view.failure}
    assert few < more


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"submit": -0.1}, "submit must be from 0 to 1"),
        ({"timeout": 1.1}, "timeout must be from 0 to 1"),
        ({"submit": 0.6, "processing": 0.6}, "sum up to at most 1"),
        ({"timeout_seconds": -1}, "must be a number of seconds"),
        ({"timeout_seconds": float("inf")}, "must be a number of seconds"),
        ({"by_type": {"juggle": Failures()}}, "no task type 'juggle'"),
        (
            {"by_type": {"pan": Failures(by_type={"pan": Failures()})}},
            "failures of pan can't depend on the type",
        ),
    ],
)
def test_impossible_failures_are_refused(settings: dict[str, object], complaint: str) -> None:
    """Impossible probabilities and unknown task types are errors."""
    with pytest.raises(ValueError, match=complaint):
        Failures(**settings)  # type: ignore[arg-type]


def test_reasons_are_among_those_of_the_api() -> None:
    """Every mode has its own reason."""
    assert set(REASONS.values()) == set(FAILURES)


def test_a_failure_over_http() -> None:
    """A client sees why the job failed, and that its points were given back."""
    mock = MockLegnext(failures=Failures(moderation=1.0), run_times=Fixed(1))
    job_id = mock.add_job()

    async def main() -> Any:  # noqa: ANN401 - JSON
        await trio.sleep(10)
        async with client_of(mock) as client:
            return (await client.get(f"/api/v1/job/{job_id}")).json()

    body = run_virtual(main)
    assert body["status"] == "failed"
    assert body["error"]["code"] == 403
    assert body["meta"]["usage"]["consume"] == 0
