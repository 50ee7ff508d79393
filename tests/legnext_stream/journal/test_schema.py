"""The tables, and how files of earlier versions become ones of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from legnext_stream import JobStatus, JournalError, Prompt
from legnext_stream._journal import schema
from legnext_stream._journal.contents import read_history, read_jobs, read_standing
from legnext_stream._journal.records import Reported
from tests.legnext_stream.journal.support import (
    acknowledged,
    ended,
    event,
    opened,
    unfinished,
    write,
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A new database."""
    with closing(sqlite3.connect(tmp_path / "batch.db", isolation_level=None)) as connection:
        yield connection


def tables(connection: sqlite3.Connection) -> set[str]:
    """The names of the tables there are, but for SQLite's own."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name for (name,) in rows if not name.startswith("sqlite_")}


def test_a_new_file_gets_all_tables(connection: sqlite3.Connection) -> None:
    """A file that was nothing becomes a journal of this version, and stays one."""
    for _ in range(2):
        schema.prepare(connection)
        assert tables(connection) == {"account", "jobs", "events", "learned", "prompts"}
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


_JOBS = """
    INSERT INTO account VALUES ('http://legnext.test', 'salt', 'hash of salt', 1.0);
    INSERT INTO jobs VALUES (1, 'a', 1.0, 'processing', 'processing', 'processing', '[]', 0);
    INSERT INTO jobs VALUES (2, 'b', 1.0, 'completed', 'completed', 'completed', '[]', 1);
    INSERT INTO jobs VALUES (3, 'c', 1.0, NULL, NULL, NULL, '[]', 0);
    INSERT INTO jobs VALUES (4, 'd', 1.0, 'unknown', 'dreaming', 'pending', '["dreaming"]', 0);
    INSERT INTO events VALUES (1, 'a', 'pending', 'pending', NULL, 2.0, NULL, 2.0, '{}', 0, '', 3.0);
    INSERT INTO events VALUES
        (2, 'b', 'completed', 'completed', NULL, 2.0, 1.5, 2.0, '{"task_type": "pan"}', 0, '', 3.0);
    INSERT INTO events VALUES
        (3, 'a', 'processing', 'processing', 'pending', 4.0, 2.0, 4.0, '{}', 0, '', 5.0);
    INSERT INTO owed VALUES ('a', 'failed', 'failed', 'processing', 6.0, 4.0, 6.0, '{"x": 1}', 0, '');
    INSERT INTO owed VALUES ('c', 'not_found', '', NULL, 6.0, NULL, 6.0, '{}', 404, 'no such job');
    INSERT INTO learned VALUES ('pace', '{"status": {"ceiling": 2.5}}');
"""
_OF_PROMPTS = """
    INSERT INTO prompts VALUES
        (1, x'01', 1, 'diffusion', 'cat 1', '{}', '1', 1.0, 'unsent', NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO prompts VALUES
        (2, x'02', 1, 'diffusion', 'cat 2', '{}', '2', 1.0, 'sending', NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO prompts VALUES
        (3, x'03', 1, 'diffusion', 'cat 3', '{}', '3', 1.0, 'submitted', 'd', NULL, NULL, NULL, NULL, NULL);
    INSERT INTO prompts VALUES
        (4, x'04', 1, 'diffusion', 'bad', '{}', '4', 1.0, 'refused', NULL, 'not_submitted', 403, 'no', 2.0, 1.0);
    INSERT INTO events VALUES (4, '', 'not_submitted', '', NULL, 2.0, 1.0, 2.0, '{}', 402, 'broke', 3.0);
"""


def earlier(path: Path, version: int) -> None:
    """Make a journal as the library wrote it when this was its version."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statements in schema.MIGRATIONS[:version]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.executescript(_JOBS if version == 1 else _JOBS + _OF_PROMPTS)


@pytest.mark.parametrize("version", [1, 2])
async def test_a_journal_of_an_earlier_version_goes_on(tmp_path: Path, version: int) -> None:
    """Nothing that was acknowledged comes again, and what was owed does."""
    path = tmp_path / "batch.db"
    earlier(path, version)
    async with opened(path) as recorder:
        a, c, d = await unfinished(recorder)
        assert await ended(recorder) == ["b"]
        assert await recorder.learned("pace") == {"status": {"ceiling": 2.5}}
        assert (a.job_id, a.sequence, a.status) == ("a", 3, JobStatus.FAILED)
        (owed,) = a.unacknowledged
        assert (owed.sequence, owed.previous, owed.body) == (3, JobStatus.PROCESSING, {"x": 1})
        (owed,) = c.unacknowledged
        assert (owed.sequence, owed.code, owed.reason) == (1, 404, "no such job")
        assert (d.status, d.place, d.words) == (JobStatus.UNKNOWN, JobStatus.PENDING, ("dreaming",))
        log = await recorder.read_events(0, 100)
        assert [one.acknowledged_at for one in log][:3] == [3.0, 3.0, 5.0]
        assert [one.event.job_id for one in log if one.event.job_id] == ["a", "b", "a", "a", "c"]
        next_event = event("d", JobStatus.COMPLETED, d.sequence + 1)
        await write(recorder, [Reported(next_event), acknowledged(a.unacknowledged[0])])
        assert await ended(recorder) == ["a", "b"]
        prompts = await recorder.open_prompts()
        assert [prompt.state for prompt in prompts] == ["sending", "submitted", "refused"][
            : 3 * (version - 1)
        ]
        unsent = await recorder.unsent_prompts(0, 10)
        assert [prompt.prompt for prompt in unsent] == [Prompt("cat 1", tag=1)][: version - 1]


@pytest.mark.parametrize("version", [1, 2])
def test_an_earlier_version_is_read_as_it_is(tmp_path: Path, version: int) -> None:
    """Reading from outside doesn't change it: a watch of that version may have it open."""
    path = tmp_path / "batch.db"
    earlier(path, version)
    standing = read_standing(path)
    assert list(standing.unfinished) == ["a", "c", "d"]
    assert (standing.owed, standing.events) == ((2, 3) if version == 1 else (3, 4))
    assert [job.position for job in read_jobs(path)] == [
        None,
        None,
        None,
        3 if version == 2 else None,
    ]
    assert read_jobs(path)[1].task_type == "pan"
    assert [change.status for change in read_history(path, "a")] == ["pending", "processing"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)


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
    with pytest.raises(JournalError, match=r"of version 4, .* up to 3"):
        schema.prepare(connection)


@pytest.mark.parametrize(
    "before",
    ["CREATE TABLE cats (name TEXT)", "PRAGMA user_version = 3", "PRAGMA application_id = 7"],
)
def test_another_database_is_left_alone(connection: sqlite3.Connection, before: str) -> None:
    """A database of another program is not written to."""
    connection.execute(before)
    with pytest.raises(JournalError, match="not a journal"):
        schema.prepare(connection)
    assert "jobs" not in tables(connection)
