"""Drawn lives: waiting, running, failing."""

from __future__ import annotations

import pytest

from mockserver._world.durations import Empirical, Fixed, Lognormal
from mockserver._world.failures import Failures
from mockserver._world.presets import Preset
from mockserver._world.scripts import Script
from mockserver._world.world import World


def test_a_preset_sets_every_stage() -> None:
    """Pending, staged and processing last as in the preset; scripts aren't changed by it."""
    world = World(run_times=Preset(Fixed(7), pending=Fixed(2), staged=Lognormal(3, 0.5)))
    times = [change.at for change in world.changes(world.add_job(at=0), 1e6)]
    assert times[1] == 2
    assert times[2] != 5  # Drawn.
    assert times[3] - times[2] == pytest.approx(7)
    scripted = world.add_job(at=1e6, script=Script([("pending", 1), "completed"]))
    assert world.ended_at(scripted, 2e6) == 1e6 + 1


def test_stages_belong_to_the_job() -> None:
    """A job's waiting times don't depend on the other jobs."""
    preset = Preset(Fixed(7), pending=Empirical((1, 9)), staged=Empirical((1, 9)))
    alone, crowd = World(3, slots=None, run_times=preset), World(3, slots=None, run_times=preset)
    alone.add_job(at=0, job_id="me")
    crowd.add_jobs(5, at=0)
    crowd.add_job(at=0, job_id="me")
    assert alone.changes("me", 99) == crowd.changes("me", 99)


def test_a_setting_overrides_a_preset() -> None:
    """A failure share of zero replaces the failures of a preset."""
    world = World(slots=None, run_times="video", failure_share=0.0)
    world.add_jobs(500, "video-diffusion", at=0)
    assert world.counts(1e6) == {"completed": 500}


def test_failures_are_said_once() -> None:
    """`failure_share` and `failures` exclude each other."""
    with pytest.raises(ValueError, match="exclude each other"):
        World(failure_share=0.1, failures=Failures())
