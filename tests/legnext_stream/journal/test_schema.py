"""The tables, and who is let near them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from legnext_stream import JournalError
from legnext_stream._journal import schema


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A new database."""
    with closing(sqlite3.connect(tmp_path / "batch.db", isolation_level=None)) as connection:
        yield connection


def tables(connection: sqlite3.Connection) -> set[str]:
    """The names of the tables there are."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name for (name,) in rows}


def test_a_new_file_gets_all_tables(connection: sqlite3.Connection) -> None:
    """A file that was nothing becomes a journal of this version, and stays one."""
    for _ in range(2):
        schema.prepare(connection)
        assert tables(connection) == {"account", "jobs", "owed", "events", "learned", "prompts"}
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert connection.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)


def test_an_older_file_is_brought_up_to_date(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of an earlier version keeps what it has and gets what is new, step by step."""
    schema.prepare(connection)
    connection.execute("INSERT INTO learned VALUES ('pace', '{}')")
    more = (
        *schema.MIGRATIONS,
        ("CREATE TABLE tags (tag TEXT) STRICT",),
        ("ALTER TABLE tags ADD COLUMN at REAL", "INSERT INTO tags VALUES ('new', 1)"),
    )
    monkeypatch.setattr(schema, "MIGRATIONS", more)
    monkeypatch.setattr(schema, "VERSION", len(more))
    schema.prepare(connection)
    assert connection.execute("SELECT * FROM tags").fetchall() == [("new", 1.0)]
    assert connection.execute("SELECT * FROM learned").fetchall() == [("pace", "{}")]


def test_a_failed_migration_changes_nothing(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps are one transaction: what fails in the middle leaves the file as it was."""
    schema.prepare(connection)
    broken = (*schema.MIGRATIONS, ("CREATE TABLE tags (tag TEXT) STRICT", "SELECT no_such_thing()"))
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    monkeypatch.setattr(schema, "VERSION", len(broken))
    with pytest.raises(sqlite3.OperationalError, match="no_such_thing"):
        schema.prepare(connection)
    assert "tags" not in tables(connection)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION - 1,)


def test_a_later_version_is_refused(connection: sqlite3.Connection) -> None:
    """What a later library wrote isn't guessed at."""
    schema.prepare(connection)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(JournalError, match=r"of version 3, .* up to 2"):
        schema.prepare(connection)


@pytest.mark.parametrize(
    "before",
    ["CREATE TABLE cats (name TEXT)", "PRAGMA user_version = 3", "PRAGMA application_id = 7"],
)
def test_another_database_is_left_alone(connection: sqlite3.Connection, before: str) -> None:
    """A database that is somebody else's is not written to."""
    connection.execute(before)
    with pytest.raises(JournalError, match="not a journal"):
        schema.prepare(connection)
    assert "jobs" not in tables(connection)
