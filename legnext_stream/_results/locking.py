"""One writer at a time: a lock on an open file. The system releases it when the process ends.

The package filelock, which guards journals, would truncate the file that it locks.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO

if sys.platform == "win32":  # pragma: no cover - the tests run elsewhere

    def try_lock(file: FileIO) -> bool:
        """Locks nothing: on Windows, two programs must not save the same job in the same folder."""
        return not file.closed

else:
    import fcntl

    def try_lock(file: FileIO) -> bool:
        """Lock an open file; False if another process or file object has the lock."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
