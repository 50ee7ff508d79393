"""A batch with a journal resumes where an earlier one stopped: nothing is submitted twice or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legnext_stream import AuthenticationError, JobEvent, JobStatus, LegnextClient, Prompt
from legnext_stream._journal import JournalExtension, SqliteRecorder
from legnext_stream._journal.recorder import Written
from legnext_stream._journal.records import Content, Record
from mockserver import (
    Account,
    AnswerLost,
    Delay,
    Fixed,
    MockLegnext,
    Rule,
    Status,
    When,
    run_virtual,
)
from mockserver._api.moderation import Moderation
from tests.effort import examples
from tests.legnext_stream.generate.support import (
    cats,
    check_batch,
    ends_of,
    first,
    generated,
    generating,
    jobs_of,
    statuses,
)
from tests.legnext_stream.support import KEY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "batch.db"


async def some_of(
    mock: MockLegnext,
    prompts: Any,  # noqa: ANN401 - passed on
    count: int,
    **settings: Any,  # noqa: ANN401 - passed on
) -> list[JobEvent]:
    """Generate until `count` jobs have ended and are acknowledged, and leave."""
    async with generating(mock, prompts, **settings) as events:
        told = await first(events, count)
        await events.ack()
        return told


@pytest.mark.parametrize("slots", ["queue@6", "reject@6"])
@pytest.mark.parametrize("again", [True, False], ids=["the same prompts", "no prompts"])
async def test_a_restart_submits_nothing_twice(path: Path, slots: str, *, again: bool) -> None:
    """With the same prompts or with none: acknowledged ends don't come again, and no job is new."""
    mock = MockLegnext(seed=1, slots=slots, failure_share=0.2)
    prompts = cats(20)
    before = await some_of(mock, prompts, 7, journal=path)
    made = set(mock.truth)
    assert len(made) >= 7
    after, stats = await generated(mock, prompts if again else (), journal=path)
    ends = {event.position: event for event in before + after if event.status.is_terminal}
    if again or len(made) == 20:
        assert len(ends) == 20
    assert not {event.position for event in before} & {event.position for event in after}
    assert all(len(jobs) == 1 for jobs in jobs_of(mock).values())
    unknown = statuses({p or 0: e for p, e in ends.items()})[JobStatus.SUBMIT_UNKNOWN]
    assert len(mock.truth) >= 20 - unknown if again else True
    assert all(event.prompt == prompts[(event.position or 0) - 1] for event in after)
    assert stats.submitted + len(made) == len(mock.truth)
    more, stats = await generated(mock, prompts, journal=path)
    if again:
        assert (more, stats.submits) == ([], 0)


async def test_prompts_that_say_the_same_are_each_one(path: Path) -> None:
    """Three that say the same are three; one more in a later run is one more, and only that."""
    mock = MockLegnext()
    told, _ = await generated(mock, ["a", "b", "a", "a"], journal=path)
    assert statuses(ends_of(told)) == {JobStatus.COMPLETED: 4}
    assert {text: len(jobs) for text, jobs in jobs_of(mock).items()} == {"a": 3, "b": 1}
    told, _ = await generated(mock, ["a", "a", "c", "b", "a", "a"], journal=path)
    ends = ends_of(told)
    assert {position: end.prompt and end.prompt.text for position, end in ends.items()} == {
        5: "c",
        6: "a",
    }
    assert {text: len(jobs) for text, jobs in jobs_of(mock).items()} == {"a": 4, "b": 1, "c": 1}


def test_what_makes_a_prompt_another() -> None:
    """Its text, its tag, its kind and its fields; not how a field's name is written."""
    same = Prompt("a", tag={"x": 1, "y": 2}, params={"image_no": 1})
    twin = Prompt("a", tag={"y": 2, "x": 1}, params={"imageNo": 1, "type": None})
    assert Content.of(same).identity == Content.of(twin).identity
    others = [
        Prompt("b", tag=same.tag, params=same.params),
        Prompt("a", params=same.params),
        Prompt("a", tag=same.tag),
        Prompt("a", tag=same.tag, params=same.params, task_type="shorten"),
    ]
    assert len({Content.of(prompt).identity for prompt in [same, *others]}) == 5


@pytest.mark.parametrize("prompt", [Prompt("a", tag=object()), Prompt("a", params={"x": {1, 2}})])
async def test_what_json_can_not_hold_is_refused(path: Path, prompt: Prompt) -> None:
    """At the loop, by its name."""
    with pytest.raises(TypeError, match="a journal keeps prompts as JSON"):
        await generated(MockLegnext(), [prompt], journal=path)


async def test_tags_and_masks_survive_a_restart(path: Path) -> None:
    """A prompt that isn't given again comes back as it was given."""
    mock = MockLegnext(run_times=Fixed(60))
    (parent,) = mock.add_jobs(1)
    mock.set_status(parent, "completed")
    mask = b"\x89PNG\r\n\x1a\n" + bytes(8)
    prompt = Prompt(
        "a hat",
        tag={"row": [1, None]},
        task_type="inpaint",
        params={"job_id": parent, "image_no": 0, "mask": mask},
    )
    async with generating(mock, [prompt], journal=path) as events:
        await anext(events)
    told, _ = await generated(mock, (), journal=path)
    assert [event.prompt for event in told] == [prompt] * len(told)
    assert told[-1].status is JobStatus.COMPLETED


def interrupted(mock: MockLegnext, path: Path) -> None:
    """A batch that is left while its two submits are under way: to the journal, as good as killed."""

    async def main() -> None:
        async with generating(mock, ["cat 1", "cat 2"], journal=path) as events:
            with trio.move_on_after(1):
                await anext(events)

    run_virtual(main)


@pytest.mark.parametrize("prompts", [["cat 1", "cat 2"], []])
def test_a_submit_that_was_interrupted_is_told(tmp_path: Path, prompts: Sequence[str]) -> None:
    """It may have made a job, so it isn't repeated; that is reported, until it is acknowledged."""
    path = tmp_path / "batch.db"
    mock = MockLegnext(faults=[Rule(Delay(5), When(route="submit"))], clock=lambda: 0.0)
    interrupted(mock, path)
    mock = MockLegnext()

    async def main() -> None:
        # Not acknowledged, it is still owed.
        async with generating(mock, prompts, journal=path) as events:
            await anext(events)
        told, stats = await generated(mock, prompts, journal=path)
        assert statuses(ends_of(told)) == {JobStatus.SUBMIT_UNKNOWN: 2}
        assert {event.prompt and event.prompt.text for event in told} == {"cat 1", "cat 2"}
        error = told[0].job.error
        assert error is not None
        assert "an earlier run" in error.message
        assert stats.submits == 0
        told, _ = await generated(mock, prompts, journal=path)
        assert told == []
        assert not mock.truth

    run_virtual(main)


async def test_leaving_waits_a_moment_for_what_is_on_its_way(path: Path) -> None:
    """Left in good order, a batch knows the jobs of the submits that were under way."""
    mock = MockLegnext(latency=0.5)
    async with generating(mock, cats(3), journal=path) as events:
        with trio.move_on_after(0.45):
            await anext(events)
    assert len(mock.truth) == 3
    told, stats = await generated(mock, (), journal=path)
    assert statuses(ends_of(told)) == {JobStatus.COMPLETED: 3}
    assert stats.submits == 0


async def test_what_has_not_gone_out_yet_does_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left while it is being written that a submit is next: it isn't sent, and the next run does it."""
    mock, flush = MockLegnext(), JournalExtension.flush

    async def slow(journal: JournalExtension) -> None:
        await trio.sleep(1)
        await flush(journal)

    with monkeypatch.context() as patched:
        patched.setattr(JournalExtension, "flush", slow)
        async with generating(mock, cats(2), journal=path) as events:
            # For a second their places are written, for another that they are next.
            with trio.move_on_after(1.5):
                await anext(events)
    assert not mock.truth
    told, _ = await generated(mock, (), journal=path)
    assert statuses(ends_of(told)) == {JobStatus.COMPLETED: 2}


async def test_what_is_surely_not_submitted_is_by_the_next_run(path: Path) -> None:
    """A key that is refused ends the stream, and leaves the prompts as they were."""
    fault = Rule(Status(401), When(route="submit", until=5))
    mock = MockLegnext(faults=[fault])
    with pytest.raises(AuthenticationError):
        await generated(mock, cats(3), journal=path)
    await trio.sleep(10)
    told, _ = await generated(mock, cats(3), journal=path)
    assert statuses(ends_of(told)) == {JobStatus.COMPLETED: 3}


def test_who_wants_to_has_it_submitted_again(tmp_path: Path) -> None:
    """`submit_again` holds for what an earlier run left, too."""
    path = tmp_path / "batch.db"
    interrupted(MockLegnext(faults=[Rule(Delay(5), When(route="submit"))]), path)
    mock = MockLegnext()

    async def main() -> None:
        # One run tells the first of them as unknown, and is left before that is acknowledged.
        async with generating(mock, (), journal=path) as events:
            await anext(events)
        told, _ = await generated(mock, (), journal=path, if_unknown="submit_again")
        assert statuses(ends_of(told)) == {JobStatus.COMPLETED: 2}
        assert {text: len(jobs) for text, jobs in jobs_of(mock).items()} == {"cat 1": 1, "cat 2": 1}

    run_virtual(main)


async def test_refusals_are_for_good_but_not_for_lack_of_credits(path: Path) -> None:
    """What moderation refuses stays refused; what couldn't be paid is submitted by a later run."""
    prompts = ["cat 1", "a bad cat", "cat 3", "cat 4"]
    moderation = Moderation(words=("bad",))
    poor = MockLegnext(account=Account(points=80, credits=0, limited=True), moderation=moderation)
    told, _ = await generated(poor, prompts, journal=path, at_once=1)
    ends = ends_of(told)
    codes = {position: end.job.error and end.job.error.code for position, end in ends.items()}
    assert codes == {1: None, 2: 403, 3: 402, 4: 402}
    rich = MockLegnext(seed=1, moderation=moderation)  # whose jobs have ids of their own
    told, _ = await generated(rich, prompts, journal=path)
    assert statuses(ends_of(told)) == {JobStatus.COMPLETED: 2}
    assert jobs_of(rich).keys() == {"cat 3", "cat 4"}
    told, _ = await generated(rich, prompts, journal=path)
    assert told == []


async def test_a_refusal_is_told_again_with_what_is_wrong(path: Path) -> None:
    """The exact message survives a restart as well as the general one."""
    mock, prompt = MockLegnext(), Prompt("", task_type="upscale", params={"image_no": 0})
    reasons = []
    for _ in range(2):
        async with generating(mock, [prompt], journal=path) as events:
            reasons.append(str((await anext(events)).job.error))
    assert reasons == ["Invalid parameters: jobId is required (code 400)"] * 2


async def test_a_refusal_that_was_not_acknowledged_is_told_again(path: Path) -> None:
    """As the end of a job is; once it is, never again."""
    mock = MockLegnext(moderation=Moderation(words=("bad",)))
    for _ in range(2):
        async with generating(mock, ["a bad cat"], journal=path) as events:
            event = await anext(events)
            assert event.status is JobStatus.NOT_SUBMITTED
            assert event.job.error is not None
            assert event.job.error.code == 403
    told, stats = await generated(mock, ["a bad cat"], journal=path)
    assert len(told) == 1
    assert stats.submits == 0


async def test_a_job_that_was_removed_is_not_submitted_again(path: Path) -> None:
    """It was submitted, even if it is no longer watched."""
    mock = MockLegnext(run_times=Fixed(60))
    async with generating(mock, ["a cat"], journal=path) as events:
        event = await anext(events)
        events.remove(event.job_id)
        assert [event async for event in events] == []
    told, stats = await generated(mock, ["a cat"], journal=path)
    assert (told, stats.submits) == ([], 0)


async def test_files_that_were_saved_are_kept(path: Path, tmp_path: Path) -> None:
    """An unacknowledged completed job is delivered again, with the files that are there."""
    mock = MockLegnext()
    folder = tmp_path / "out"
    async with generating(mock, ["a cat"], journal=path, save_to=folder) as events:
        (end,) = await first(events, 1)
    told, _ = await generated(mock, ["a cat"], journal=path, save_to=folder)
    assert [event.status for event in told] == [JobStatus.COMPLETED]
    assert [file.path for file in told[0].files] == [file.path for file in end.files]
    assert all(file.was_there for file in told[0].files)
    assert told[0].position == 1


async def test_many_share_a_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred prompts that come in together cost no hundred commits before their submits."""
    writes: list[int] = []
    write = SqliteRecorder._write

    def counted(recorder: SqliteRecorder, number: int, records: Sequence[Record]) -> Written:
        writes.append(len(records))
        return write(recorder, number, records)

    monkeypatch.setattr(SqliteRecorder, "_write", counted)
    mock = MockLegnext(slots=None, run_times=Fixed(600))
    async with generating(mock, cats(150), journal=path) as events:
        await anext(events)
    assert max(writes) >= 50


async def test_the_journal_of_a_watch_takes_prompts_in(path: Path) -> None:
    """`generate` resumes its jobs, and submits the prompts."""
    mock = MockLegnext(run_times=Fixed(60))
    ids = mock.add_jobs(2)
    async with (
        LegnextClient(KEY, transport=mock.transport()) as client,
        client.watch(ids, journal=path) as events,
    ):
        await anext(events)
    told, _ = await generated(mock, cats(2), journal=path)
    ends = [event for event in told if event.status.is_terminal]
    assert Counter(event.position for event in ends) == {None: 2, 1: 1, 2: 1}


@settings(examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1000),
    slots=st.sampled_from(["queue@4", "reject@4"]),
    lives=st.lists(st.floats(0.1, 40), max_size=4),
    lost=st.sampled_from([0, 3, 5]),
    count=st.integers(1, 14),
)
def test_however_often_it_is_left(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    slots: str,
    lives: list[float],
    lost: int,
    count: int,
) -> None:
    """Left at any moments and resumed: each prompt has one end, and at most one job."""
    path = tmp_path_factory.mktemp("journal") / "batch.db"
    faults = [
        Rule(Status(429), When(route="submit", every=4)),
        *([Rule(AnswerLost(), When(route="submit", every=lost))] if lost else []),
    ]
    mock = MockLegnext(seed=seed, slots=slots, latency=0.3, faults=faults, failure_share=0.2)
    prompts = cats(count)

    async def main() -> None:
        ends: list[JobEvent] = []
        for life in lives:
            async with generating(mock, prompts, journal=path) as events:
                with trio.move_on_after(life):
                    async for event in events:
                        if event.status.is_terminal:
                            ends.append(event)
                            await events.ack()
        told, _ = await generated(mock, prompts, journal=path)
        ends += [event for event in told if event.status.is_terminal]
        check_batch(
            mock, prompts, [attrs.evolve(end, sequence=at) for at, end in enumerate(ends, 1)]
        )

    run_virtual(main)
