"""Where a batch stands, read from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from legnext_stream import JobStatus, JournalError
from legnext_stream._journal import Acknowledged, Observed, Taken, schema
from legnext_stream._journal.standing import read_standing
from mockserver import Account, MockLegnext
from mockserver._api.moderation import Moderation
from tests.legnext_stream.generate.support import generated
from tests.legnext_stream.journal.support import kept, opened
from tests.legnext_stream.support import URL


def test_it_is_read_beside_the_one_who_writes(tmp_path: Path) -> None:
    """Jobs by what was acknowledged of them, and what is owed, while the journal is open."""
    path = tmp_path / "a batch?.db"
    done = kept("b", JobStatus.COMPLETED)
    with closing(opened(path)) as store:
        store.write([Taken(job_id, 1.0) for job_id in "abcd"])
        store.write([Acknowledged(kept("a", JobStatus.PENDING), 2.0), Acknowledged(done, 3.0)])
        store.write([Observed(kept("c", JobStatus.FAILED))])
        standing = read_standing(path)
    assert dict(standing.unfinished) == {"a": JobStatus.PENDING, "c": None, "d": None}
    assert dict(standing.ended) == {"b": JobStatus.COMPLETED}
    assert (standing.owed, standing.events, standing.acknowledged_at) == (1, 2, 3.0)
    assert standing.base_url == URL


def test_one_of_an_earlier_version_is_read_as_it_is(tmp_path: Path) -> None:
    """To look at a journal doesn't bring it up to date: who has it open may be of that version."""
    path = tmp_path / "batch.db"
    with closing(opened(path)) as store:
        store.write([Taken("a", 1.0)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE prompts")
        connection.execute("PRAGMA user_version = 1")
    assert dict(read_standing(path).unfinished) == {"a": None}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


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
