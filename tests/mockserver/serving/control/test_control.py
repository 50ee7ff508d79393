"""The methods that read and change a running mock."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
import trio

from mockserver import (
    Change,
    Concurrency,
    Failure,
    Fixed,
    LimitRule,
    MockLegnext,
    Script,
    Status,
    TokenBucket,
)
from tests.mockserver.helpers import POST, client_of, in_virtual_time


async def status_of(client: httpx.AsyncClient, job_id: str) -> str:
    """The status of a job in an answer of the API."""
    answer = await client.get(f"/api/v1/job/{job_id}")
    status: str = answer.raise_for_status().json()["status"]
    return status


# Jobs


@in_virtual_time
async def test_a_job_is_put_into_a_status() -> None:
    """A job stays in the given status; a terminal one ends it with the given failure."""
    mock = MockLegnext()
    job_id = mock.add_job()
    async with client_of(mock) as client:
        mock.set_status(job_id, "retry")
        await trio.sleep(1000)
        assert await status_of(client, job_id) == "retry"
        mock.set_status(job_id, "failed", Failure(418, "no coffee", "teapot"))
        answer = await client.get(f"/api/v1/job/{job_id}")
    assert answer.json()["error"]["message"] == "no coffee"
    assert [change.status for change in mock.truth[job_id]] == ["pending", "retry", "failed"]
    with pytest.raises(ValueError, match="ended at"):
        mock.set_status(job_id, "processing")


@in_virtual_time
async def test_a_job_is_held_and_released() -> None:
    """A held job stays in its status until it is released."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("pending", 1), ("processing", 10), "completed"]))
    async with client_of(mock) as client:
        await trio.sleep(2)
        mock.hold(job_id)
        await trio.sleep(1000)
        assert await status_of(client, job_id) == "processing"
        mock.release(job_id)
        assert await status_of(client, job_id) == "completed"
    assert mock.truth[job_id][-1] == Change(1002, "completed")


@in_virtual_time
async def test_jobs_are_moved_step_by_step() -> None:
    """A script whose steps have no duration waits for each release."""
    mock = MockLegnext()
    job_id = mock.add_job(Script(["pending", "processing", "completed"]))
    seen = []
    async with client_of(mock) as client:
        for _ in range(2):
            await trio.sleep(60)
            seen.append(await status_of(client, job_id))
            mock.release(job_id)
        seen.append(await status_of(client, job_id))
    assert seen == ["pending", "processing", "completed"]
    assert mock.counts() == {"completed": 1}


@in_virtual_time
async def test_jobs_are_added_with_all_that_a_submit_has() -> None:
    """An added job has its callback called, and its priority counts."""
    mock = MockLegnext(slots=1, order="priority", run_times=Fixed(10))
    told: list[str] = []
    mock.webhooks.receive(
        "http://mine.test/", lambda request: told.append(request.json()["job_id"])
    )
    first = mock.add_job(callback="http://mine.test/a")
    mock.add_job(callback="http://mine.test/a", priority=1)
    urgent = mock.add_job(callback="http://mine.test/a", priority=2)
    await mock.webhooks.drain()
    assert (told[0], told[-1]) == (urgent, first)


# Limits and faults


@in_virtual_time
async def test_limits_change_at_run_time() -> None:
    """A new limit starts fresh, and no limit admits everything."""
    mock = MockLegnext(limit=TokenBucket(1, 1))
    job_id = mock.add_job()
    async with client_of(mock) as client:

        async def codes() -> list[int]:
            return [(await client.get(f"/api/v1/job/{job_id}")).status_code for _ in range(4)]

        assert await codes() == [200, 429, 429, 429]
        mock.set_limit([TokenBucket(1, 3)])
        assert mock.limits == (LimitRule(TokenBucket(1, 3)),)
        assert await codes() == [200, 200, 200, 429]
        mock.set_limit(None)
        assert await codes() == [200] * 4


@in_virtual_time
async def test_a_request_under_way_outlives_its_limit() -> None:
    """A request finishes under the limit that admitted it."""
    mock = MockLegnext(limit=Concurrency(1), latency=3)
    job_id = mock.add_job()
    async with client_of(mock) as client, trio.open_nursery() as nursery:
        nursery.start_soon(status_of, client, job_id)
        await trio.sleep(1)
        start = mock.snapshot()
        mock.set_limit(Concurrency(1))
        assert await status_of(client, job_id) == "processing"
        mock.restore(start)
        assert await status_of(client, job_id) == "processing"
    assert not mock.crashes


@in_virtual_time
async def test_faults_change_at_run_time() -> None:
    """A rule applies to requests from when it is added until it is removed."""
    mock = MockLegnext()
    job_id = mock.add_job()
    async with client_of(mock) as client:

        async def code() -> int:
            await trio.sleep(1)
            return (await client.get(f"/api/v1/job/{job_id}")).status_code

        assert await code() == 200
        name = mock.faults.add(Status(503))
        assert await code() == 503
        mock.faults.remove(name)
        assert await code() == 200
    assert [record.faults for record in mock.requests] == [(), (name,), ()]


# Time


@in_virtual_time
async def test_time_is_frozen_and_advanced() -> None:
    """Frozen time changes nothing; advancing it makes all changes in between."""
    mock = MockLegnext(run_times=Fixed(30))
    async with client_of(mock) as client:
        job_id: str = (await client.post(POST, json={"text": "a"})).json()["job_id"]
        await trio.sleep(5)
        mock.freeze()
        assert mock.state().is_frozen
        await trio.sleep(1000)
        assert (mock.now, await status_of(client, job_id)) == (5, "processing")
        mock.advance(30)
        assert (mock.now, await status_of(client, job_id)) == (35, "completed")
        mock.resume()
        await trio.sleep(5)
        assert mock.now == 40
        assert not mock.is_frozen
        mock.advance(10)
        assert mock.now == 50


def test_time_ends_with_the_calendar() -> None:
    """Time can only advance within the range of dates."""
    mock = MockLegnext(epoch=datetime(9999, 12, 31, tzinfo=UTC))
    mock.advance(86000)
    for seconds in (1000, 1e300):
        with pytest.raises(ValueError, match="no calendar goes as far"):
            mock.advance(seconds)
    with pytest.raises(ValueError, match="a number of seconds"):
        mock.advance(-1)
    assert mock.now == 86000


# Looking


@in_virtual_time
async def test_the_state_at_a_glance() -> None:
    """The state has jobs by status, answers by code, limits and faults."""
    mock = MockLegnext(7, 2, run_times=Fixed(10), limit=TokenBucket(1, 2), faults=[Status(503)])
    (first, *_) = mock.add_jobs(3)
    mock.requests.keep = 1
    async with client_of(mock) as client:
        await trio.sleep(5)
        mock.faults.clear()
        for _ in range(3):
            await client.get(f"/api/v1/job/{first}")
    state = mock.state()
    assert (state.now, state.calendar) == (5, "2026-01-01T00:00:05+00:00")
    assert (state.seed, state.slots, state.time_scale, state.is_frozen) == (7, 2, 1.0, False)
    assert state.jobs == {"processing": 2, "pending": 1} == mock.counts()
    # Also those that the journal no longer keeps.
    assert (state.requests, state.answers) == (3, {200: 2, 429: 1})
    assert state.limits == (LimitRule(TokenBucket(1, 2)),)
    assert state.faults == ()
    assert state.balance.frozen == 240
    assert state.crashes == ()
