"""Where job ids come from: a file that is read whole, or a stream that is read as it arrives.

One id a line. What follows a `#` is a comment; blank lines are let pass.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Self

import attrs

from legnext_stream.cli.descriptors import read_some
from legnext_stream.cli.exits import UsageError
from legnext_stream.core.ids import check_job_id
from legnext_stream.errors import InvalidJobId

# No line with an id in it is as long as this, bytes; what is, is no list of ids.
_LONGEST_LINE = 65536


def parse_line(line: bytes, where: str) -> str | None:
    """The id on a line, or None if there is none.

    Raises:
        UsageError: What stands there can't be an id; the message names the place and the item.
    """
    # Bytes that are no UTF-8 become visible escapes, and so part of the message.
    text = line.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
    item = text.partition("#")[0].strip()
    return check_item(item, where) if item else None


def check_item(item: str, where: str) -> str:
    """Return `item` if it can be a job id.

    Raises:
        UsageError: It can't be; the message names the place and the item.
    """
    try:
        return check_job_id(item)
    except InvalidJobId as error:
        raise UsageError(f"{where}: {error}") from None


def read_file(path: str) -> list[str]:
    """All ids of a file, each of them checked, so that nothing begins before the last is read.

    Raises:
        UsageError: The file can't be read, or has a line that can't be an id.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read {path}: {reason}") from None
    found = (parse_line(line, f"{path}:{number}") for number, line in enumerate(lines, 1))
    return [job_id for job_id in found if job_id is not None]


@attrs.define(eq=False)
class IdStream:
    """The ids on an open descriptor, each as soon as its line is there.

    Attributes:
        fd: The descriptor.
        name: What messages call it.
        is_at_end: Whether no more can come.
    """

    fd: int
    name: str
    is_at_end: bool = False
    _lines: deque[bytes] = attrs.field(factory=deque, init=False)
    _begun: bytes = attrs.field(default=b"", init=False)
    _number: int = attrs.field(default=0, init=False)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """The next id.

        Raises:
            StopAsyncIteration: The descriptor is at its end.
            UsageError: A line can't be an id, or the descriptor can't be read.
        """
        while True:
            while self._lines:
                self._number += 1
                job_id = parse_line(self._lines.popleft(), self._where)
                if job_id is not None:
                    return job_id
            if self.is_at_end:
                raise StopAsyncIteration
            await self._read()

    @property
    def _where(self) -> str:
        return f"{self.name}:{self._number}"

    async def _read(self) -> None:
        try:
            read = await read_some(self.fd)
        except OSError as error:
            raise UsageError(f"can't read {self.name}: {error.strerror}") from None
        *whole, self._begun = (self._begun + read).split(b"\n")
        self._lines.extend(whole)
        if not read:
            self.is_at_end = True
            self._lines.append(self._begun)
        elif len(self._begun) > _LONGEST_LINE:
            raise UsageError(f"{self.name}: a line of more than {_LONGEST_LINE} bytes")
