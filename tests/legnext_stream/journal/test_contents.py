"""What can be read of a journal from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio

from legnext_stream import JobStatus, JournalError, LegnextClient
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._journal import schema
from legnext_stream._journal.contents import (
    has_begun,
    read_completed,
    read_history,
    read_jobs,
    read_learned,
    read_standing,
    read_to_submit,
)
from legnext_stream._journal.records import Reported, Taken
from mockserver import Account, MockLegnext
from mockserver._api.moderation import Moderation
from tests.legnext_stream.generate.support import generated
from tests.legnext_stream.journal.support import acknowledged, event, opened, write
from tests.legnext_stream.journal.test_schema import earlier
from tests.legnext_stream.support import URL


async def _watched(path: Path) -> list[str]:
    """The journal of a watch that was left after its first end."""
    mock = MockLegnext(seed=1, slots=1)
    ids = mock.add_jobs(2, "upscale")
    async with (
        LegnextClient("key", transport=mock.transport()) as client,
        client.watch(ids, journal=path) as events,
    ):
        async for event in events:
            if event.status.is_terminal:
                await events.ack()
                break
    return ids


async def test_jobs_and_their_history(tmp_path: Path) -> None:
    """Task types come from events; each change has when it happened and when it was observed."""
    path = tmp_path / "batch.db"
    first, second = await _watched(path)
    jobs = read_jobs(path)
    assert [job.job_id for job in jobs] == [first, second]
    assert [job.is_ended for job in jobs] == [True, False]
    assert jobs[0].status is JobStatus.COMPLETED
    assert jobs[0].task_type == "upscale"
    assert jobs[0].prompt is None
    assert jobs[0].position is None
    history = read_history(path, first)
    assert history[-1].status is JobStatus.COMPLETED
    earliest, latest = history[-1].changed_between
    assert earliest is not None
    assert earliest <= latest <= history[-1].observed_at
    assert read_history(path, "nothing") == []
    assert read_learned(path, "durations")
    assert read_learned(path, "nothing") is None


async def test_completed_jobs(tmp_path: Path) -> None:
    """Only acknowledged ends count; each job is as the API described it, with its prompt."""
    path = tmp_path / "watch.db"
    first, _ = await _watched(path)
    (completed,) = read_completed(path)
    assert completed.job.job_id == first
    assert completed.job.output.image_urls
    assert completed.prompt is None
    path = tmp_path / "generate.db"
    await generated(MockLegnext(seed=1), ["cat 1", Prompt("cat 2", tag=7)], journal=path)
    found = {each.position: each for each in read_completed(path)}
    assert found[2].prompt == Prompt("cat 2", tag=7)
    assert found[1].job.status is JobStatus.COMPLETED


def test_a_journal_that_has_not_begun(tmp_path: Path) -> None:
    """An empty file has no watch yet, and neither has a file of tables without an account."""
    path = tmp_path / "batch.db"
    path.touch()
    assert not has_begun(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.prepare(connection)
    assert not has_begun(path)
    with pytest.raises(JournalError, match="there is no journal"):
        has_begun(tmp_path / "none.db")


async def test_jobs_of_prompts(tmp_path: Path) -> None:
    """With their prompts, whether they have events or not."""
    path = tmp_path / "batch.db"
    mock = MockLegnext(seed=1)
    prompts = [Prompt("a fox", tag=[1]), Prompt("a tale", task_type="shorten")]
    async with LegnextClient("key", transport=mock.transport()) as client:
        with trio.move_on_after(5):
            async for _ in client.generate(prompts, journal=path):
                pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM events")
    assert [(job.position, job.prompt, job.task_type) for job in read_jobs(path)] == [
        (1, prompts[0], "diffusion"),
        (2, prompts[1], "shorten"),
    ]


async def test_what_is_to_submit(tmp_path: Path) -> None:
    """Prompts that are left in the journal, and those that it doesn't know; equal ones count."""
    path = tmp_path / "batch.db"
    mock = MockLegnext(seed=1, account=Account(points=80, credits=0, limited=True))
    async with LegnextClient("key", transport=mock.transport()) as client:
        async for _ in client.generate(["a", "b"], journal=path, at_once=1):
            pass
    given = [Prompt("b"), Prompt("c"), Prompt("a"), Prompt("a")]
    assert [prompt.text for prompt in read_to_submit(path, given)] == ["b", "c", "a"]
    without_prompts = tmp_path / "earlier.db"
    earlier(without_prompts, 1)
    assert read_to_submit(without_prompts, given) == given


async def test_what_is_no_journal_is_named(tmp_path: Path) -> None:
    """A file that isn't there, another database, a word that is no status, learning that is none."""
    path = tmp_path / "batch.db"
    with pytest.raises(JournalError, match="there is no journal"):
        read_jobs(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE other (a)")
    with pytest.raises(JournalError, match="not a journal"):
        read_history(path, "job-1")
    path.unlink()
    first, _ = await _watched(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE jobs SET status = 'gone'")
        connection.execute("UPDATE events SET status = 'gone'")
        connection.execute("UPDATE learned SET state = '['")
    for read in (
        lambda: read_jobs(path),
        lambda: read_history(path, first),
        lambda: read_learned(path, "pace"),
    ):
        with pytest.raises(JournalError, match="can't read the journal"):
            read()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE learned SET state = '[]'")
    assert read_learned(path, "pace") is None


# ---------------------------------------------------------------- how far a batch has got


async def test_it_is_read_beside_the_watch_that_writes(tmp_path: Path) -> None:
    """Jobs by what was acknowledged of them, and what is owed, while the journal is open."""
    path = tmp_path / "a batch?.db"
    done, pending = event("b", JobStatus.COMPLETED), event("a", JobStatus.PENDING)
    async with opened(path) as recorder:
        await write(
            recorder,
            [Taken(job_id, 1.0) for job_id in "abcd"],
            [
                Reported(pending),
                Reported(done),
                acknowledged(pending, 2.0),
                acknowledged(done, 3.0),
            ],
            [Reported(event("c", JobStatus.FAILED)), Reported(event("d", JobStatus.PENDING))],
        )
        standing = read_standing(path)
    assert dict(standing.unfinished) == {"a": JobStatus.PENDING, "c": None, "d": None}
    assert dict(standing.ended) == {"b": JobStatus.COMPLETED}
    assert (standing.owed, standing.events, standing.acknowledged_at) == (1, 2, 3.0)
    assert standing.base_url == URL


async def test_a_batch_of_prompts(tmp_path: Path) -> None:
    """Those to be submitted, and those that ended without a job: good jobs alone are no good batch."""
    path = tmp_path / "batch.db"
    moderation = Moderation(words=("bad",))
    poor = MockLegnext(account=Account(points=80, credits=0, limited=True), moderation=moderation)
    await generated(poor, ["cat 1", "a bad cat", "cat 3"], journal=path, at_once=1)
    standing = read_standing(path)
    assert list(standing.ended.values()) == [JobStatus.COMPLETED]
    assert (standing.to_submit, standing.without_job) == (1, {JobStatus.NOT_SUBMITTED: 1})
    assert not standing.is_good


def test_what_isnt_there_is_not_made(tmp_path: Path) -> None:
    """Looking for a journal leaves nothing behind."""
    with pytest.raises(JournalError, match="there is no journal"):
        read_standing(tmp_path / "batch.db")
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_never_used(tmp_path: Path) -> None:
    """Tables alone say nothing of a batch."""
    path = tmp_path / "batch.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.prepare(connection)
    with pytest.raises(JournalError, match="no watch has ever begun"):
        read_standing(path)


def test_another_database(tmp_path: Path) -> None:
    """It is not taken for a journal."""
    path = tmp_path / "batch.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    with pytest.raises(JournalError, match=r"can't read the journal .*not a journal"):
        read_standing(path)
