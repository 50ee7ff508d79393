"""Lists that come in lines: a file that is read whole, or a stream that is read as it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, Self, TypeVar

import attrs

from legnext_stream._cli.descriptors import read_some
from legnext_stream._cli.exits import UsageError

T = TypeVar("T")

Parse = Callable[[bytes, str], T | None]
"""From a line, and the place to name in a message, to the item on it; None if there is none."""

# No line with an id or a prompt on it is as long as this, bytes; what is, is no list of those.
_LONGEST_LINE = 65536


def text_of(line: bytes) -> str:
    """A line as text, without the byte order mark that some editors put at the beginning."""
    # Bytes that are no UTF-8 become visible escapes, and so part of the message.
    return line.decode("utf-8", "backslashreplace").removeprefix("\ufeff")


def items_of(path: str, parse: Parse[T]) -> Iterator[T]:
    """The items of a file, one a line.

    Raises:
        UsageError: The file can't be read, or has a line that `parse` refuses.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read {path}: {reason}") from None
    for number, line in enumerate(lines, 1):
        item = parse(line, f"{path}:{number}")
        if item is not None:
            yield item


@attrs.define(eq=False)
class LineStream(Generic[T]):
    """The items on an open descriptor, each as soon as its line is there.

    Attributes:
        fd: The descriptor.
        name: What messages call it.
        is_at_end: Whether no more can come.
    """

    fd: int
    name: str
    _parse: Parse[T]
    is_at_end: bool = False
    _lines: deque[bytes] = attrs.field(factory=deque, init=False)
    _begun: bytes = attrs.field(default=b"", init=False)
    _number: int = attrs.field(default=0, init=False)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next item.

        Raises:
            StopAsyncIteration: The descriptor is at its end.
            UsageError: A line is refused, or the descriptor can't be read.
        """
        while True:
            while self._lines:
                self._number += 1
                item = self._parse(self._lines.popleft(), f"{self.name}:{self._number}")
                if item is not None:
                    return item
            if self.is_at_end:
                raise StopAsyncIteration
            await self._read()

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
