"""What type checkers know of prompts and events. mypy and pyright check the types, the tests the values."""

from __future__ import annotations

from typing import Any, assert_type

import legnext_stream
from legnext_stream import (
    EventStream,
    Job,
    JobEvent,
    LegnextClient,
    Prompt,
    PromptEvent,
    Selection,
    Subscription,
    aio,
    sync,
)
from mockserver import MockLegnext
from tests.legnext_stream.support import KEY


async def test_events_of_generate_have_their_prompts(legnext_mock: MockLegnext) -> None:
    """Each event of `generate` is a `PromptEvent`; its prompt's tag has the type that it was given."""
    prompts = [Prompt(f"a lighthouse, study {number}", tag=number) for number in range(3)]
    positions = set[int]()
    async with LegnextClient(KEY, transport=legnext_mock.transport()) as client:
        async for event in client.generate(prompts):
            assert_type(event, PromptEvent[int])
            assert_type(event.prompt.tag, int)
            assert isinstance(event, PromptEvent)
            assert event.prompt is prompts[event.position - 1]
            positions.add(event.position)
    assert positions == {1, 2, 3}


async def test_an_event_without_a_job_has_its_prompt(legnext_mock: MockLegnext) -> None:
    """So is the event of a prompt that was refused."""
    async with LegnextClient(KEY, transport=legnext_mock.transport()) as client:
        (event,) = [event async for event in client.generate([Prompt("x" * 9000, tag="long")])]
    assert_type(event.prompt.tag, str)
    assert isinstance(event, PromptEvent)
    assert (event.job_id, event.position, event.prompt.tag) == ("", 1, "long")


async def test_a_job_that_was_added_has_no_prompt(legnext_mock: MockLegnext) -> None:
    """An event of a job that was added to the stream is a plain `JobEvent`."""
    (added,) = legnext_mock.add_jobs(1)
    async with (
        LegnextClient(KEY, transport=legnext_mock.transport()) as client,
        client.generate(["a lighthouse"]) as events,
    ):
        events.add([added])
        kinds = {(type(event), event.job_id == added) async for event in events}
    assert kinds == {(PromptEvent, False), (JobEvent, True)}


# The functions below are never called: type checkers read them.


async def _trio(client: LegnextClient, some: list[str | Prompt], plain: EventStream) -> None:
    assert_type(Prompt("a", tag=7), Prompt[int])
    assert_type(plain, EventStream[JobEvent])
    for generate in (client.generate, legnext_stream.generate):
        assert_type(generate(["a"]), EventStream[PromptEvent[None]])
        assert_type(
            generate(f"study {number}" for number in range(3)), EventStream[PromptEvent[None]]
        )
        assert_type(generate([Prompt("a", tag=7)], save_to="out"), EventStream[PromptEvent[int]])
        assert_type(generate(some), EventStream[PromptEvent])
        assert_type(generate(["a", Prompt("b", tag=7)]), EventStream[PromptEvent])
        assert_type(generate(journal="batch.db"), EventStream[PromptEvent[Any]])
    stream = client.generate([Prompt("a", tag=7)])
    assert_type(stream.terminal(), Selection[PromptEvent[int]])
    assert_type(stream.only("failed"), Selection[PromptEvent[int]])
    assert_type(stream.subscribe(), Subscription[PromptEvent[int]])
    assert_type(client.watch([]), EventStream[JobEvent])
    assert_type(client.as_completed([]), Selection[Job])
    async for selected in stream.terminal():
        assert_type(selected.prompt.tag, int)


async def _aio(client: aio.LegnextClient) -> None:
    for generate in (client.generate, aio.generate):
        assert_type(generate(["a"]), aio.EventStream[PromptEvent[None]])
        assert_type(generate([Prompt("a", tag=7)]), aio.EventStream[PromptEvent[int]])
        assert_type(generate(["a", Prompt("b", tag=7)]), aio.EventStream[PromptEvent])
        assert_type(generate(journal="batch.db"), aio.EventStream[PromptEvent[Any]])
    stream = client.generate([Prompt("a", tag=7)])
    assert_type(stream.terminal(), aio.Selection[PromptEvent[int]])
    assert_type(stream.subscribe(), aio.Subscription[PromptEvent[int]])
    assert_type(client.watch([]), aio.EventStream[JobEvent])
    async for event in stream:
        assert_type(event.prompt.tag, int)


def _sync(client: sync.LegnextClient) -> None:
    for generate in (client.generate, sync.generate):
        assert_type(generate(["a"]), sync.EventStream[PromptEvent[None]])
        assert_type(generate([Prompt("a", tag=7)]), sync.EventStream[PromptEvent[int]])
        assert_type(generate(["a", Prompt("b", tag=7)]), sync.EventStream[PromptEvent])
        assert_type(generate(journal="batch.db"), sync.EventStream[PromptEvent[Any]])
    stream = client.generate([Prompt("a", tag=7)])
    assert_type(stream.terminal(), sync.Selection[PromptEvent[int]])
    assert_type(stream.subscribe(), sync.Subscription[PromptEvent[int]])
    for event in stream:
        assert_type(event.prompt.tag, int)
