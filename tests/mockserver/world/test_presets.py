"""Presets."""

from __future__ import annotations

import statistics
from typing import get_args

import pytest
import trio

from mockserver import MockLegnext, run_virtual
from mockserver._world.presets import PRESETS, PresetName
from mockserver._world.world import World
from tests.mockserver.helpers import client_of


def ages(preset: str, task_type: str = "diffusion", n: int = 400) -> list[float]:
    """The times from creation to completion under a preset, in seconds."""
    world = World(slots=None, run_times=preset)
    views = [world.job(job_id, 1e9) for job_id in world.add_jobs(n, task_type, at=0)]
    return [view.ended_at for view in views if view.ended_at and view.status == "completed"]


def failed_share(preset: str, task_type: str) -> float:
    """The share of jobs that fail under a preset."""
    return 1 - len(ages(preset, task_type, 2000)) / 2000


def test_every_preset_has_its_name() -> None:
    """`PresetName` lists all presets."""
    assert set(get_args(PresetName)) == set(PRESETS)


def test_presets_are_what_they_are_called() -> None:
    """`fast` is quicker than `typical`, and `relax` slower than both."""
    fast, typical, relax = (statistics.median(ages(name)) for name in ("fast", "typical", "relax"))
    assert fast * 5 < typical < relax / 2


def test_only_the_fast_world_never_fails() -> None:
    """No job fails in `fast`; a few do in the others, and more of the videos."""
    assert failed_share("fast", "diffusion") == 0
    assert 0.01 < failed_share("typical", "diffusion") < 0.06
    assert 0.02 < failed_share("relax", "diffusion") < 0.09
    assert failed_share("video", "diffusion") < 0.03 < failed_share("video", "video-diffusion")


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    """The error for an unknown preset lists the presets."""
    with pytest.raises(ValueError, match="no preset 'slow'; there are fast, typical, relax, video"):
        World(run_times="slow")


def test_a_mock_takes_a_presets_name() -> None:
    """A mock accepts the name of a preset."""
    mock = MockLegnext(run_times="fast")
    job_id = mock.add_job()

    async def main() -> list[str]:
        seen = []
        async with client_of(mock) as client:
            while "completed" not in seen:
                seen.append((await client.get(f"/api/v1/job/{job_id}")).json()["status"])
                await trio.sleep(0.05)
        return list(dict.fromkeys(seen))

    assert run_virtual(main) == ["pending", "staged", "processing", "completed"]
    assert mock.now < 10
