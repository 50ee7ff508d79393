"""Drawn lives of jobs: how long each waits and runs, and whether it fails."""

from __future__ import annotations

import attrs

from mockserver._world.durations import Distribution, Fixed, Run, RunTimes, Start
from mockserver._world.failures import REASONS, Failures, some_fail
from mockserver._world.jobs import Job, Place
from mockserver._world.presets import Preset, preset_named
from mockserver._world.randomness import Draws, Randomness


class Lives:
    """Draws the lives of the jobs of one world.

    Raises:
        ValueError: No such preset, a share outside 0 to 1, or both `failure_share` and `failures`.
    """

    def __init__(
        self,
        randomness: Randomness,
        run_times: RunTimes | Preset | str,
        failure_share: float | None,
        failures: Failures | None,
    ) -> None:
        if isinstance(run_times, str):
            preset = preset_named(run_times)
        else:
            preset = run_times if isinstance(run_times, Preset) else Preset(run_times)
        if failure_share is not None:
            if failures is not None:
                raise ValueError("failure_share and failures exclude each other: give one of them")
            run_times = some_fail(preset.run_times, failure_share)
            preset = attrs.evolve(preset, run_times=run_times, failures=Failures())
        elif failures is not None:
            preset = attrs.evolve(preset, failures=failures)
        self._randomness = randomness
        self._preset = preset

    def begin(self, job: Job, at: float) -> None:
        """Begin the life of a job that is added at `at`."""
        draws = self._randomness.of(job.job_id)
        pending_until = at + _drawn(self._preset.pending, draws, "pending")
        if self._preset.failures.strikes_on_submit(job.task.name, draws):
            job.fail_on_submit(pending_until, REASONS["submit"])
        else:
            job.place, job.joins_at = Place.BEFORE, pending_until

    def run(self, job: Job, at: float) -> None:
        """Run a job that has its slot from `at` on."""
        draws = self._randomness.of(job.job_id)
        started_at = at + _drawn(self._preset.staged, draws, "staged")
        task_type = job.task.name
        run = self._preset.run_times(Start(job.job_id, job.index, task_type, started_at, draws))
        if not isinstance(run, Run):
            run = self._preset.failures.decide(task_type, run, draws)
        job.run(at, started_at, run)


def _drawn(distribution: Distribution, draws: Draws, purpose: str) -> float:
    # A fixed duration needs no draw, which would take as long as the rest of adding a job.
    if isinstance(distribution, Fixed):
        return distribution.seconds
    return distribution.quantile(draws.uniform(purpose))
