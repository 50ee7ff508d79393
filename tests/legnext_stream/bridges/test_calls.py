"""The calls of `aio` and `sync`: the client's methods, and the functions without a client."""

from __future__ import annotations

import asyncio  # noqa: TID251 - `legnext_stream.aio` runs on it
from collections.abc import Iterator
from pathlib import Path

import pytest

from legnext_stream import (
    ConfigurationError,
    JobStatus,
    NotFoundError,
    StreamClosedError,
    aio,
    sync,
)
from mockserver import MockLegnext, Script
from tests.legnext_stream.bridges.virtual import Outside, virtual_time
from tests.legnext_stream.support import KEY, URL, mock_network


@pytest.fixture(autouse=True)
def outside() -> Iterator[Outside]:
    """Virtual time; at the end, nothing may be left open."""
    with virtual_time() as outside:
        yield outside


@pytest.fixture
def mock(monkeypatch: pytest.MonkeyPatch) -> MockLegnext:
    """A mock account, with its key and URL in the environment and its network in place of sockets."""
    mock = MockLegnext(seed=2)
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setenv("LEGNEXT_BASE_URL", URL)
    mock_network(mock).install(monkeypatch)
    return mock


def test_all_that_a_plain_client_can(mock: MockLegnext) -> None:
    """Each call returns and raises what it does on Trio."""
    ids = mock.add_jobs(3)
    with sync.LegnextClient() as client:
        assert "open" in repr(client)
        job = client.submit("diffusion", text="a lighthouse")
        assert client.diffusion("another").status is JobStatus.PENDING
        assert client.wait(job).status is JobStatus.COMPLETED
        assert client.wait(ids[0]).job_id == ids[0]
        assert client.get_job(ids[0]).status is JobStatus.COMPLETED
        assert client.balance().available_points > 0
        assert list(client.gather(iter(ids))) == ids
        assert {job.job_id for job in client.as_completed(ids)} == set(ids)
        made = list(client.generate(iter(["one", "two"])).terminal())
        assert [event.status for event in made] == [JobStatus.COMPLETED] * 2
        with pytest.raises(NotFoundError):
            client.get_job("00000000-0000-4000-8000-000000000000")
        assert client.stats.polls > 0
        with client.watch([mock.add_job(Script(["pending"]))]) as events:
            event = next(events)
            assert events.explain(event.job_id).job_id == event.job_id
            assert events.stats.polls > 0
    assert client.stats.polls > 0
    assert events.stats.polls > 0
    with pytest.raises(ConfigurationError, match="opened once"):
        client.__enter__()
    client.close()
    with pytest.raises(ConfigurationError, match="not open"):
        client.balance()
    with pytest.raises(ConfigurationError, match="not open"):
        next(client.watch(ids))
    with pytest.raises(StreamClosedError):
        events.ack()


def test_the_bare_functions_in_plain_code(mock: MockLegnext) -> None:
    """The functions do the same with a client of their own."""
    ids = mock.add_jobs(2)
    assert sync.wait(ids[0]).job_id == ids[0]
    assert list(sync.gather(ids)) == ids
    assert {job.job_id for job in sync.as_completed(ids)} == set(ids)
    assert [event.status for event in sync.generate(["one"]).terminal()] == [JobStatus.COMPLETED]


def test_all_that_a_client_can_under_asyncio(mock: MockLegnext) -> None:
    """Each call returns and raises what it does on Trio."""
    ids = mock.add_jobs(3)

    async def main() -> None:
        async with aio.LegnextClient() as client:
            assert "open" in repr(client)
            job = await client.submit("diffusion", text="a lighthouse")
            assert (await client.diffusion("another")).status is JobStatus.PENDING
            assert (await client.wait(job)).status is JobStatus.COMPLETED
            assert (await client.wait(ids[0])).job_id == ids[0]
            assert (await client.get_job(ids[0])).status is JobStatus.COMPLETED
            assert (await client.balance()).available_points > 0
            assert list(await client.gather(iter(ids))) == ids
            assert {job.job_id async for job in client.as_completed(ids)} == set(ids)
            stream = client.generate(iter(["one", "two"]))
            made = [event.status async for event in stream.terminal()]
            assert made == [JobStatus.COMPLETED] * 2
            with pytest.raises(NotFoundError):
                await client.get_job("00000000-0000-4000-8000-000000000000")
            assert client.stats.polls > 0
        assert client.stats.polls > 0
        await client.aclose()
        with pytest.raises(ConfigurationError, match="opened once"):
            await client.__aenter__()
        with pytest.raises(ConfigurationError, match="not open"):
            await client.balance()

    asyncio.run(main())


def test_the_bare_functions_under_asyncio(mock: MockLegnext) -> None:
    """The functions do the same with a client of their own, several at a time in one thread."""
    ids = mock.add_jobs(2)

    async def main() -> None:
        jobs = await asyncio.gather(*(aio.wait(job_id) for job_id in ids))
        assert [job.job_id for job in jobs] == ids
        assert list(await aio.gather(ids)) == ids
        assert {job.job_id async for job in aio.as_completed(ids)} == set(ids)
        made = [event.status async for event in aio.generate(["one"]).terminal()]
        assert made == [JobStatus.COMPLETED]

    asyncio.run(main())


def test_downloads(tmp_path: Path) -> None:
    """`aio` and `sync` save the same files."""
    mock = MockLegnext(seed=2)
    with sync.LegnextClient(KEY, URL, mock.transport()) as client:
        job = client.wait(mock.add_job())
        saved = client.download(job, tmp_path / "plain")

    async def main() -> None:
        async with aio.LegnextClient(KEY, URL, mock.transport()) as client:
            again = await client.download(job, tmp_path / "asyncio")
        assert len(again) == len(saved) > 0
        for one, other in zip(saved, again, strict=True):
            assert one.path.read_bytes() == other.path.read_bytes()

    asyncio.run(main())
