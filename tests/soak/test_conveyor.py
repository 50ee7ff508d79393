"""The service of the long run: its answers follow from the job's id and the time."""

from __future__ import annotations

import json

import trio

from legnext_stream import JobStatus, LegnextClient
from mockserver import run_virtual
from tests.legnext_stream.support import KEY, URL, Network
from tests.soak.conveyor import Conveyor, Direct, new_job_id

JOB = new_job_id(1, at=100.0, waits=5.0, runs=10.0)


def status_at(time: float) -> str:
    """Return the status of a job at a time."""
    code, body = Conveyor(lambda: time, trouble=False).answer(JOB)
    assert code == 200
    said = json.loads(body)
    assert said["job_id"] == JOB
    return str(said["status"])


def test_a_job_lives_by_its_id() -> None:
    """A job waits, runs and ends as its id says."""
    times = (100.0, 104.9, 105.0, 114.9, 115.0, 1e6)
    waits, runs, ended = ["pending"] * 2, ["processing"] * 2, ["completed"] * 2
    assert list(map(status_at, times)) == [*waits, *runs, *ended]


def test_some_requests_meet_trouble() -> None:
    """About nine in a thousand requests fail; which ones follows from the job and the time."""
    codes = [
        Conveyor(lambda now=float(second): now).answer(JOB)[0]  # type: ignore[misc] # bound here
        for second in range(20_000)
    ]
    assert {200, 429, 500, 503} == set(codes)
    assert 100 < sum(code != 200 for code in codes) < 300
    assert codes[7] == Conveyor(lambda: 7.0).answer(JOB)[0]


async def reported(client: LegnextClient) -> list[JobStatus]:
    """Return the statuses of one job that a watch reports."""
    job_id = new_job_id(1, at=trio.current_time(), waits=5.0, runs=30.0)
    async with client:
        return [event.status async for event in client.watch([job_id])]


def test_both_ways_lead_to_it() -> None:
    """A watch reports the same over HTTP and without it."""

    async def both_ways() -> None:
        conveyor = Conveyor(trio.current_time, trouble=False)
        network = Network(conveyor.serve)
        for transport in (network.transport(), Direct(conveyor)):
            statuses = await reported(LegnextClient(KEY, URL, transport))
            assert statuses[0] is JobStatus.PENDING
            assert statuses[-1] is JobStatus.COMPLETED
        assert network.now_open == 0

    run_virtual(both_ways)
