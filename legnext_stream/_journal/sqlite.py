"""The recorder that keeps a journal's file: SQLite in WAL mode, every commit on the disk before it counts.

What blocks is done in threads, one call at a time.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import filelock
import trio

from legnext_stream._journal.recorder import Outcome, Written
from legnext_stream._journal.records import (
    LoggedEvent,
    Record,
    RecordedJob,
    RecordedPrompt,
    Settled,
)
from legnext_stream._journal.schema import check, prepare
from legnext_stream._journal.tables import (
    GapError,
    read_ended,
    read_events,
    read_learned,
    read_open,
    read_unfinished,
    read_unsent,
    write_record,
)
from legnext_stream._util.threads import run_blocking
from legnext_stream.errors import ConfigurationError, JournalError, JournalInUseError

_T = TypeVar("_T")

# How long to wait for another program that is writing to the file, seconds.
_BUSY: Final = 5.0
# Rows that are read at a time, so that a large journal doesn't keep other calls waiting.
_PAGE: Final = 2000


class _BusyError(Exception):
    """Another program is writing to the file."""


class _FencedError(Exception):
    """Another run has taken the file over."""


class SqliteRecorder:
    """Keeps records in a SQLite file. One process at a time has it open.

    Beside the file SQLite keeps two more while it is open, and there is a lock. `fingerprint`
    returns a hash of the account's key with a salt; with the host it tells one account from
    another.
    """

    def __init__(self, path: Path, *, base_url: str, fingerprint: Callable[[str], str]) -> None:
        self._path = path
        self._base_url = base_url
        self._fingerprint = fingerprint
        self._turn = trio.Lock()
        self._connection: sqlite3.Connection | None = None
        self._lock = filelock.FileLock(f"{path}.lock", blocking=False, thread_local=False)
        # Of this run: another one that takes the file over writes its own into it.
        self._owner = ""
        self._last = 0, Written(Outcome.DONE)

    def __repr__(self) -> str:
        return f"<SqliteRecorder {self._path}>"

    async def open(self) -> None:
        """See `Recorder.open`; begins a journal where there is no file."""
        # Kept in the thread, not returned: a cancellation could lose an open file.
        async with self._turn:
            await run_blocking(self._open)

    def _open(self) -> None:
        if not self._path.parent.is_dir():
            msg = f"can't open the journal {self._path}: there is no folder {self._path.parent}"
            raise JournalError(msg)
        try:
            self._lock.acquire()
        except filelock.Timeout:
            msg = f"{self._path} is in use by another watch: a journal has one at a time"
            raise JournalInUseError(msg) from None
        except OSError as error:
            raise JournalError(
                f"can't open the journal {self._path}: {error.strerror or error}"
            ) from error
        try:
            with self._named("open"):
                self._connection = connection = sqlite3.connect(
                    self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False
                )
                # First of all, because the next line writes: a file of another program stays as it is.
                check(connection)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise JournalError(f"it is damaged: {found}")  # noqa: TRY301 - to be named
                prepare(connection)
            self._take_over(connection)
        except BaseException:
            self._close()
            raise

    def _take_over(self, connection: sqlite3.Connection) -> None:
        """Check that the file belongs to this account, and become the run that owns it."""
        self._owner, self._last = secrets.token_hex(16), (0, Written(Outcome.DONE))
        execute = connection.execute
        with self._named("open"):
            row = execute("SELECT base_url, salt, fingerprint FROM account").fetchone()
            if row is None:
                salt = secrets.token_hex(16)
                execute(
                    "INSERT INTO account VALUES (?, ?, ?, ?, ?)",
                    (self._base_url, salt, self._fingerprint(salt), time.time(), self._owner),
                )
                return
            base_url, salt, fingerprint = row
            if base_url == self._base_url and fingerprint == self._fingerprint(salt):
                execute("UPDATE account SET owner = ?", (self._owner,))
                return
        if base_url != self._base_url:
            msg = f"the jobs of {self._path} belong to {base_url}, not to {self._base_url}"
            raise ConfigurationError(msg)
        msg = f"the jobs of {self._path} were submitted with another API key"
        raise ConfigurationError(msg)

    async def close(self) -> None:
        """See `Recorder.close`. May be called again."""
        with trio.CancelScope(shield=True):
            async with self._turn:
                await run_blocking(self._close)  # noqa: ASYNC102 - bounded by the disk

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.close()
        finally:
            self._lock.release()

    # -- Writing

    async def write(self, number: int, records: Sequence[Record]) -> Written:
        """See `Recorder.write`; returns when the records are on the disk."""
        async with self._turn:
            return await run_blocking(partial(self._write, number, records))

    def _write(self, number: int, records: Sequence[Record]) -> Written:
        last, written = self._last
        if number == last:
            return written
        try:
            with self._named("write"):
                return self._write_next(number, records)
        except _BusyError:
            return Written(Outcome.UNAVAILABLE)

    def _write_next(self, number: int, records: Sequence[Record]) -> Written:
        try:
            with self._transaction() as connection:
                self._check_next(connection, number)
                places = [write_record(connection, record) for record in records]
        except _FencedError:
            outcome = Outcome.FENCED
        except GapError:
            outcome = Outcome.GAP
        else:
            written = Written(Outcome.DONE, [place for place in places if place is not None])
            self._last = number, written
            return written
        with self._transaction() as connection:
            for record in records:
                if isinstance(record, Settled):
                    write_record(connection, record)
        return Written(outcome)

    def _check_next(self, connection: sqlite3.Connection, number: int) -> None:
        if connection.execute("SELECT owner FROM account").fetchone() != (self._owner,):
            raise _FencedError
        if number != self._last[0] + 1:
            raise GapError(f"batch {number} comes after batch {self._last[0]}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what is written in the context, or nothing of it.

        Raises:
            _BusyError: Another program is writing.
        """
        connection = self._opened
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise _BusyError from None
            raise
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    # -- Reading

    async def ended(self) -> AsyncGenerator[Sequence[str], None]:
        """See `Recorder.ended`."""
        after = ""
        while page := await self._read(read_ended, after, _PAGE):
            yield page
            after = page[-1]

    async def unfinished(self) -> AsyncGenerator[Sequence[RecordedJob], None]:
        """See `Recorder.unfinished`."""
        page, after = await self._read(read_unfinished, 0, _PAGE)
        while page:
            yield page
            page, after = await self._read(read_unfinished, after, _PAGE)

    async def learned(self, name: str) -> Mapping[str, Any] | None:
        """See `Recorder.learned`."""
        return await self._read(read_learned, name)

    async def unsent_prompts(self, after: int, limit: int) -> Sequence[RecordedPrompt]:
        """See `Recorder.unsent_prompts`."""
        return await self._read(read_unsent, after, limit)

    async def open_prompts(self) -> Sequence[RecordedPrompt]:
        """See `Recorder.open_prompts`."""
        return await self._read(read_open)

    async def read_events(self, after: int, limit: int) -> Sequence[LoggedEvent]:
        """See `Recorder.read_events`."""
        return await self._read(read_events, after, limit)

    async def _read(self, read: Callable[..., _T], *arguments: object) -> _T:
        def work() -> _T:
            with self._named("read"):
                try:
                    return read(self._opened, *arguments)
                except UnicodeDecodeError:
                    raise
                except ValueError as error:
                    # A value that no run has written: SQLite checks its pages, and not what is in them.
                    raise JournalError(f"it is damaged: {error}") from error

        async with self._turn:
            return await run_blocking(work)

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise JournalError("it is not open")
        return self._connection

    @contextlib.contextmanager
    def _named(self, what: str) -> Iterator[None]:
        """Name the file in whatever goes wrong with it."""
        try:
            yield
        except (sqlite3.Error, JournalError) as error:
            raise JournalError(f"can't {what} the journal {self._path}: {error}") from error
        except UnicodeDecodeError as error:
            # SQLite quotes what it can't understand, and Python can't read the quotation.
            raise JournalError(f"can't {what} the journal {self._path}: it is damaged") from error
