"""Reading a journal from outside, beside a watch that may be writing it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from legnext_stream._journal.schema import check
from legnext_stream.errors import JournalError

T = TypeVar("T")


def read_journal(path: Path, read: Callable[[sqlite3.Connection, int], T]) -> T:
    """Read a journal without disturbing whoever has it open.

    Args:
        path: The file.
        read: Reads from the open file, whose version it is told.

    Raises:
        JournalError: There is none, or it can't be read.
    """
    if not path.is_file():
        raise JournalError(f"there is no journal {path}")
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            version = check(connection)
            # One transaction: all of it at the same moment.
            connection.execute("BEGIN")
            return read(connection, version)
    except (sqlite3.Error, JournalError, ValueError, TypeError) as error:
        # The last two: by a word or a value that this library would never have written.
        raise JournalError(f"can't read the journal {path}: {error}") from error
