"""The tables of a journal, and how an older file becomes one of this version.

The tables are meant to be read by people, too: `docs/how-to/journal.md` has queries to start from. Times
are seconds since 1970, statuses are the words of `JobStatus`, and bodies are the API's JSON without
the secret of its webhook.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from legnext_stream.errors import JournalError

APPLICATION_ID: Final = 0x4C67_6E78
"""Marks a SQLite file as a journal ("Lgnx"), so that no other database is taken for one."""

_FIRST: Final = (
    """
    CREATE TABLE account (
        base_url    TEXT NOT NULL,
        salt        TEXT NOT NULL,
        -- A salted hash of the key: tells one account from another, and not what its key is.
        fingerprint TEXT NOT NULL,
        created_at  REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE jobs (
        position   INTEGER PRIMARY KEY,
        job_id     TEXT NOT NULL UNIQUE,
        taken_at   REAL NOT NULL,
        -- What was last acknowledged; null before the first time.
        status     TEXT,
        raw_status TEXT,
        -- The last reported status that has a place in the order of statuses.
        place      TEXT,
        -- The unknown words that were reported, a JSON list.
        words      TEXT NOT NULL DEFAULT '[]',
        is_ended   INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE INDEX unfinished ON jobs (position) WHERE NOT is_ended",
    """
    -- The ends that were reported and not yet acknowledged; until version 3.
    CREATE TABLE owed (
        job_id         TEXT PRIMARY KEY,
        status         TEXT NOT NULL,
        raw_status     TEXT NOT NULL,
        previous       TEXT,
        observed_at    REAL NOT NULL,
        changed_after  REAL,
        changed_before REAL NOT NULL,
        body           TEXT NOT NULL,
        code           INTEGER NOT NULL,
        reason         TEXT NOT NULL
    ) STRICT
    """,
    """
    -- What was acknowledged, in that order; until version 3.
    CREATE TABLE events (
        number          INTEGER PRIMARY KEY,
        job_id          TEXT NOT NULL,
        status          TEXT NOT NULL,
        raw_status      TEXT NOT NULL,
        previous        TEXT,
        observed_at     REAL NOT NULL,
        changed_after   REAL,
        changed_before  REAL NOT NULL,
        body            TEXT NOT NULL,
        code            INTEGER NOT NULL,
        reason          TEXT NOT NULL,
        acknowledged_at REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX events_of_job ON events (job_id)",
    """
    CREATE TABLE learned (
        name  TEXT PRIMARY KEY,
        state TEXT NOT NULL
    ) STRICT
    """,
)

# Version 2: what `generate` was given, and what has come of it.
_PROMPTS: Final = (
    """
    CREATE TABLE prompts (
        -- Its place in the batch.
        position      INTEGER PRIMARY KEY,
        -- A hash of what it says, and its number among the prompts that say the same.
        identity      BLOB NOT NULL,
        occurrence    INTEGER NOT NULL,
        task_type     TEXT NOT NULL,
        text          TEXT NOT NULL,
        -- The further fields, and the caller's own: JSON.
        params        TEXT NOT NULL,
        tag           TEXT NOT NULL,
        taken_at      REAL NOT NULL,
        -- unsent, sending (nothing is known since), submitted, refused (not acknowledged yet), or ended.
        state         TEXT NOT NULL DEFAULT 'unsent',
        -- The job, once there is one.
        job_id        TEXT,
        -- Why there is none and will be none.
        status        TEXT,
        code          INTEGER,
        reason        TEXT,
        observed_at   REAL,
        changed_after REAL,
        UNIQUE (identity, occurrence)
    ) STRICT
    """,
    "CREATE INDEX prompts_of_jobs ON prompts (job_id) WHERE job_id IS NOT NULL",
    """
    CREATE INDEX pending_prompts ON prompts (state, position)
        WHERE state = 'unsent' OR state = 'sending' OR state = 'refused'
    """,
)

# Version 3: events are in the file when they are reported, and not only when they are acknowledged.
_LOG: Final = (
    "ALTER TABLE account ADD COLUMN owner TEXT",
    "ALTER TABLE jobs ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE prompts ADD COLUMN attempt TEXT",
    "ALTER TABLE events RENAME TO acknowledged_events",
    """
    -- What was reported, in that order; also of jobs that were removed since, if it was acknowledged.
    CREATE TABLE events (
        -- Never used twice, so that a reader can go on after the last one that it has read.
        number          INTEGER PRIMARY KEY AUTOINCREMENT,
        -- Empty for a prompt that has no job.
        job_id          TEXT NOT NULL,
        -- Which event of its job it is, from 1.
        sequence        INTEGER NOT NULL,
        -- The position of a prompt without a job.
        position        INTEGER,
        status          TEXT NOT NULL,
        raw_status      TEXT NOT NULL,
        previous        TEXT,
        observed_at     REAL NOT NULL,
        changed_after   REAL,
        changed_before  REAL NOT NULL,
        body            TEXT NOT NULL,
        code            INTEGER NOT NULL,
        reason          TEXT NOT NULL,
        -- Null until the consumer is done with it.
        acknowledged_at REAL
    ) STRICT
    """,
    """
    INSERT INTO events
    SELECT number, job_id, row_number() OVER (PARTITION BY job_id ORDER BY number), NULL,
           status, raw_status, previous, observed_at, changed_after, changed_before, body, code, reason,
           acknowledged_at
    FROM acknowledged_events
    """,
    """
    INSERT INTO events
    SELECT NULL, job_id,
           1 + (SELECT count(*) FROM acknowledged_events AS old WHERE old.job_id = owed.job_id), NULL,
           owed.status, owed.raw_status, previous, observed_at, changed_after, changed_before, body, code,
           reason, NULL
    FROM owed JOIN jobs USING (job_id) WHERE NOT is_ended ORDER BY jobs.position
    """,
    "DROP TABLE acknowledged_events",
    "DROP TABLE owed",
    "CREATE INDEX events_of_job ON events (job_id)",
    "CREATE INDEX unacknowledged_events ON events (job_id) WHERE acknowledged_at IS NULL",
    "UPDATE jobs SET sequence = (SELECT count(*) FROM events WHERE events.job_id = jobs.job_id)",
)

MIGRATIONS: Final = (_FIRST, _PROMPTS, _LOG)
"""The statements that bring a file from version i to version i + 1."""

VERSION: Final = len(MIGRATIONS)

WITH_PROMPTS: Final = 2
"""The first version with prompts."""

WITH_LOG: Final = 3
"""The first version in which events are recorded when they are reported."""


def prepare(connection: sqlite3.Connection) -> None:
    """Bring a file to this version: a new one from nothing, an older one step by step.

    All of it is one transaction, so that a kill in the middle leaves the file as it was. Raises
    what `check` does.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = check(connection)
        for number in range(version, VERSION):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
        # Also if nothing changes: that the file can't be written is to be found out now.
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def check(connection: sqlite3.Connection) -> int:
    """Return the version of a file; 0 if it is empty.

    Raises:
        JournalError: It is a database of something else, or of a later version.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise JournalError("it is a database, but not a journal of this library")
    if version > VERSION:
        msg = f"it is of version {version}, and this library knows versions up to {VERSION}"
        raise JournalError(msg)
    return int(version)
