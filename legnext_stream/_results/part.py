"""The file of a result on disk: a part while it is downloaded, then the complete file.

Beside a part `X.part`, the file `X.part.json` says what it is a part of. When the part is complete and
synced to disk, it is renamed to `X.png` in one step. So a file of that name is always complete, even
if the process is killed. Everything here blocks; it is called in threads.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from legnext_stream._core.results.file_types import HEAD, KINDS, Kind, kind_of
from legnext_stream._core.results.resuming import Mark

if TYPE_CHECKING:
    from io import FileIO

# One writer at a time: a lock on the open file, which the system releases when the process ends. The
# package filelock, which guards journals, would truncate the file that it locks.
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


_LONGEST_MARK = 65536


class OtherFileError(Exception):
    """There is another file in the place of a result; the message names it."""


class Part:
    """A part that is locked until it is closed. Made by `claim`.

    Attributes:
        size: Its size in bytes.
        mark: What it is a part of; None if that isn't known.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self._path = path
        self._file = file
        self._mark_path = path.with_name(f"{path.name}.json")
        self.size: int = os.fstat(file.fileno()).st_size
        self.mark: Mark | None = self._read_mark() if self.size else None

    @classmethod
    def claim(cls, path: Path) -> Part | None:
        """Open and lock the part at a path, which is created if needed; None if it is locked."""
        # Each write goes to the end, unbuffered.
        file = path.open("a+b", buffering=0)
        try:
            if try_lock(file) and _is_at(file, path):
                return cls(path, file)
        except BaseException:
            file.close()
            raise
        file.close()
        return None

    @property
    def is_complete(self) -> bool:
        """Whether it has as many bytes as its mark says."""
        return self.mark is not None and 0 < self.size == self.mark.size

    def begin(self, mark: Mark) -> None:
        """Empty it, and begin with the first byte of what `mark` describes."""
        self._file.truncate(0)
        self.size = 0
        self.note(mark)

    def note(self, mark: Mark) -> None:
        """Write down what it is a part of."""
        # A killed process must not leave half a note, so the old one is replaced in one step.
        new = self._mark_path.with_name(f"{self._mark_path.name}.new")
        new.write_bytes(msgspec.json.encode(mark))
        new.replace(self._mark_path)
        self.mark = mark

    def append(self, data: bytes) -> None:
        """Write the next bytes."""
        # An unbuffered write may take fewer bytes than it is given.
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self.size += len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        self._file.seek(offset)
        return self._file.read(length)

    def forget(self) -> None:
        """Empty it: the next attempt starts from the beginning."""
        self._file.truncate(0)
        self.size = 0
        self.mark = None

    def finish(self, target: Path) -> bool:
        """Give the complete file its name; return whether the same file was there already.

        Raises:
            OtherFileError: Another file is there.
        """
        if target.exists():
            if not filecmp.cmp(self._path, target, shallow=False):
                raise OtherFileError(f"{target} exists already, with other content")
            self.discard()
            return True
        os.fsync(self._file.fileno())
        # Windows can't rename an open file. A process that claims the part in this moment finds it
        # complete, and leaves it so.
        self.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.replace(target)
        _sync_folder(target.parent)
        self._mark_path.unlink(missing_ok=True)
        return False

    def discard(self) -> None:
        """Remove it."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._mark_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close and unlock it. May be called again."""
        self._file.close()

    def _read_mark(self) -> Mark | None:
        try:
            with self._mark_path.open("rb") as file:
                return msgspec.json.decode(file.read(_LONGEST_MARK), type=Mark)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return None


def find_whole(folder: Path, stem: str) -> tuple[Path, int, Kind] | None:
    """The complete file with this stem: its path, size in bytes and file type; None if there is none.

    The note of its part, which a killed process may have left behind, is removed.

    Raises:
        OtherFileError: There is a file of this name that is no such result.
    """
    for kind in KINDS:
        path = folder / f"{stem}{kind.suffix}"
        try:
            with path.open("rb") as file:
                head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            continue
        except IsADirectoryError:
            raise OtherFileError(f"{path} exists already, as a folder") from None
        if kind_of(head) is not kind:
            raise OtherFileError(f"{path} exists already, and is not {kind.media_type}")
        (folder / f"{stem}.part.json").unlink(missing_ok=True)
        return path, size, kind
    return None


def _is_at(file: FileIO, path: Path) -> bool:
    """Whether a path still leads to this open file: it may have been renamed."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    """Sync the names in a folder to disk, where the system supports that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
