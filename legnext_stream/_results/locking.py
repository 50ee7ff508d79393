"""One writer at a time: a lock on an open file, which the system releases with its process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO

if sys.platform == "win32":  # pragma: no cover - the tests run elsewhere

    def try_lock(file: FileIO) -> bool:
        """Nothing is locked here: two programs must not save one job into one folder at a time."""
        return not file.closed

else:
    import fcntl

    def try_lock(file: FileIO) -> bool:
        """Lock an open file; whether that could be had, or somebody else has it."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
