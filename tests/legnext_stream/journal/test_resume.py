"""A watch with a journal resumes where an earlier one stopped, for whatever reason."""

from __future__ import annotations

import gc
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import httpx
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legnext_stream import (
    ConfigurationError,
    EventStream,
    Job,
    JobEvent,
    JobStatus,
    JournalError,
    JournalInUseError,
    LegnextClient,
    StreamClosedError,
)
from legnext_stream._journal import SqliteRecorder
from legnext_stream._util.slices import ITEMS
from mockserver import Fixed, MockLegnext, Script, TokenBucket, run_virtual
from tests.effort import examples
from tests.legnext_stream.support import KEY, URL, HandMade, check_contract, job_body

SLOW_LIFE = Script([("pending", 5), ("processing", 50), "completed"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "batch.db"


@pytest.fixture(autouse=True)
def _calendar_in_virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calendar, by which a journal dates its events, goes with the tests' clock."""
    calendar = SimpleNamespace(time=lambda: 1.8e9 + trio.current_time())
    monkeypatch.setattr("legnext_stream._journal.extension.time", calendar)


@asynccontextmanager
async def watching(
    mock: MockLegnext,
    path: Path,
    jobs: Any = (),  # noqa: ANN401 - passed on
    **settings: Any,  # noqa: ANN401 - passed on
) -> AsyncIterator[EventStream]:
    """A watch with this journal, with a client of its own, as a new process would have."""
    async with (
        LegnextClient(KEY, URL, mock.transport(), **settings) as client,
        client.watch(jobs, journal=path) as events,
    ):
        yield events


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What plain SQL says."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


async def test_a_batch_in_two_sittings(path: Path) -> None:
    """The second delivers nothing that the first has acknowledged; together they deliver everything."""
    mock = MockLegnext(seed=1, failure_share=0.3)
    ids = mock.add_jobs(40)
    told: list[JobEvent] = []
    async with watching(mock, path, ids) as events:
        async for event in events:
            told.append(event)
            if len(told) == 30:
                break
    # The last one was delivered and not acknowledged.
    again = told.pop()
    async with watching(mock, path) as events:
        rest = [event async for event in events]
    assert again.job_id in {event.job_id for event in rest}
    told += rest
    assert set(check_contract(renumbered(told), mock.truth)) == set(ids)


def renumbered(events: list[JobEvent]) -> list[JobEvent]:
    """The events of several watches as if they were one's."""
    return [attrs.evolve(event, sequence=number) for number, event in enumerate(events, 1)]


async def test_a_job_whose_end_was_seen_is_never_asked_about_again(path: Path) -> None:
    """An end that was not acknowledged is delivered again, without a request."""
    mock = MockLegnext(run_times=Fixed(30))
    (job_id,) = mock.add_jobs(1)
    async with watching(mock, path, [job_id]) as events:
        first = await anext(events)
        while not first.status.is_terminal:
            first = await anext(events)
    asked = len(mock.requests)
    async with watching(mock, path) as events:
        (second,) = [event async for event in events]
    assert len(mock.requests) == asked
    assert (second.status, second.job) == (first.status, first.job)
    assert second.job.output == first.job.output
    assert second.changed_between == pytest.approx(first.changed_between)
    async with watching(mock, path, [job_id]) as events:
        assert [event async for event in events] == []
    assert len(mock.requests) == asked


async def test_a_verdict_that_was_not_acknowledged_is_told_again(path: Path) -> None:
    """A job that the API didn't know is reported again with the reason, and not polled."""
    mock = MockLegnext()
    known = mock.add_jobs(1)
    async with watching(mock, path, [*known, "unknown-job"]) as events:
        first = await anext(events)
        while first.status is not JobStatus.NOT_FOUND:
            first = await anext(events)
    asked = [request.job_id for request in mock.requests].count("unknown-job")
    async with watching(mock, path) as events:
        (second,) = [event async for event in events if event.job_id == "unknown-job"]
    assert (second.status, second.job.error) == (JobStatus.NOT_FOUND, first.job.error)
    assert [request.job_id for request in mock.requests].count("unknown-job") == asked


async def test_an_explicit_ack_is_enough(path: Path) -> None:
    """An event acknowledged by `ack` is not delivered again, though the next was not asked for."""
    mock = MockLegnext()
    job_id = mock.add_job(SLOW_LIFE)
    async with watching(mock, path, [job_id]) as events:
        first = await anext(events)
        await events.ack()
        await events.ack()
    async with watching(mock, path) as events:
        rest = [event async for event in events]
    assert rest[0].previous == first.status
    assert first.status not in {event.status for event in rest}


async def test_ack_without_a_journal_does_nothing() -> None:
    """The same program runs with and without one."""
    mock = MockLegnext()
    async with (
        LegnextClient(KEY, URL, mock.transport()) as client,
        client.watch(mock.add_jobs(2)) as events,
    ):
        async for _ in events:
            await events.ack()
    with pytest.raises(StreamClosedError):
        await events.ack()


async def test_ids_may_be_added_at_a_restart(path: Path) -> None:
    """New ids join those of the journal; those that it has already are not watched twice."""
    mock = MockLegnext()
    first, second, third = mock.add_jobs(3)
    async with watching(mock, path, [first, second]) as events:
        await anext(events)
    async with watching(mock, path, [second, third]) as events:
        ended = [event.job_id async for event in events if event.status.is_terminal]
    assert sorted(ended) == sorted([first, second, third])


async def test_a_job_that_was_given_with_its_status_keeps_it(path: Path) -> None:
    """What a `Job` brought along is known after a restart as well."""
    mock = MockLegnext()
    job_id = mock.add_job(SLOW_LIFE)
    known = Job(job_id=job_id, status=JobStatus.PENDING, raw_status="pending")
    with trio.move_on_after(1):
        async with watching(mock, path, [known]) as events:
            await anext(events)
    async with watching(mock, path) as events:
        assert (await anext(events)).previous is JobStatus.PENDING


async def test_a_job_that_had_ended_is_told_once(path: Path) -> None:
    """A `Job` that has ended is reported once, also across restarts."""
    mock = MockLegnext()
    done = Job(job_id="a", status=JobStatus.COMPLETED, raw_status="completed")
    for expected in (["a"], []):
        async with watching(mock, path, [done]) as events:
            assert [event.job_id async for event in events] == expected
    assert len(mock.requests) == 0


async def test_unknown_words_are_told_once(path: Path) -> None:
    """A status that this version doesn't know is remembered by its word."""
    mock = MockLegnext()
    job_id = mock.add_job(Script([("dreaming", 200), "completed"]))
    async with watching(mock, path, [job_id]) as events:
        first = await anext(events)
        await events.ack()
    async with watching(mock, path) as events:
        rest = [event.job.raw_status async for event in events]
    assert (first.job.raw_status, rest) == ("dreaming", ["completed"])


async def test_what_was_learned_survives(path: Path) -> None:
    """The second watch begins with the run times and the ceiling that the first one found."""
    mock = MockLegnext(slots=None, run_times=Fixed(40), limit=TokenBucket(5, 5))
    ids = mock.add_jobs(400)
    async with watching(mock, path, ids) as events:
        async for _ in events:
            if events.stats.ended == 200:
                break
        learned = events.stats
    assert learned.ceiling is not None
    async with watching(mock, path) as events:
        await anext(events)
        again = events.stats
    assert again.ceiling == pytest.approx(learned.ceiling, rel=0.2)
    assert again.run_times["diffusion"].median == pytest.approx(
        learned.run_times["diffusion"].median, rel=0.01
    )


async def test_a_state_of_another_version_is_learned_anew(path: Path) -> None:
    """A learned state that can't be read is ignored."""
    mock = MockLegnext()
    job_id = mock.add_job(SLOW_LIFE)
    async with watching(mock, path, [job_id]) as events:
        await anext(events)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("""UPDATE learned SET state = '{"diffusion": {"format": 99}}'""")
    async with watching(mock, path) as events:
        assert [event.status async for event in events][-1] is JobStatus.COMPLETED


async def test_two_watches_on_one_journal(path: Path) -> None:
    """The second raises at its loop; the first is not affected."""
    mock = MockLegnext()
    ids = mock.add_jobs(2)
    async with watching(mock, path, ids) as events:
        async with watching(mock, path) as second:
            with pytest.raises(JournalInUseError, match="in use"):
                await anext(second)
        ended = [event async for event in events if event.status.is_terminal]
    assert len(ended) == 2


async def test_a_journal_keeps_to_its_account(path: Path) -> None:
    """With another key the watch ends before it has asked about anything."""
    mock = MockLegnext()
    async with watching(mock, path, mock.add_jobs(1)) as events:
        await anext(events)
    asked = len(mock.requests)
    async with (
        LegnextClient("another", URL, mock.transport()) as client,
        client.watch(journal=path) as events,
    ):
        with pytest.raises(ConfigurationError, match="another API key"):
            await anext(events)
    assert len(mock.requests) == asked


async def test_a_journal_that_fails_ends_the_watch(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it can't be written the loop raises; what was not acknowledged comes again later."""
    mock = MockLegnext()
    ids = mock.add_jobs(3)
    write = SqliteRecorder._write
    told: list[JobEvent] = []

    def read_only(recorder: SqliteRecorder, *arguments: Any) -> Any:  # noqa: ANN401 - passed on
        if told and recorder._connection is not None:
            recorder._connection.execute("PRAGMA query_only = 1")
        return write(recorder, *arguments)

    monkeypatch.setattr(SqliteRecorder, "_write", read_only)
    async with watching(mock, path, ids) as events:
        told.append(await anext(events))
        with pytest.raises(JournalError, match=r"can't write the journal .*: .*readonly"):
            await anext(events)
    monkeypatch.undo()
    async with watching(mock, path) as events:
        rest = [event async for event in events]
    assert told[0].job_id in {event.job_id for event in rest}
    assert sum(event.status.is_terminal for event in rest) == 3


def _text(path: Path) -> None:
    path.write_text("ids, one a line\n" * 200)


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "said"),
    [(_text, "file is not a database"), (_folder, "unable to open database file")],
)
async def test_a_watch_does_not_begin_with_what_is_no_journal(
    path: Path, make: Callable[[Path], None], said: str
) -> None:
    """The loop raises one clear error, each time, and nothing is asked about."""
    make(path)
    mock = MockLegnext()
    for _ in range(2):
        async with watching(mock, path, mock.add_jobs(2)) as events:
            with pytest.raises(JournalError, match=said):
                await anext(events)
    assert len(mock.requests) == 0


async def test_losing_the_stream_closes_the_journal(path: Path) -> None:
    """Dropping the stream without closing it leaves no lock behind."""
    mock = MockLegnext()
    async with LegnextClient(KEY, URL, mock.transport()) as client:
        events = client.watch(mock.add_jobs(2), journal=path)
        await anext(events)
        del events
        gc.collect()
        await trio.testing.wait_all_tasks_blocked()
        async with client.watch(journal=path) as events:
            assert [event async for event in events]


async def test_no_secret_is_in_it(path: Path) -> None:
    """Neither the key nor a webhook's secret is in any of its files, also while it is open."""
    secret = "whsec-83bd1f"  # noqa: S105 - it is one, for the test
    body = job_body("a", "completed", config={"webhook_config": {"secret": secret}})
    network = HandMade(lambda _request: httpx.Response(200, json=body))
    async with (
        LegnextClient(KEY, URL, network) as client,
        client.watch(["a"], journal=path) as events,
    ):
        event = await anext(events)
        await events.ack()
        written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert event.job.raw["config"] == body["config"]
    assert b"completed" in written
    assert KEY.encode() not in written
    assert secret.encode() not in written


async def test_it_reads_well_in_plain_sql(path: Path) -> None:
    """The tables say where a batch stands, and the bodies are JSON."""
    mock = MockLegnext(run_times=Fixed(30))
    ids = mock.add_jobs(3)
    async with watching(mock, path, ids) as events:
        async for _ in events:
            pass
    assert rows(path, "SELECT job_id, status, is_ended FROM jobs ORDER BY position") == [
        (job_id, "completed", 1) for job_id in ids
    ]
    bodies = rows(path, "SELECT body FROM events WHERE status = 'completed'")
    assert all(json.loads(body)["output"]["image_urls"] for (body,) in bodies)


async def test_a_large_journal_lets_others_have_their_turn(path: Path) -> None:
    """Its jobs come back a few at a time, as ids come in."""
    mock = MockLegnext()
    ids = mock.add_jobs(10 * ITEMS)

    async def counts_on_the_way(events: EventStream) -> set[int]:
        seen = {0}
        while (known := events.stats.unseen + sum(events.stats.jobs.values())) < len(ids):
            seen.add(known)
            await trio.lowlevel.checkpoint()
        return seen

    async with watching(mock, path, ids) as events:
        await counts_on_the_way(events)
    async with watching(mock, path) as events:
        await trio.lowlevel.checkpoint()
        assert len(await counts_on_the_way(events)) >= 5


@settings(examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**16),
    sittings=st.lists(st.integers(1, 40), max_size=4),
    by_hand=st.booleans(),
)
def test_any_number_of_sittings_tells_all_and_nothing_twice(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sittings: list[int], *, by_hand: bool
) -> None:
    """However often a batch is interrupted, the acknowledged events keep the contract."""
    path = tmp_path_factory.mktemp("resume") / "batch.db"
    mock = MockLegnext(seed, failure_share=0.2)
    ids = mock.add_jobs(15)
    acknowledged: list[JobEvent] = []

    async def sit(most: int) -> None:
        async with watching(mock, path, ids) as events:
            before = None
            async for event in events:
                if before is not None:
                    acknowledged.append(before)
                before = event
                if by_hand:
                    await events.ack()
                    acknowledged.append(event)
                    before = None
                most -= 1
                if not most:
                    return
            if before is not None:
                acknowledged.append(before)

    async def main() -> None:
        for most in (*sittings, 10_000):
            await sit(most)

    run_virtual(main)
    told: Mapping[str, Any] = check_contract(renumbered(acknowledged), mock.truth)
    assert set(told) == set(ids)
