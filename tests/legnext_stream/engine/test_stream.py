"""The stream: bounded, serial, closed once, and true to what happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
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
    Job,
    JobEvent,
    JobStatus,
    LegnextClient,
    LegnextError,
    Pacing,
    StreamClosedError,
    watch,
)
from legnext_stream._core.pace.spacing import LATENESS
from legnext_stream._engine import delivery
from mockserver import MockLegnext, Script
from tests.legnext_stream.support import (
    KEY,
    URL,
    HandMade,
    check_contract,
    in_turn,
    job_body,
    refusal,
)

SLOW_LIFE = Script([("pending", 5), ("processing", 50), "completed"])


@asynccontextmanager
async def opened(mock: MockLegnext, **settings: Any) -> AsyncIterator[LegnextClient]:  # noqa: ANN401 - passed on
    """A client of this mock."""
    async with LegnextClient(KEY, URL, mock.transport(), **settings) as client:
        yield client


async def test_every_job_is_told_to_its_end() -> None:
    """The whole in a nutshell: events agree with the truth, the stream ends by itself."""
    mock = MockLegnext(seed=1, failure_share=0.3)
    ids = mock.add_jobs(40)
    async with opened(mock) as client:
        events = [event async for event in client.watch(ids)]
    assert set(check_contract(events, mock.truth)) == set(ids)


async def test_no_jobs_make_an_empty_stream() -> None:
    """It ends at once, and nothing is asked."""
    mock = MockLegnext()
    async with opened(mock) as client:
        assert [event async for event in client.watch([])] == []
    assert len(mock.requests) == 0


async def test_an_ended_stream_stays_ended() -> None:
    """Iterating again after the end ends again, without an error or a hang."""
    mock = MockLegnext()
    async with opened(mock) as client:
        stream = client.watch(mock.add_jobs(1))
        assert [event async for event in stream]
        assert [event async for event in stream] == []


async def test_a_slow_consumer_slows_the_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the buffer is full, no job is polled until an event has been read."""
    monkeypatch.setattr(delivery, "CAPACITY", 10)
    mock = MockLegnext()
    ids = mock.add_jobs(60)
    pacing = Pacing(max_in_flight=5)
    async with opened(mock, pacing=pacing) as client, client.watch(ids) as stream:
        first = await anext(stream)
        await trio.sleep(5000)
        asked = len(mock.requests)
        assert asked <= 10 + 1 + 5
        await trio.sleep(5000)
        assert len(mock.requests) == asked
        events = [first, *[event async for event in stream]]
    assert set(check_contract(events, mock.truth)) == set(ids)
    assert {event.status for event in events if event.status.is_terminal} == {JobStatus.COMPLETED}


async def test_changes_nobody_has_read_are_merged() -> None:
    """A consumer that comes back late gets all events, and then the end."""
    mock = MockLegnext()
    job_id = mock.add_job(SLOW_LIFE)
    async with opened(mock) as client, client.watch([job_id]) as stream:
        first = await anext(stream)
        assert first.status is JobStatus.PENDING
        await trio.sleep(500)
        last = await anext(stream)
    assert (last.previous, last.status) == (JobStatus.PENDING, JobStatus.COMPLETED)
    assert last.sequence == 2
    check_contract([first, last], mock.truth)


async def test_two_readers_at_once_are_refused() -> None:
    """The second gets a clear error, the first its event."""
    mock = MockLegnext()
    job_id = mock.add_job(SLOW_LIFE)
    async with opened(mock) as client, client.watch([job_id]) as stream:
        await anext(stream)
        got: list[JobEvent] = []
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def first_reader() -> None:
                got.append(await anext(stream))

            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError, match="another task"):
                await anext(stream)
        assert got[0].status is JobStatus.PROCESSING
        assert (await anext(stream)).status is JobStatus.COMPLETED


async def test_a_cancelled_next_loses_nothing() -> None:
    """A reader that gives up every few seconds sees what a patient one sees."""
    mock = MockLegnext(seed=3)
    ids = mock.add_jobs(10)
    events: list[JobEvent] = []
    async with opened(mock) as client, client.watch(ids) as stream:
        while True:
            with trio.move_on_after(0.37):
                try:
                    events.append(await anext(stream))
                except StopAsyncIteration:
                    break
    told = check_contract(events, mock.truth)
    assert {job_events[-1].status for job_events in told.values()} == {JobStatus.COMPLETED}


async def test_closing_twice_and_iterating_after_it() -> None:
    """`aclose` may be called again; iterating a closed stream raises."""
    mock = MockLegnext()
    async with opened(mock) as client:
        stream = client.watch(mock.add_jobs(3))
        await anext(stream)
        await stream.aclose()
        await stream.aclose()
        for _ in range(2):
            with pytest.raises(StreamClosedError, match="closed"):
                await anext(stream)
        with pytest.raises(StreamClosedError):
            await stream.__aenter__()


async def test_closing_what_never_began() -> None:
    """Nothing was asked, nothing is left, and it can't be begun any more."""
    mock = MockLegnext()
    async with opened(mock) as client:
        stream = client.watch(mock.add_jobs(3))
        await stream.aclose()
        with pytest.raises(StreamClosedError):
            await anext(stream)
    assert len(mock.requests) == 0


async def test_closing_under_cancellation_still_closes() -> None:
    """The polling has stopped when `aclose` is left, also by a cancellation."""
    mock = MockLegnext()
    async with opened(mock) as client:
        stream = client.watch([mock.add_job(Script(["pending"]))])
        await anext(stream)
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.aclose()
        assert scope.cancelled_caught
        asked = len(mock.requests)
        await trio.sleep(1000)
        assert len(mock.requests) == asked


async def test_an_entry_that_is_cancelled_starts_nothing() -> None:
    """A cancelled entry starts nothing; the stream can still be entered later."""
    mock = MockLegnext()
    async with opened(mock) as client:
        stream = client.watch(mock.add_jobs(3))
        with trio.move_on_after(0) as scope:
            async with stream:
                raise AssertionError
        assert scope.cancelled_caught
        await trio.sleep(100)
        assert len(mock.requests) == 0
        async with stream:
            assert [event async for event in stream]


async def test_closing_from_another_task_wakes_the_reader() -> None:
    """It gets an error that says why, after what had been seen before."""
    mock = MockLegnext()
    async with opened(mock) as client:
        stream = client.watch([mock.add_job(Script(["pending"]))])
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def read() -> None:
                await anext(stream)
                with pytest.raises(StreamClosedError):
                    await anext(stream)

            await trio.sleep(100)
            await stream.aclose()


async def test_closing_the_client_ends_its_streams() -> None:
    """A reader in a task that outlives the client gets an error, and is not left hanging."""
    mock = MockLegnext()
    async with trio.open_nursery() as nursery, opened(mock) as client:

        @nursery.start_soon
        async def read(client: LegnextClient = client) -> None:
            stream = client.watch([mock.add_job(Script(["pending"]))])
            await anext(stream)
            with pytest.raises(StreamClosedError):
                await anext(stream)

        await trio.sleep(50)


async def test_a_failure_of_the_whole_surfaces_bare() -> None:
    """The key is refused: that error itself at the loop, in no group, and again if asked again."""
    transport = in_turn(httpx.Response(401, json={"code": 401, "message": "bad key"}))
    async with LegnextClient(KEY, URL, transport) as client:
        stream = client.watch([f"job-{number}" for number in range(50)])
        for _ in range(2):
            with pytest.raises(AuthenticationError, match="bad key") as caught:
                await anext(stream)
            assert type(caught.value) is AuthenticationError


async def test_what_was_seen_before_a_failure_is_told_first() -> None:
    """Events, then the error."""
    answers = [
        httpx.Response(200, json=job_body("a", "completed")),
        httpx.Response(402, json={"error": {"code": 402, "message": "no credits"}}),
    ]
    async with LegnextClient(KEY, URL, in_turn(*answers)) as client:
        stream = client.watch(["a", "b"])
        await anext(stream)
        await trio.sleep(10)
        with pytest.raises(LegnextError, match="no credits"):
            await anext(stream)


async def test_a_silent_host_is_named() -> None:
    """After the timeout without an answer, an error with the host in it."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("", request=request)

    async with LegnextClient(KEY, URL, HandMade(handle)) as client:
        with pytest.raises(HostUnreachableError, match=r"http://legnext\.test"):
            await anext(client.watch(["a"], timeout=60))
        assert 60 <= trio.current_time() < 200


async def test_a_bug_inside_surfaces_bare_too() -> None:
    """Whatever goes wrong in the engine is raised at the loop as itself."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError(str(request.url))

    async with LegnextClient(KEY, URL, HandMade(handle)) as client:
        with pytest.raises(ZeroDivisionError):
            await anext(client.watch(["a"]))


async def test_the_timeout_passes_through() -> None:
    """A job that runs too long ends as an event."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("pending", 1), "processing"]))
    async with opened(mock) as client:
        events = [event async for event in client.watch([job_id], timeout=100)]
    check_contract(events, mock.truth)
    assert events[-1].status is JobStatus.TIMED_OUT


async def test_no_timeout_is_never() -> None:
    """With None a job may wait for days."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("pending", 2 * 86400), "completed"]))
    async with opened(mock, pacing=Pacing(max_interval=3600)) as client:
        events = [event async for event in client.watch([job_id], timeout=None)]
    check_contract(events, mock.truth)
    assert events[-1].status is JobStatus.COMPLETED


async def test_the_consumers_sleep_times_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """While full buffers keep the watch from asking, no clock runs against a waiting job."""
    monkeypatch.setattr(delivery, "CAPACITY", 1)
    mock = MockLegnext()
    ids = [mock.add_job(Script([("pending", 1200), "completed"])) for _ in range(3)]
    events = []
    async with opened(mock) as client:
        async for event in client.watch(ids, timeout=600):
            events.append(event)
            await trio.sleep(400)
    assert [event.status for event in events[-3:]] == [JobStatus.COMPLETED] * 3
    check_contract(events, mock.truth)


async def test_stats() -> None:
    """The numbers of a watch, while it runs and after it; those of the client are the sum."""
    mock = MockLegnext()
    ids = mock.add_jobs(5)
    async with opened(mock) as client:
        stream = client.watch(ids)
        other = client.watch([mock.add_job(Script(["pending"]))])
        assert stream.stats.polls == 0
        await anext(stream)
        await anext(other)
        during = stream.stats
        assert during.polls >= 1
        assert during.unseen + sum(during.jobs.values()) == 5
        assert client.stats.polls > during.polls
        assert during.rate > 0
        async for _ in stream:
            pass
        after = stream.stats
        assert after.jobs == {JobStatus.COMPLETED: 5}
        assert after.in_flight <= 1
        assert client.stats.jobs[JobStatus.PENDING] == 1
        await other.aclose()
        assert client.stats.polls == len(mock.requests)
        assert client.stats.unseen == 0
        assert client.stats.jobs[JobStatus.COMPLETED] >= 5
        assert JobStatus.PENDING not in client.stats.jobs


async def test_the_watches_of_a_client_share_its_pace() -> None:
    """Two watches together keep to what one may do."""
    mock = MockLegnext(slots=None)
    pacing = Pacing(max_rate=5)
    async with opened(mock, pacing=pacing) as client:

        async def follow(ids: list[str]) -> None:
            async for _ in client.watch(ids):
                pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, mock.add_jobs(20))
            nursery.start_soon(follow, mock.add_jobs(20))
    times = [record.at for record in mock.requests]
    assert all(b - a >= 0.2 - LATENESS - 1e-6 for a, b in pairwise(times))


async def test_no_more_are_under_way_than_allowed() -> None:
    """Also across the watches of a client, and all of them get through in the end."""
    mock = MockLegnext(latency=7.0)
    async with opened(mock, pacing=Pacing(max_in_flight=2)) as client:
        streams = [client.watch(mock.add_jobs(3)) for _ in range(3)]
        highest = 0
        async with trio.open_nursery() as nursery:

            async def follow(stream: EventStream) -> None:
                nonlocal highest
                async for _ in stream:
                    highest = max(highest, stream.stats.in_flight)

            for stream in streams:
                nursery.start_soon(follow, stream)
    assert highest <= 2
    edges = sorted(
        edge for record in mock.requests for edge in ((record.at, 1), (record.answered_at, -1))
    )
    under_way = 0
    for _, step in edges:
        under_way += step
        assert under_way <= 2


async def test_a_stream_that_is_left_gives_its_places_back() -> None:
    """Requests that are given up are under way no longer: the client's other streams get on."""
    mock = MockLegnext(latency=5.0)
    async with opened(mock, pacing=Pacing(max_in_flight=1)) as client:
        async with client.watch(mock.add_jobs(5)):
            await trio.sleep(1)
            assert client.stats.in_flight == 1
        assert client.stats.in_flight == 0
        assert [event async for event in client.watch(mock.add_jobs(1))]


@pytest.mark.parametrize(
    ("jobs", "error", "message"),
    [
        ("job-1", TypeError, "one string"),
        (b"job-1", TypeError, "one string"),
        (7, TypeError, "not 7"),
        (None, TypeError, "not None"),
        (["a", ""], ValueError, "''"),
        (("a", "b/c"), ValueError, "'b/c'"),
        ({"a", 7}, ValueError, "7"),
        ([Job(job_id="x y")], ValueError, "'x y'"),
    ],
)
async def test_what_cannot_be_watched(jobs: Any, error: type[Exception], message: str) -> None:  # noqa: ANN401 - wrong on purpose
    """It is refused at the call, before any request, naming the item."""
    with pytest.raises(error, match=message):
        watch(jobs, api_key=KEY)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_a_timeout_out_of_range(seconds: float) -> None:
    """It must be above 0."""
    with pytest.raises(ValueError, match="timeout must be above 0"):
        watch(["a"], api_key=KEY, timeout=seconds)


@pytest.mark.parametrize("value", ["9", True, []])
async def test_a_timeout_of_the_wrong_type(value: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It is a number or None."""
    with pytest.raises(TypeError, match="timeout takes seconds"):
        watch(["a"], api_key=KEY, timeout=value)


async def test_a_client_that_is_not_open() -> None:
    """Its streams say so when they are used: before it was opened, and after."""
    client = LegnextClient(KEY, URL, MockLegnext().transport())
    with pytest.raises(ConfigurationError, match="not open"):
        await anext(client.watch(["a"]))
    async with client:
        pass
    with pytest.raises(ConfigurationError, match="not open"):
        await anext(client.watch(["a"]))


async def test_rate_limits_are_waited_out() -> None:
    """A 429 with its `Retry-After` makes no event and loses no job."""
    count = 0

    def handle(request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        if count % 3:
            answer = refusal(429)
            return httpx.Response(429, content=answer.content, headers={"retry-after": "2"})
        job_id = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json=job_body(job_id, "completed"))

    async with LegnextClient(KEY, URL, HandMade(handle)) as client:
        stream = client.watch(["a", "b", "c"])
        events = [event async for event in stream]
    assert [event.status for event in events] == [JobStatus.COMPLETED] * 3
    assert stream.stats.rate_limited == 6
    assert trio.current_time() >= 12


async def test_a_stream_says_why_it_asks_when_it_does() -> None:
    """Of a job that is watched, in a sentence and in numbers; of a stranger it knows nothing."""
    mock = MockLegnext()
    first, *_ = ids = mock.add_jobs(3)
    async with opened(mock) as client, client.watch(ids) as events:
        async for event in events:
            why = events.explain(event.job_id)
            assert why.job_id in str(why)
            assert why.sentence
            assert not (event.status.is_terminal and (why.due or why.numbers))
        assert "has ended" in events.explain(first).sentence
        with pytest.raises(KeyError):
            events.explain("a-stranger")
