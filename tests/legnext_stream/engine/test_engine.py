"""The engine: how its errors come out, and whom it lets take turns."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable

import httpx
import pytest
import trio
import trio.testing

from legnext_stream import AuthenticationError, LegnextClient, Pacing, ServerError
from legnext_stream._engine.engine import bare
from legnext_stream._util.slices import ITEMS
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY, URL, HandMade, check_contract, job_body


def test_one_error_comes_out_bare() -> None:
    """Alone, in a group, in a group of groups: it is the error itself."""
    error = ValueError("x")
    assert bare(error) is error
    assert bare(ExceptionGroup("", [error])) is error
    assert bare(ExceptionGroup("", [ExceptionGroup("", [error])])) is error


def test_many_of_a_kind_are_one() -> None:
    """A refused key is refused to each poll under way: the first stands for all."""
    refused = [AuthenticationError(str(number)) for number in range(3)]
    assert bare(ExceptionGroup("", refused)) is refused[0]


def test_errors_of_several_kinds_are_all_told() -> None:
    """Then the group stays, for none of them stands for the others."""
    group = ExceptionGroup("", [AuthenticationError("a"), ServerError("b")])
    assert bare(group) is group


async def one_by_one(ids: Iterable[str]) -> AsyncIterator[str]:
    """A source that might wait for each, and never does."""
    for job_id in ids:
        yield job_id


@pytest.mark.parametrize("form", [list, iter, one_by_one])
async def test_taking_in_lets_others_have_their_turn(
    form: Callable[[list[str]], list[str]],
) -> None:
    """A long source does not keep the rest of the program waiting until all of it is taken in."""
    mock = MockLegnext()
    ids = [f"job-{number}" for number in range(10 * ITEMS)]
    jobs = form(ids)
    async with LegnextClient(KEY, URL, mock.transport()) as client, client.watch(jobs) as stream:
        seen = set()
        while (known := stream.stats.unseen + sum(stream.stats.jobs.values())) < len(ids):
            seen.add(known)
            await trio.lowlevel.checkpoint()
        assert len(seen) >= 5


class _Spawned(trio.abc.Instrument):
    """Counts the tasks that carry out polls."""

    def __init__(self) -> None:
        self.count = 0

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        self.count += "_carry_out" in task.name


async def test_a_task_carries_out_many_polls() -> None:
    """There are no more of them than there were ever polls under way."""
    mock = MockLegnext()
    ids = mock.add_jobs(50)
    spawned = _Spawned()
    trio.lowlevel.add_instrument(spawned)
    pacing = Pacing(max_in_flight=3)
    async with LegnextClient(KEY, URL, mock.transport(), pacing=pacing) as client:
        events = [event async for event in client.watch(ids)]
    trio.lowlevel.remove_instrument(spawned)
    check_contract(events, mock.truth)
    assert len(mock.requests) > 100
    assert 1 <= spawned.count <= 3


async def test_a_place_is_waited_for_once() -> None:
    """However often the engine looks while the limit of requests in flight is reached."""

    async def never(_request: httpx.Request) -> httpx.Response:
        await trio.sleep_forever()
        raise AssertionError

    pacing = Pacing(max_in_flight=1)
    async with (
        LegnextClient(KEY, URL, HandMade(never), pacing=pacing) as client,
        client.watch(["a", "b"]) as stream,
    ):
        for number in range(20):
            stream.add([f"job-{number}"])
            await trio.testing.wait_all_tasks_blocked()
        assert len(client._account._waiting) == 1


async def test_large_answers_pause_polling() -> None:
    """Unread events take a bounded amount of memory, whatever the host answers."""
    filler = "x" * 4_000_000

    def large(request: httpx.Request) -> httpx.Response:
        job_id = request.url.path.rpartition("/")[2]
        body = job_body(job_id, "completed", filler=filler)
        return httpx.Response(200, content=json.dumps(body).encode())

    transport = HandMade(large)
    ids = [f"job-{number}" for number in range(40)]
    pacing = Pacing(max_in_flight=4)
    async with (
        LegnextClient(KEY, URL, transport, pacing=pacing) as client,
        client.watch(ids) as stream,
    ):
        await trio.sleep(1000)
        assert 16 <= len(transport.requests) <= 16 + 4
        assert len([event async for event in stream]) == len(ids)
