"""What there is of a result on disk: a part beside its place, and the whole in it.

A part `X.part` has what it is a part of beside it, in `X.part.json`; it takes the name `X.png` in one
step, once it is whole and on the disk. So under that name there is never anything else, whenever the
process is killed. Everything here blocks; it is called in threads.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from legnext_stream._core.results.file_types import HEAD, KINDS, Kind, kind_of
from legnext_stream._core.results.resuming import Mark
from legnext_stream._results.locking import try_lock

if TYPE_CHECKING:
    from io import FileIO

_LONGEST_MARK = 65536


class OtherFileError(Exception):
    """Where a result should go there is another file; the message names it."""


class Part:
    """A part that is ours alone until it is closed. Made by `claim`.

    Attributes:
        size: How long it is, bytes.
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
        """The part at a path, which is made if there is none; None if somebody else has it.

        Raises:
            OSError: It can't be opened.
        """
        # Each byte goes to its end, and at once.
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
        """Whether all bytes are there that there should be."""
        return self.mark is not None and 0 < self.size == self.mark.size

    def begin(self, mark: Mark) -> None:
        """Begin anew, with the first byte of what `mark` describes."""
        self._file.truncate(0)
        self.size = 0
        self.note(mark)

    def note(self, mark: Mark) -> None:
        """Keep what it is a part of."""
        # Never half a note: it takes the old one's place in one step.
        new = self._mark_path.with_name(f"{self._mark_path.name}.new")
        new.write_bytes(msgspec.json.encode(mark))
        new.replace(self._mark_path)
        self.mark = mark

    def append(self, data: bytes) -> None:
        """Write the next bytes."""
        # A file without a buffer may take fewer than it is given.
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self.size += len(data)

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes from an offset on, or as many as there are."""
        self._file.seek(offset)
        return self._file.read(length)

    def forget(self) -> None:
        """Empty it: the next attempt begins anew."""
        self._file.truncate(0)
        self.size = 0
        self.mark = None

    def finish(self, target: Path) -> bool:
        """Put the whole in its place.

        Returns:
            Whether the same file was there already, and was kept.

        Raises:
            OtherFileError: Another file is there.
            OSError: It can't be written or renamed.
        """
        if target.exists():
            if not filecmp.cmp(self._path, target, shallow=False):
                raise OtherFileError(f"{target} is there already, with another content")
            self.discard()
            return True
        os.fsync(self._file.fileno())
        # Not all systems rename what is open. Who claims the part in this moment finds it complete,
        # and leaves it so.
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
        """Let go of it; what there is stays. May be repeated."""
        self._file.close()

    def _read_mark(self) -> Mark | None:
        try:
            with self._mark_path.open("rb") as file:
                return msgspec.json.decode(file.read(_LONGEST_MARK), type=Mark)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return None


def find_whole(folder: Path, stem: str) -> tuple[Path, int, Kind] | None:
    """The whole result of this name: its path, its size in bytes and its kind; None if there is none.

    The note of its part, which a kill may have left behind, is removed.

    Raises:
        OtherFileError: There is something of this name that is no such result.
    """
    for kind in KINDS:
        path = folder / f"{stem}{kind.suffix}"
        try:
            with path.open("rb") as file:
                head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            continue
        except IsADirectoryError:
            raise OtherFileError(f"{path} is there already, a folder") from None
        if kind_of(head) is not kind:
            raise OtherFileError(f"{path} is there already, and is no {kind.media_type}")
        (folder / f"{stem}.part.json").unlink(missing_ok=True)
        return path, size, kind
    return None


def _is_at(file: FileIO, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    """Have a new name on the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
