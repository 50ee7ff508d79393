"""A job as it is at one time."""

from __future__ import annotations

import attrs
import pytest

from mockserver._world.durations import Fixed
from mockserver._world.scripts import Script, Step
from mockserver._world.world import World


def test_progress_is_the_share_of_the_run() -> None:
    """Progress is 0 before the run, whole percents during it, and 100 only at its end."""
    world = World(run_times=Fixed(40))
    job_id = world.add_job(at=0)
    shown = [world.job(job_id, t).progress for t in (0, 0.9, 1, 1.39, 1.41, 21, 40.999, 41, 99)]
    assert shown == [0, 0, 0, 0, 1, 50, 99, 100, 100]


def test_progress_of_a_run_without_an_end_in_sight_is_unknown() -> None:
    """A held job has no progress until its end is known."""
    world = World()
    script = Script([Step("processing", polls=1), ("processing too", 10), "failed"])
    job_id = world.add_job(at=0, script=script)
    assert world.job(job_id, 30).progress == 0
    world.poll(job_id, 30)
    assert world.job(job_id, 35).progress == 87  # 35 of 40 seconds.
    assert world.job(job_id, 40).progress == 100
    skipping = world.add_job(at=40, script=Script([("pending", 10), "completed"]))
    assert [world.job(skipping, t).progress for t in (49, 50)] == [0, 100]


def test_a_view_has_the_parameters() -> None:
    """A job has its parameters, and the id of the job it works on."""
    world = World()
    params = {"jobId": "parent", "imageNo": 1}
    made_from, other = world.add_job("upscale", at=0, params=params), world.add_job(at=0)
    view = world.job(made_from, 0)
    assert (view.params, view.parent, view.points) == (params, "parent", 120)
    assert (world.job(other, 0).params, world.job(other, 0).parent) == (None, None)
    odd = world.add_job("upscale", at=0, params={"jobId": 7})
    assert world.job(odd, 0).parent is None


def test_a_view_never_changes() -> None:
    """A view can't be changed, but a changed copy can be made."""
    world = World()
    job_id = world.add_job(at=0)
    view = world.job(job_id, 0)
    with pytest.raises(attrs.exceptions.FrozenAttributeError):
        view.status = "completed"
    world.set_status(job_id, "failed", 0)
    assert view.status == "pending"
    assert attrs.evolve(view, status="odd").status == "odd"
