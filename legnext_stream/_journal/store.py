"""The journal's file: SQLite in WAL mode, every commit on the disk before it counts.

Nothing here knows Trio. All calls block for as long as the disk does; `writer` keeps them off the
event path.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar, assert_never

import filelock

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal.entries import (
    Acknowledged,
    KeptEvent,
    KeptJob,
    Learned,
    Observed,
    Removed,
    Taken,
)
from legnext_stream._journal.prompts import (
    Claim,
    KeptPrompt,
    Moved,
    PromptEntry,
    Refused,
    Submitted,
    read_open,
    read_unsent,
    write_prompt,
)
from legnext_stream._journal.schema import check, prepare
from legnext_stream.errors import ConfigurationError, JournalError, JournalInUseError

_EVENT_COLUMNS: Final = (
    "job_id, status, raw_status, previous, observed_at, changed_after, changed_before, body, code,"
    " reason"
)
Entry: TypeAlias = Taken | Observed | Acknowledged | Removed | Learned | PromptEntry
"""What can be written."""

_T = TypeVar("_T")
# Who holds the file holds it for a batch's time; waiting a moment for its end is no use.
_BUSY: Final = 5.0


class Store:
    """One journal's file, open for writing. Made by `open`; one process at a time has it.

    Its methods may be called from any thread, one at a time.

    Attributes:
        path: The file.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, lock: filelock.BaseFileLock
    ) -> None:
        self.path: Path = path
        self._connection = connection
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, base_url: str, fingerprint: Callable[[str], str]) -> Self:
        """Open a journal, or begin one where there is no file.

        Args:
            path: The file. Beside it SQLite keeps two more while it is open, and there is a lock.
            base_url: The host that its jobs are asked about at.
            fingerprint: Gives the hash of the account's key with a salt; it tells one account from
                another.

        Raises:
            JournalInUseError: Another watch, of this process or another, has it open.
            ConfigurationError: It belongs to another host or another account.
            JournalError: It can't be opened, or read, or is no journal, or a damaged one.
        """
        if not path.parent.is_dir():
            msg = f"can't open the journal {path}: there is no folder {path.parent}"
            raise JournalError(msg)
        lock = filelock.FileLock(f"{path}.lock", blocking=False, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            msg = f"{path} is in use by another watch: a journal has one at a time"
            raise JournalInUseError(msg) from None
        except OSError as error:
            raise JournalError(f"can't open the journal {path}: {error}") from error
        try:
            connection = _connect(path)
            try:
                _check_account(connection, path, base_url, fingerprint)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            lock.release()
            raise
        return cls(path, connection, lock)

    def close(self) -> None:
        """Close the file and let go of it. What was not written is not written."""
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries in their order, all or none, and return when they are on the disk.

        Raises:
            JournalError: They could not be written: the disk is full, the file read-only or
                damaged.
        """
        with _told(self.path, "write"):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                for entry in entries:
                    self._write(entry)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def unfinished(self) -> list[KeptJob]:
        """The jobs that are not finished with, in the order in which they came.

        Raises:
            JournalError: The file can't be read.
        """
        columns = _EVENT_COLUMNS.replace("job_id", "jobs.job_id", 1)
        columns = columns.replace("status, raw_status", "owed.status, owed.raw_status", 1)
        query = f"""
            SELECT {columns}, jobs.status, words, place
            FROM jobs LEFT JOIN owed USING (job_id) WHERE NOT is_ended ORDER BY position
        """  # noqa: S608 - made of constants
        with _told(self.path, "read"):
            return [_kept_job(row) for row in self._connection.execute(query)]

    def ended(self) -> Iterator[str]:
        """The ids of the jobs whose terminal was acknowledged.

        Raises:
            JournalError: The file can't be read.
        """
        with _told(self.path, "read"):
            for (job_id,) in self._connection.execute("SELECT job_id FROM jobs WHERE is_ended"):
                yield job_id

    def learned(self, name: str) -> Mapping[str, object] | None:
        """What an earlier watch learned (see `Learned`), or None.

        Raises:
            JournalError: The file can't be read.
        """
        with _told(self.path, "read"):
            query = "SELECT state FROM learned WHERE name = ?"
            row = self._connection.execute(query, (name,)).fetchone()
            return None if row is None else _json(row[0], dict)

    def unsent_prompts(self, after: int, most: int) -> list[KeptPrompt]:
        """The first prompts beyond a place in the batch that are to be submitted.

        Raises:
            JournalError: The file can't be read.
        """
        with _told(self.path, "read"), _understood():
            return read_unsent(self._connection, after, most)

    def open_prompts(self) -> list[KeptPrompt]:
        """The prompts that were being submitted, or whose job or refusal is not finished with.

        Raises:
            JournalError: The file can't be read.
        """
        with _told(self.path, "read"), _understood():
            return read_open(self._connection)

    def _write(self, entry: Entry) -> None:
        execute = self._connection.execute
        match entry:
            case Taken():
                is_unknown = entry.status is JobStatus.UNKNOWN
                words = json.dumps([entry.raw_status] if is_unknown else [])
                execute(
                    "INSERT INTO jobs (job_id, taken_at, status, raw_status, place, words) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job_id) DO NOTHING",
                    (
                        entry.job_id,
                        entry.at,
                        entry.status,
                        entry.raw_status,
                        _place(entry.status),
                        words,
                    ),
                )
            case Observed():
                marks = ", ".join("?" * 10)
                execute(
                    f"INSERT OR REPLACE INTO owed ({_EVENT_COLUMNS}) VALUES ({marks})",  # noqa: S608
                    _row(entry.event),
                )
            case Acknowledged():
                self._acknowledge(entry)
            case Removed():
                execute("DELETE FROM owed WHERE job_id = ?", (entry.job_id,))
                execute("DELETE FROM jobs WHERE job_id = ?", (entry.job_id,))
            case Learned():
                execute(
                    "INSERT OR REPLACE INTO learned (name, state) VALUES (?, ?)",
                    (entry.name, json.dumps(entry.state)),
                )
            case Claim() | Moved() | Submitted() | Refused():
                write_prompt(self._connection, entry)
            case _:
                assert_never(entry)

    def _acknowledge(self, entry: Acknowledged) -> None:
        execute, event = self._connection.execute, entry.event
        marks = ", ".join("?" * 11)
        execute(
            f"INSERT INTO events ({_EVENT_COLUMNS}, acknowledged_at) VALUES ({marks})",  # noqa: S608
            (*_row(event), entry.at),
        )
        if event.status is JobStatus.UNKNOWN:
            execute(
                "UPDATE jobs SET words = json_insert(words, '$[#]', ?) WHERE job_id = ?",
                (event.raw_status, event.job_id),
            )
        execute(
            "UPDATE jobs SET status = ?, raw_status = ?, place = coalesce(?, place), is_ended = ? "
            "WHERE job_id = ?",
            (
                event.status,
                event.raw_status,
                _place(event.status),
                event.status.is_terminal,
                event.job_id,
            ),
        )
        # A later change may have been observed meanwhile, and is owed still.
        execute(
            "DELETE FROM owed WHERE job_id = ? AND observed_at <= ?",
            (event.job_id, event.observed_at),
        )


def _connect(path: Path) -> sqlite3.Connection:
    with _told(path, "open"):
        connection = sqlite3.connect(
            path, timeout=_BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            # First of all, for the next line writes: what is somebody else's stays as it is.
            check(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _check_sound(connection)
            prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_sound(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise JournalError(f"it is damaged: {found}")


@contextlib.contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    """Name the file in whatever goes wrong with it."""
    try:
        yield
    except (sqlite3.Error, JournalError) as error:
        raise JournalError(f"can't {what} the journal {path}: {error}") from error
    except UnicodeDecodeError as error:
        # SQLite quotes what it can't make sense of, and Python can't read the quotation.
        raise JournalError(f"can't {what} the journal {path}: it is damaged") from error


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """Take what no watch can have written for damage: SQLite looks after pages, and not after words."""
    try:
        yield
    except ValueError as error:
        raise JournalError(f"it is damaged: {error}") from error


def _json(text: str, kind: type[_T]) -> _T:
    """A value of this kind, out of the file."""
    with _understood():
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(f"{text[:40]!r} is not a {kind.__name__}")  # noqa: TRY004 - of the file
        return value


def _check_account(
    connection: sqlite3.Connection, path: Path, base_url: str, fingerprint: Callable[[str], str]
) -> None:
    with _told(path, "open"):
        query = "SELECT base_url, salt, fingerprint FROM account"
        row = connection.execute(query).fetchone()
        if row is None:
            salt = secrets.token_hex(16)
            connection.execute(
                "INSERT INTO account VALUES (?, ?, ?, ?)",
                (base_url, salt, fingerprint(salt), time.time()),
            )
            return
    kept_url, salt, kept_fingerprint = row
    if kept_url != base_url:
        msg = f"the jobs of {path} belong to {kept_url}, not to {base_url}"
        raise ConfigurationError(msg)
    if kept_fingerprint != fingerprint(salt):
        msg = f"the jobs of {path} were submitted with another API key"
        raise ConfigurationError(msg)


def _place(status: JobStatus | None) -> JobStatus | None:
    return None if status is JobStatus.UNKNOWN else status


def _row(event: KeptEvent) -> tuple[object, ...]:
    earliest, latest = event.changed_between
    return (
        event.job_id,
        event.status,
        event.raw_status,
        event.previous,
        event.observed_at,
        earliest,
        latest,
        json.dumps(event.body),
        event.code,
        event.reason,
    )


def _status(word: str | None) -> JobStatus | None:
    """A status, out of the file."""
    with _understood():
        return None if word is None else JobStatus(word)


def _kept_job(row: tuple[Any, ...]) -> KeptJob:
    (job_id, status, raw_status, previous, at, earliest, latest, body, code, reason) = row[:10]
    told, words, place = row[10:]
    owed, end = None, _status(status)
    if end is not None and end.is_terminal:
        owed = KeptEvent(
            job_id=job_id,
            status=end,
            raw_status=raw_status,
            previous=_status(previous),
            observed_at=at,
            changed_between=(earliest, latest),
            body=_json(body, dict),
            code=code,
            reason=reason,
        )
    return KeptJob(
        job_id=job_id,
        status=_status(told),
        words=tuple(map(str, _json(words, list))),
        place=_status(place),
        owed=owed,
    )
