"""The functions that belong to no client: each has a client of its own, for one call or stream."""

from __future__ import annotations

import asyncio  # noqa: TID251 - `legnext_stream.aio` runs on it
import inspect
from types import ModuleType

import pytest

import legnext_stream
from legnext_stream import (
    JobStatus,
    Pacing,
    aio,
    as_completed,
    gather,
    generate,
    sync,
    wait,
    watch,
)
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY, URL, Network, mock_network


@pytest.fixture
def mock(monkeypatch: pytest.MonkeyPatch) -> MockLegnext:
    """An account; the key and the URL are in the environment."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    monkeypatch.setenv("LEGNEXT_BASE_URL", URL)
    return MockLegnext()


@pytest.fixture
def network(mock: MockLegnext, monkeypatch: pytest.MonkeyPatch) -> Network:
    """A network in memory with the mock in it."""
    network = mock_network(mock)
    network.install(monkeypatch)
    return network


async def test_each_closes_its_connections(mock: MockLegnext, network: Network) -> None:
    """When the call returns, or the stream ends."""
    ids = mock.add_jobs(3)
    assert (await wait(ids[0])).status is JobStatus.COMPLETED
    assert network.now_open == 0
    events = [event async for event in watch(ids, pacing=Pacing(max_rate=3))]
    assert {event.job_id for event in events} == set(ids)
    assert network.now_open == 0
    assert list(await gather(ids)) == ids
    assert {job.job_id async for job in as_completed(ids)} == set(ids)
    assert [event.status async for event in generate(["a cat"]).terminal()] == [JobStatus.COMPLETED]
    assert network.now_open == 0
    assert network.opened > 0


async def test_the_key_and_the_url_can_be_given(
    mock: MockLegnext, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They need not be in the environment."""
    monkeypatch.delenv("LEGNEXT_API_KEY")
    monkeypatch.delenv("LEGNEXT_BASE_URL")
    (job_id,) = mock.add_jobs(1)
    assert (await wait(job_id, api_key=KEY, base_url=URL)).status is JobStatus.COMPLETED
    assert network.now_open == 0


@pytest.mark.parametrize("module", [legnext_stream, aio, sync])
@pytest.mark.parametrize("name", ["watch", "generate", "wait", "as_completed", "gather"])
def test_none_takes_a_client(module: ModuleType, name: str, mock: MockLegnext) -> None:
    """The error says what to write instead."""
    del mock

    async def call() -> None:
        made = getattr(module, name)([], client="any")
        if inspect.isawaitable(made):
            await made

    with pytest.raises(TypeError, match=r"call client\.watch\("):
        asyncio.run(call())


def test_type_checkers_know_the_options(mock: MockLegnext) -> None:
    """A wrong name or type is an error for mypy, or these comments would be one; and when it runs."""
    del mock
    with pytest.raises(TypeError, match="timeuot"):
        watch([], timeuot=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="seconds or None"):
        watch([], timeout="soon")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="timeuot"):
        sync.watch([], timeuot=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="seconds or None"):
        aio.LegnextClient().watch([], timeout="soon")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="htpp2"):
        sync.LegnextClient(htpp2=True)  # type: ignore[call-arg]
