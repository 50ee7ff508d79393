"""The client: its opening and closing, its pace, and waiting for one job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest
import trio

from legnext_stream import (
    ConfigurationError,
    JobFailed,
    JobNotFound,
    JobStatus,
    JobTimedOut,
    JobUnsuccessful,
    LegnextClient,
    LegnextError,
    Pacing,
)
from legnext_stream._core.pace.spacing import LATENESS
from mockserver import MockLegnext, Script, TokenBucket
from mockserver._world.scripts import Failure
from tests.legnext_stream.support import (
    KEY,
    URL,
    in_turn,
    job_body,
)


def client_of(mock: MockLegnext, **settings: Any) -> LegnextClient:  # noqa: ANN401 - passed on
    """Make a client of this mock."""
    return LegnextClient(KEY, URL, mock.transport(), **settings)


async def test_before_it_is_open_and_after() -> None:
    """Every call raises an error that says that the client is not open."""
    client = client_of(MockLegnext())
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: client.get_job("a"),
        lambda: client.diffusion("x"),
        lambda: client.balance(),  # noqa: PLW0108 - one of a row
        lambda: client.wait("a"),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError, match="not open"):
            await call()
    async with client:
        await client.balance()
        with pytest.raises(ConfigurationError, match="opened once"):
            await client.__aenter__()
    for call in calls:
        with pytest.raises(ConfigurationError, match="not open"):
            await call()
    with pytest.raises(ConfigurationError, match="opened once"):
        await client.__aenter__()


async def test_leaving_what_was_never_entered() -> None:
    """It does nothing."""
    await client_of(MockLegnext()).__aexit__(None, None, None)


async def test_an_error_in_the_body_comes_out_as_it_was() -> None:
    """The same object is raised, in no group."""
    error = LookupError("mine")
    with pytest.raises(LookupError) as caught:
        async with client_of(MockLegnext()):
            raise error
    assert caught.value is error


async def test_all_requests_keep_to_the_accounts_pace() -> None:
    """Status requests, submits and watches together never exceed the rate."""
    mock = MockLegnext()
    async with client_of(mock, pacing=Pacing(max_rate=4)) as client:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(client.balance)
                nursery.start_soon(client.diffusion, "x")
        assert client.stats.in_flight == 0
    times = [record.at for record in mock.requests]
    assert len(times) == 20
    assert all(b - a >= 0.25 - LATENESS - 1e-6 for a, b in pairwise(times))


async def test_a_limit_is_learned_by_a_submit_too() -> None:
    """A 429 slows down all later requests."""
    mock = MockLegnext(limit=TokenBucket(rate=2, burst=2))
    async with client_of(mock, retry_for=600) as client, trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(client.diffusion, "x")
    made = [record for record in mock.requests if record.status_code == 200]
    assert len(made) == 30


async def test_requests_wait_for_a_place_in_flight() -> None:
    """A request that is cancelled, waiting or in flight, gives its place back."""
    mock = MockLegnext(latency=5.0)
    async with client_of(mock, pacing=Pacing(max_in_flight=1)) as client:
        with trio.move_on_after(2):
            await client.balance()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.balance)
            await trio.sleep(1)
            with trio.move_on_after(1):
                await client.balance()
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(client.balance)
        assert client.stats.in_flight == 0


async def test_wait() -> None:
    """It returns the completed job."""
    mock = MockLegnext()
    (job_id,) = mock.add_jobs(1)
    async with client_of(mock) as client:
        job = await client.wait(job_id)
        assert job.status is JobStatus.COMPLETED
        assert await client.wait(job) == job
        assert await client.wait(job_id) == job


async def test_wait_for_a_job_that_fails() -> None:
    """The message has the API's reason, and the error has the job."""
    mock = MockLegnext()
    script = Script([("pending", 3), "failed"], failure=Failure(403, "moderated", "raw"))
    job_id = mock.add_job(script)
    async with client_of(mock) as client:
        with pytest.raises(
            JobFailed, match=rf"{job_id} failed: moderated: raw \(code 403\)"
        ) as caught:
            await client.wait(job_id)
    assert caught.value.job.status is JobStatus.FAILED
    assert isinstance(caught.value, JobUnsuccessful)
    assert isinstance(caught.value, LegnextError)


async def test_wait_for_a_job_that_fails_without_a_word() -> None:
    """The message says that there is no reason."""
    transport = in_turn(httpx.Response(200, json=job_body("a", "failed")))
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(JobFailed, match="no reason given"):
            await client.wait("a")


async def test_wait_in_vain() -> None:
    """The job takes too long, or doesn't exist."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("pending", 3), "processing"]))
    async with client_of(mock) as client:
        with pytest.raises(JobTimedOut, match="60 s") as late:
            await client.wait(job_id, timeout=60)
        with pytest.raises(JobNotFound, match="404") as missing:
            await client.wait("no-such-job")
    assert late.value.job.status is JobStatus.TIMED_OUT
    assert missing.value.job.status is JobStatus.NOT_FOUND


async def test_a_watch_may_have_its_own_pacing() -> None:
    """It can be slower than the account's, not faster."""
    mock = MockLegnext()
    ids = mock.add_jobs(1)
    async with client_of(mock) as client:
        slow = Pacing(min_interval=30, max_interval=30)
        async for _ in client.watch(ids, pacing=slow):
            pass
    times = [record.at for record in mock.requests]
    assert all(b - a >= 30 - 1e-6 for a, b in pairwise(times))
    mock = MockLegnext()
    ids = mock.add_jobs(10)
    async with client_of(mock) as client:
        async for _ in client.watch(ids, pacing=Pacing(max_rate=2)):
            pass
    times = [record.at for record in mock.requests]
    assert all(b - a >= 0.5 - LATENESS - 1e-6 for a, b in pairwise(times))
