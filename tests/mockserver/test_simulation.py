"""The entry points by which `legnext-stream simulate` finds the mock."""

from __future__ import annotations

from importlib.metadata import entry_points

import httpx
import pytest
import trio

from mockserver._simulation import Simulation
from mockserver._virtual import run_virtual


def test_it_is_found_by_its_entry_points() -> None:
    """The mock, and the way to run in its time."""
    found = {door.name: door for door in entry_points(group="legnext_stream.simulation")}
    assert found["mock"].load() is Simulation
    assert found["run"].load() is run_virtual


async def test_plain_data_becomes_an_account(autojump_clock: object) -> None:  # noqa: ARG001 - it is in use
    """A simulation has its jobs, a transport, and the times of their ends."""
    jobs = [{"job_id": "job-1"}, {"job_id": "job-2", "task_type": "upscale"}]
    simulation = Simulation({"seed": 3, "run_times": "fast", "slots": "queue@1", "jobs": jobs})
    headers = {"x-api-key": "any"}
    async with httpx.AsyncClient(transport=simulation.transport(), headers=headers) as client:
        url = "https://api.example/api/v1/job/job-2"
        assert not simulation.ended_at()
        await trio.sleep(60)
        assert (await client.get(url)).json()["status"] == "completed"
    ends = simulation.ended_at()
    assert set(ends) == {"job-1", "job-2"}
    assert 0 < ends["job-1"] < ends["job-2"]


def test_wrong_scenarios() -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match="slots"):
        Simulation({"slots": "many"})
