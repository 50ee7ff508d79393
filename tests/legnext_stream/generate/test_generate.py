"""From prompts to ends: a whole batch at the mock, over the wire, in virtual time."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import trio.testing

from legnext_stream import (
    AuthenticationError,
    ConfigurationError,
    EventStream,
    HostUnreachableError,
    JobStatus,
    LegnextClient,
    Pacing,
    Prompt,
    StreamClosedError,
    generate,
)
from legnext_stream._core.submitting import BROKE_FOR
from mockserver import (
    Account,
    AnswerLost,
    ErrorEnvelope,
    Fixed,
    LimitRule,
    MalformedJson,
    MockLegnext,
    Refuse,
    Rule,
    Status,
    TokenBucket,
    When,
    run_virtual,
)
from mockserver._api.moderation import Moderation
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
from tests.legnext_stream.support import KEY, URL, HandMade, job_body

# ---------------------------------------------------------------- as it should be


@pytest.mark.parametrize("slots", ["queue@6", "reject@6"])
async def test_each_prompt_has_its_end(slots: str) -> None:
    """Whether the account lets jobs wait or refuses them: all are made, once, and in little more time."""
    mock = MockLegnext(seed=3, slots=slots, failure_share=0.1)
    prompts = cats(50)
    told, stats = await generated(mock, prompts)
    ends = check_batch(mock, prompts, told)
    assert statuses(ends).keys() == {JobStatus.COMPLETED, JobStatus.FAILED}
    assert all(event.prompt == prompts[(event.position or 0) - 1] for event in told)
    assert (stats.prompts, stats.submitted, stats.ended) == (50, 50, 50)
    assert stats.submits == 50 + stats.submits_limited
    assert stats.submits_limited < 50 if slots == "reject@6" else stats.submits_limited == 0
    assert stats.remaining is None
    # Six at a time, each about a minute.
    assert trio.current_time() < 700


async def test_a_job_is_told_from_its_beginning() -> None:
    """The first event of a prompt is what its submit was answered with: there the id is from."""
    mock = MockLegnext(run_times=Fixed(30))
    told, _ = await generated(mock, ["a cat"])
    assert [event.status for event in told][::2] == [JobStatus.PENDING, JobStatus.COMPLETED]
    assert {event.job_id for event in told} == set(mock.truth)
    assert [event.previous for event in told] == [None, *(event.status for event in told[:-1])]


async def test_the_kind_of_work_and_its_fields_are_sent() -> None:
    """A text is for the batch's kind of work; a prompt has its own, and fields and a callback of its own."""
    mock = MockLegnext()
    own = Prompt(
        "a dog",
        task_type="video-diffusion",
        params={"video_type": 1, "callback": "http://localhost/b"},
    )
    prompts = ["a long cat", own]
    await generated(mock, prompts, task_type="shorten", callback="http://localhost/a")
    jobs = [mock.world.job(job_id, mock.now) for job_id in mock.truth]
    jobs.sort(key=lambda job: job.task.name)
    assert [job.task.name for job in jobs] == ["shorten", "video-diffusion"]
    assert [job.params for job in jobs] == [
        {"prompt": "a long cat", "callback": "http://localhost/a"},
        {"prompt": "a dog", "videoType": 1, "callback": "http://localhost/b"},
    ]
    assert [job.callback for job in jobs] == ["http://localhost/a", "http://localhost/b"]


async def test_a_mask_is_sent_as_a_file() -> None:
    """As `submit` does it."""
    mock = MockLegnext()
    (parent,) = mock.add_jobs(1)
    mock.set_status(parent, "completed")
    mask = b"\x89PNG\r\n\x1a\n" + bytes(8)
    params = {"job_id": parent, "image_no": 0, "mask": mask}
    told, _ = await generated(mock, [Prompt("a hat", task_type="inpaint", params=params)])
    assert told[-1].status is JobStatus.COMPLETED, told[-1].job.error


async def test_nothing_makes_nothing() -> None:
    """An empty batch ends at once."""
    mock = MockLegnext()
    told, stats = await generated(mock, [])
    assert (told, stats.prompts) == ([], 0)


# ---------------------------------------------------------------- prompts as they come


async def test_prompts_may_trickle_in() -> None:
    """Each is submitted as it comes, and the stream ends when the channel is closed and all have ended."""
    mock = MockLegnext(run_times=Fixed(30))
    send, receive = trio.open_memory_channel[str](0)

    async def trickle() -> None:
        with send:
            for number in range(5):
                await trio.sleep(100)
                await send.send(f"cat {number}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle)
        told, _ = await generated(mock, receive)
    ends = ends_of(told)
    assert len(ends) == 5
    for position, end in ends.items():
        assert 30 <= end.observed_at - 100 * position <= 40


async def test_no_more_are_taken_in_than_are_in_hand() -> None:
    """Of a million, only those that can be submitted, and some that wait for their turn."""
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        for taken in range(1, 1_000_001):
            yield f"cat {taken}"

    mock = MockLegnext(slots="reject@6")
    async with generating(mock, endless()) as events:
        await first(events, 20)
        assert taken <= 20 + 6 + 110
        assert events.stats.prompts <= taken


async def test_a_slow_consumer_slows_submitting(monkeypatch: pytest.MonkeyPatch) -> None:
    """While no event is read, no more is submitted than a buffer holds."""
    monkeypatch.setattr("legnext_stream._engine.delivery.CAPACITY", 50)
    mock = MockLegnext(slots=None, run_times=Fixed(1))
    fast = Pacing(max_rate=1000, initial_rate=1000, max_in_flight=1000)
    async with generating(mock, cats(200), client_pacing=fast) as events:
        await anext(events)
        await trio.sleep(3600)
        assert 40 < len(mock.truth) < 120
        told = [event async for event in events]
    assert len({event.position for event in told}) == 200


async def test_at_once_is_kept_to() -> None:
    """No more unfinished jobs than the caller wants."""
    mock = MockLegnext(slots=None)
    told, stats = await generated(mock, cats(30), at_once=4)
    assert len(ends_of(told)) == 30
    assert stats.submits == 30
    changes = sorted(
        (at, 1 if status == "pending" else -1)
        for lives in mock.truth.values()
        for at, status in (lives[0], lives[-1])
    )
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    assert most <= 4


async def test_an_async_generator_is_closed() -> None:
    """Its `finally` runs when the stream is left, in good time."""
    closed = False

    async def prompts() -> AsyncIterator[str]:
        nonlocal closed
        try:
            while True:
                yield "a cat"
        finally:
            closed = True

    mock = MockLegnext()
    async with generating(mock, prompts()) as events:
        await anext(events)
    assert closed


async def test_what_is_wrong_with_prompts_that_come_later_ends_the_stream() -> None:
    """Bare, as itself, at the loop."""
    mock = MockLegnext()
    for odd, kind in [(3, TypeError), (RuntimeError("mine"), RuntimeError)]:

        def prompts(odd: Any = odd) -> Iterator[Any]:  # noqa: ANN401 - anything but a prompt
            yield "a cat"
            if isinstance(odd, Exception):
                raise odd
            yield odd

        with pytest.raises(kind):
            await generated(mock, prompts())


# ---------------------------------------------------------------- refusals and trouble


@pytest.mark.parametrize("slots", ["queue@6", "reject@6"])
@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (Status(503), JobStatus.SUBMIT_UNKNOWN),
        (Status(503, headers={"Retry-After": "20"}), JobStatus.SUBMIT_UNKNOWN),
        (Status(408), JobStatus.SUBMIT_UNKNOWN),
        (AnswerLost(), JobStatus.SUBMIT_UNKNOWN),
        (MalformedJson(), JobStatus.SUBMIT_UNKNOWN),
        (Status(429), None),
        (Status(429, headers={"Retry-After": "20"}), None),
        (ErrorEnvelope(429), None),
        (Status(422), JobStatus.NOT_SUBMITTED),
        (Status(404), JobStatus.NOT_SUBMITTED),
        (Refuse(), None),
    ],
    ids=[
        "503",
        "503 with Retry-After",
        "408",
        "answer lost",
        "malformed",
        "429",
        "429 with Retry-After",
        "429 in the body",
        "422",
        "404",
        "refused",
    ],
)
async def test_trouble_with_submits(slots: str, fault: Any, verdict: JobStatus | None) -> None:  # noqa: ANN401
    """A submit that surely made no job is repeated; one that may have made a job is reported."""
    chance = When(every=4) if isinstance(fault, Refuse) else When(route="submit", every=4)
    mock = MockLegnext(seed=1, slots=slots, faults=[Rule(fault, chance)])
    prompts = cats(24)
    told, stats = await generated(mock, prompts)
    ends = check_batch(mock, prompts, told)
    odd = {status for status in statuses(ends) if status is not JobStatus.COMPLETED}
    assert odd == (set() if verdict is None else {verdict})
    if not isinstance(fault, Refuse):  # which may have met other requests
        assert stats.last_error
        assert stats.submits - stats.submits_limited == 24
        assert verdict or stats.submits_limited


async def test_a_prompt_that_is_refused_again_and_again_is_not_lost() -> None:
    """The rate limit is no refusal: an hour of 429s, and all are made."""
    mock = MockLegnext(faults=[Rule(Status(429), When(route="submit", until=3600))])
    prompts = cats(5)
    told, stats = await generated(mock, prompts)
    assert statuses(check_batch(mock, prompts, told)) == {JobStatus.COMPLETED: 5}
    assert 100 < stats.submits_limited < 400, "not hammered at"


async def test_a_rate_limit_of_submits_is_kept_to() -> None:
    """Their own limit, and not that of status requests, holds them back."""
    limit = LimitRule(TokenBucket(rate=0.5, burst=3), route="submit")
    mock = MockLegnext(slots=None, run_times=Fixed(20), limit=limit)
    prompts = cats(60)
    told, stats = await generated(mock, prompts)
    assert statuses(check_batch(mock, prompts, told)) == {JobStatus.COMPLETED: 60}
    assert stats.submits_limited < 40
    assert trio.current_time() < 400


async def test_without_credits_what_runs_is_seen_to_its_end() -> None:
    """After a 402 nothing is submitted for a minute; jobs that exist are watched to their ends."""
    mock = MockLegnext(account=Account(points=400, credits=0, limited=True), run_times=Fixed(50))
    prompts = cats(20)
    told, stats = await generated(mock, prompts)
    ends = check_batch(mock, prompts, told)
    assert statuses(ends) == {JobStatus.COMPLETED: 5, JobStatus.NOT_SUBMITTED: 15}
    errors = [end.job.error for end in ends.values() if end.status is JobStatus.NOT_SUBMITTED]
    assert {error and error.code for error in errors} == {402}
    assert stats.submits < 12


async def test_after_a_while_without_credits_submitting_is_tried_again() -> None:
    """Prompts that come a minute after a 402 are submitted: there may be credits again."""
    mock = MockLegnext(faults=[Rule(Status(402), When(route="submit", nth=1))])

    async def prompts() -> AsyncIterator[str]:
        yield "cat 1"
        yield "cat 2"
        await trio.sleep(BROKE_FOR + 1)
        yield "cat 3"

    told, _ = await generated(mock, prompts())
    assert [end.status for end in ends_of(told).values()] == [
        JobStatus.NOT_SUBMITTED,
        JobStatus.NOT_SUBMITTED,
        JobStatus.COMPLETED,
    ]


async def test_moderation_refuses_a_prompt_alone() -> None:
    """403 is for the prompt that has the word, and says why."""
    mock = MockLegnext(moderation=Moderation(words=("9",)))
    prompts = [f"cat {number}" for number in range(1, 21)]
    told, _ = await generated(mock, prompts)
    ends = check_batch(mock, prompts, told)
    assert statuses(ends) == {JobStatus.COMPLETED: 19, JobStatus.NOT_SUBMITTED: 1}
    error = ends[9].job.error
    assert error is not None
    assert error.code == 403
    assert error.message


async def test_a_wrong_key_ends_the_stream() -> None:
    """It concerns every prompt: the error comes out of the loop, bare."""
    mock = MockLegnext(api_keys=["another"])
    with pytest.raises(AuthenticationError):
        await generated(mock, cats(100))


async def test_a_host_out_of_reach_ends_the_stream() -> None:
    """When nothing could be submitted for the whole timeout."""
    mock = MockLegnext(faults=[Refuse()])
    with pytest.raises(HostUnreachableError, match="nothing could be submitted for 1"):
        await generated(mock, cats(100), timeout=100)
    assert 100 <= trio.current_time() < 130


async def test_who_wants_to_has_it_submitted_again() -> None:
    """`submit_again` repeats what may have made a job, so there may be two jobs; one is reported."""
    mock = MockLegnext(faults=[Rule(AnswerLost(), When(route="submit", every=3))])
    told, _ = await generated(mock, cats(12), if_unknown="submit_again")
    assert statuses(ends_of(told)) == {JobStatus.COMPLETED: 12}
    made = [len(jobs) for jobs in jobs_of(mock).values()]
    assert len(made) == 12
    assert max(made) > 1


async def test_the_same_job_for_two_prompts_is_not_believed() -> None:
    """A host that answers with an id that it has given already: the second prompt has no job it knows."""

    async def serve(request: httpx.Request) -> httpx.Response:
        await trio.sleep(0.01)
        status = "pending" if request.method == "POST" else "completed"
        return httpx.Response(200, json=job_body("the-same", status))

    transport = HandMade(serve)
    async with LegnextClient(KEY, URL, transport) as client:
        told = [event async for event in client.generate(["cat 1", "cat 2"])]
    ends = ends_of(told)
    assert statuses(ends) == {JobStatus.COMPLETED: 1, JobStatus.SUBMIT_UNKNOWN: 1}
    (odd,) = (end for end in ends.values() if end.status is JobStatus.SUBMIT_UNKNOWN)
    assert odd.job.error is not None
    assert "the-same, which belongs to another prompt" in odd.job.error.message


# ---------------------------------------------------------------- the stream's contract


async def test_a_cancelled_next_loses_nothing() -> None:
    """However often waiting is cancelled, each event is delivered once."""
    mock = MockLegnext(seed=2, slots="reject@3")
    prompts, told = cats(10), []
    async with generating(mock, prompts) as events:
        while True:
            with trio.move_on_after(0.7):
                try:
                    told.append(await anext(events))
                except StopAsyncIteration:
                    break
    check_batch(mock, prompts, told)


@pytest.mark.parametrize("after", [0, 1, 12])
@pytest.mark.parametrize("way", ["break", "error", "cancel", "lost"])
async def test_leaving_stops_everything(way: str, after: int) -> None:
    """However it is left: nothing more is polled or submitted, and no task is left."""
    mock = MockLegnext(seed=2, slots="reject@3", latency=0.2)

    async def leave(events: EventStream) -> None:
        for _ in range(after):
            await anext(events)
        if way == "error":
            raise ZeroDivisionError
        if way == "cancel":
            with trio.move_on_after(0.1):
                async for _ in events:
                    pass

    async with LegnextClient(KEY, transport=mock.transport()) as client:
        if way == "lost":
            lost = client.generate(cats(50))
            await leave(lost)
            del lost
            gc.collect()
            await trio.testing.wait_all_tasks_blocked()
        elif way == "error":
            with pytest.raises(ZeroDivisionError):
                async with client.generate(cats(50)) as events:
                    await leave(events)
        else:
            async with client.generate(cats(50)) as events:
                await leave(events)
        await trio.sleep(1)  # what was on its way comes to its end there
        asked, at = len(mock.requests), len(mock.truth)
        await trio.sleep(100)
        assert (len(mock.requests), len(mock.truth)) == (asked, at)


async def test_a_closed_stream_says_so() -> None:
    """Closing twice is nothing; going on after it is an error."""
    mock = MockLegnext()
    async with LegnextClient(KEY, transport=mock.transport()) as client:
        events = client.generate(cats(5))
        await anext(events)
        await events.aclose()
        await events.aclose()
        with pytest.raises(StreamClosedError):
            await anext(events)


async def test_jobs_can_be_added_and_removed() -> None:
    """A stream of `generate` is a watch, too: other jobs join it, and one of its own can leave it."""
    mock = MockLegnext(run_times=Fixed(30))
    (other,) = mock.add_jobs(1)
    async with generating(mock, cats(3)) as events:
        events.add([other])
        event = await anext(events)
        while event.position is None:
            event = await anext(events)
        events.remove(event.job_id)
        gone = event.job_id
        told = [event async for event in events]
    ends = [event for event in told if event.status.is_terminal]
    assert len(ends) == 3
    assert gone not in {event.job_id for event in told}
    (alone,) = (event for event in ends if event.prompt is None)
    assert (alone.job_id, alone.position) == (other, None)


@pytest.mark.parametrize(
    ("kind", "said", "wrong"),
    [
        (TypeError, "many prompts, not one string", {"prompts": "a cat"}),
        (TypeError, "an iterable or async iterable of prompts", {"prompts": 3}),
        (TypeError, "a text or a Prompt, not int", {"prompts": ["a", 3]}),
        (ValueError, "upscale takes no text", {"prompts": ["a"], "task_type": "upscale"}),
        (ValueError, "no task type", {"prompts": [], "task_type": "up"}),
        (ValueError, "at_once must be at least 1", {"prompts": [], "at_once": 0}),
        (ValueError, "max_cost must be 0 points or more", {"prompts": [], "max_cost": -1}),
        (ValueError, "max_cost must be 0 points", {"prompts": [], "max_cost": float("nan")}),
        (ValueError, 'if_unknown must be "tell" or', {"prompts": [], "if_unknown": "hope"}),
        (ValueError, "timeout must be above 0", {"prompts": [], "timeout": 0}),
    ],
)
async def test_mistakes_are_told_at_once(
    kind: type[Exception], said: str, wrong: dict[str, Any]
) -> None:
    """Before anything is submitted."""
    with pytest.raises(kind, match=said):
        generate(**wrong, api_key=KEY, base_url=URL)


async def test_files_are_there_when_the_job_is_told(tmp_path: Path) -> None:
    """With `save_to`, a completed job's event has its files; what can't be had, says so."""
    mock = MockLegnext(seed=4, failure_share=0.2)
    told, _ = await generated(mock, cats(10), save_to=tmp_path, name="{position}-{number}{suffix}")
    ends = ends_of(told)
    names = set()
    for position, end in ends.items():
        assert end.download_error is None
        assert len(end.files) == (4 if end.status is JobStatus.COMPLETED else 0)
        for number, file in enumerate(end.files, 1):
            names.add(file.path.name)
            assert file.path.name == f"{position}-{number}.png"
            assert file.path.stat().st_size == file.size > 0
    there = {path.name for path in tmp_path.iterdir()}  # noqa: ASYNC240 - a test may block
    assert there == names
    assert statuses(ends).keys() == {JobStatus.COMPLETED, JobStatus.FAILED}


async def test_a_file_that_can_not_be_had_is_told(tmp_path: Path) -> None:
    """The job is completed all the same, and the stream continues."""
    mock = MockLegnext(faults=[Rule(Status(404), When(route="file", nth=2))])
    told, _ = await generated(mock, cats(3), save_to=tmp_path)
    ends = ends_of(told)
    assert statuses(ends) == {JobStatus.COMPLETED: 3}
    errors = [end.download_error for end in ends.values() if end.download_error]
    (error,) = errors
    assert error.job_id in mock.truth


async def test_a_folder_that_can_not_be_written_costs_nothing(tmp_path: Path) -> None:
    """It is found out before anything is submitted."""
    mock, folder = MockLegnext(), tmp_path / "file"
    folder.touch()
    with pytest.raises(ConfigurationError, match="file is not a folder"):
        await generated(mock, cats(3), save_to=folder)
    assert not mock.truth


async def test_a_client_that_is_closed_ends_its_streams() -> None:
    """And the stream says so at its loop."""
    mock = MockLegnext()
    async with LegnextClient(KEY, transport=mock.transport()) as client:
        events = client.generate(cats(5))
        await anext(events)
    with pytest.raises(StreamClosedError):
        [event async for event in events]


@pytest.mark.parametrize(
    "limited", [{"slots": "reject@8"}, {"slots": 8, "limit": TokenBucket(1.0, 5)}]
)
def test_time_left_counts_prompts_that_are_still_to_come(limited: dict[str, Any]) -> None:
    """From a quarter of the way on, the time left is mostly right within a third, if submits are limited."""
    mock = MockLegnext(seed=5, latency=0.1, **limited)
    estimates = []

    async def main() -> None:
        async with LegnextClient("k", transport=mock.transport()) as client:
            async for event in (events := client.generate(cats(150), timeout=None)):
                if event.status.is_terminal:
                    estimates.append((trio.current_time(), events.stats.remaining))

    run_virtual(main)
    first, last = estimates[0][0], estimates[-1][0]
    checked = [
        remaining / (last - at)
        for at, remaining in estimates
        if remaining is not None and first + 0.25 * last < at < 0.9 * last
    ]
    assert len(checked) > 50
    right = sum(2 / 3 < share < 4 / 3 for share in checked)
    assert right >= 0.95 * len(checked)
