"""Where a batch stands, read from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from legnext_stream import JobStatus, JournalError
from legnext_stream.journal import Acknowledged, Observed, Taken, schema
from legnext_stream.journal.standing import read_standing
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
