"""Lifecycles as a client sees them: what `GET job` says at each moment is what is true then."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import trio

from mockserver import (
    Empirical,
    Fixed,
    Lognormal,
    MockLegnext,
    PerType,
    Script,
    Uniform,
    run_virtual,
)
from mockserver._world.durations import RunTimes
from tests.mockserver.helpers import client_of


def seen(mock: MockLegnext, job_ids: Sequence[str], *, seconds: int) -> dict[str, list[str]]:
    """Each job's statuses as told over HTTP, asked every half second for so long."""
    told: dict[str, list[str]] = {job_id: [] for job_id in job_ids}

    async def main() -> None:
        async with client_of(mock) as client:
            for _ in range(2 * seconds):
                for job_id in job_ids:
                    job: dict[str, Any] = (await client.get(f"/api/v1/job/{job_id}")).json()
                    told[job_id].append(job["status"])
                await trio.sleep(0.5)

    run_virtual(main)
    return told


def starts(told: dict[str, list[str]]) -> list[str]:
    """The jobs in the order in which they were first seen to be processed."""
    return sorted(told, key=lambda job_id: told[job_id].index("processing"))


def test_a_script_is_played_on_the_wire() -> None:
    """Each status is told for as long as the script says, to the half second."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("pending", 2.25), ("dreaming", 3), ("processing", 4), "failed"]))
    told = seen(mock, [job_id], seconds=12)[job_id]
    assert [told.count(word) for word in ("pending", "dreaming", "processing")] == [5, 6, 8]
    assert told[-1] == "failed"


@pytest.mark.parametrize(
    ("run_times", "low", "high"),
    [
        (Fixed(20), 20, 20),
        (Uniform(10, 30), 10, 30),
        (Lognormal(20, 0.5, low=12, high=28), 12, 28),
        (Empirical((11, 19, 29)), 11, 29),
        (PerType({"diffusion": Fixed(15)}, otherwise=Fixed(500)), 15, 15),
    ],
    ids=lambda value: type(value).__name__,
)
def test_run_times_are_seen_on_the_wire(run_times: RunTimes, low: float, high: float) -> None:
    """Jobs are told to be processed for as long as their distribution has it, each for its own time."""
    mock = MockLegnext(seed=4, slots=None, run_times=run_times)
    told = seen(mock, mock.add_jobs(8), seconds=40)
    ran = [statuses.count("processing") / 2 for statuses in told.values()]
    assert all(low - 0.5 <= seconds <= high + 0.5 for seconds in ran)
    assert len(set(ran)) == 1 if low == high else len(set(ran)) > 3
    assert {statuses[-1] for statuses in told.values()} == {"completed"}


def test_the_first_comes_first() -> None:
    """With two slots and the order of arrival, two run at a time, in that order."""
    mock = MockLegnext(slots=2, run_times=Fixed(5))
    ids = mock.add_jobs(6)
    told = seen(mock, ids, seconds=22)
    assert starts(told) == ids
    at_once = [
        sum(now == "processing" for now in moment) for moment in zip(*told.values(), strict=True)
    ]
    assert max(at_once) == 2


def test_any_may_come_first() -> None:
    """At random, jobs start in another order than they came, and all of them do."""
    mock = MockLegnext(seed=3, slots=1, order="random", run_times=Fixed(2))
    ids = mock.add_jobs(8)
    order = starts(seen(mock, ids, seconds=30))
    assert order != ids
    assert sorted(order) == sorted(ids)


def test_priority_comes_first() -> None:
    """By priority, the highest that waits starts next; equals in their order."""
    mock = MockLegnext(slots=1, order="priority", run_times=Fixed(2))
    first = mock.add_job()
    low, high, middle, equal = (mock.add_job(priority=number) for number in (0, 9, 5, 5))
    order = starts(seen(mock, [first, low, high, middle, equal], seconds=20))
    # They come to the queue at the same time, so the priority decides from the start.
    assert order == [high, middle, equal, first, low]
    assert all(a != b for a, b in pairwise(order))
