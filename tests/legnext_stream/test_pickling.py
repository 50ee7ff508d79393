"""Events, jobs, prompts and errors can be pickled, copied in depth and sent to other processes."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from types import MappingProxyType
from typing import Any, Final

import pytest

import legnext_stream
from legnext_stream import (
    DownloadError,
    Job,
    JobEvent,
    JobFailed,
    JobStatus,
    LegnextClient,
    LegnextError,
    Output,
    Prompt,
    PromptEvent,
    ServerError,
    errors,
)
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY

CROSSINGS: Final = {
    f"pickle {protocol}": lambda value, protocol=protocol: pickle.loads(  # noqa: S301 - our own
        pickle.dumps(value, protocol)
    )
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
} | {"copy": copy.copy, "deepcopy": copy.deepcopy}
ERRORS: Final = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, LegnextError)
]


@pytest.fixture(params=CROSSINGS.values(), ids=list(CROSSINGS))
def crossed(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """One way in which values are copied."""
    cross: Callable[[Any], Any] = request.param
    return cross


async def _events(mock: MockLegnext) -> list[PromptEvent[dict[str, int]]]:
    prompts = [
        Prompt("a lighthouse", tag={"row": 1}),
        Prompt(
            "a moving lighthouse",
            tag={"row": 2},
            task_type="video-diffusion",
            params={"video_type": 1},
        ),
        Prompt("x" * 9000, tag={"row": 3}),
    ]
    async with LegnextClient(KEY, transport=mock.transport()) as client:
        return [event async for event in client.generate(prompts)]


async def test_events_cross(legnext_mock: MockLegnext, crossed: Callable[[Any], Any]) -> None:
    """An event arrives as it was, with its job, its prompt and the API's answer, still unchangeable."""
    for event in await _events(legnext_mock):
        arrived = crossed(event)
        assert arrived == event
        assert type(arrived) is PromptEvent
        assert arrived.job.raw == event.job.raw
        assert arrived.prompt.tag == event.prompt.tag
        for mapping in (
            arrived.job.raw,
            arrived.job.output.texts,
            arrived.job.output.available_actions,
            arrived.prompt.params,
        ):
            assert isinstance(mapping, MappingProxyType)


async def test_numbers_cross(legnext_mock: MockLegnext, crossed: Callable[[Any], Any]) -> None:
    """So do the statistics, the explanation of a poll, and the balance."""
    (job_id,) = legnext_mock.add_jobs(1)
    async with (
        LegnextClient(KEY, transport=legnext_mock.transport()) as client,
        client.watch([job_id]) as events,
    ):
        event = await anext(events)
        values = (event, event.job, events.stats, events.explain(job_id), await client.balance())
    for value in values:
        assert crossed(value) == value


def test_tags_cross(crossed: Callable[[Any], Any]) -> None:
    """A tag is copied with its prompt, except by a shallow copy."""
    prompt: Prompt[list[int]] = Prompt("a lighthouse", tag=[1])
    arrived = crossed(prompt)
    assert arrived == prompt
    assert (arrived.tag is prompt.tag) == (crossed is copy.copy)


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_cross(kind: type[LegnextError], crossed: Callable[[Any], Any]) -> None:
    """Each error keeps its message, what it says besides, its notes, and its class."""
    more: dict[str, Any] = {}
    if issubclass(kind, errors.JobUnsuccessful):
        more["job"] = Job(
            job_id="a", status=JobStatus.FAILED, output=Output(seed="1"), raw={"b": 1}
        )
    elif issubclass(kind, DownloadError):
        more = {"job_id": "a", "url": "https://cdn.test/a.png", "status_code": 404}
    else:
        more = {"status_code": 404, "content": b"no"}
    error = kind("something went wrong", **more)
    error.add_note("while testing")
    arrived = crossed(error)
    assert type(arrived) is kind
    assert str(arrived) == arrived.message == "something went wrong"
    assert {name: getattr(arrived, name) for name in more} == more
    assert arrived.__notes__ == ["while testing"]


def test_all_errors_are_tried() -> None:
    """The test above knows each public error."""
    public = {
        kind
        for kind in map(vars(legnext_stream).get, legnext_stream.__all__)
        if inspect.isclass(kind) and issubclass(kind, LegnextError)
    }
    assert public <= set(ERRORS)


def _fail(error: LegnextError) -> None:
    raise error


def _status(event: JobEvent) -> JobStatus:
    return event.status


async def test_other_processes(legnext_mock: MockLegnext) -> None:
    """A pool of processes takes events, returns jobs and raises errors, and goes on after that."""
    events = await _events(legnext_mock)
    failures = (
        DownloadError("no such file", job_id="a", url="https://cdn.test/a.png"),
        JobFailed("job a failed", events[0].job),
        ServerError("busy", status_code=503, content=b"busy"),
    )
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        for failure in failures:
            with pytest.raises(type(failure), match=str(failure)):
                pool.submit(_fail, failure).result()
        assert list(pool.map(_status, events)) == [event.status for event in events]


def test_the_key_is_not_pickled() -> None:
    """A client can't be pickled or copied in depth, because a pickle would show the key."""
    client = LegnextClient(KEY)
    for cross in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="holds the API key can't be pickled"):
            cross(client)
