"""Bytes to lines of text.

They are UTF-8, unless a byte order mark says UTF-16 or UTF-32. Anything else is refused: a prompt that
was decoded wrongly costs as much as one that was not. A line ends with LF, CRLF or CR.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from typing import Final

from legnext_stream._cli.exits import UsageError

# The mark of UTF-16-LE is also the beginning of that of UTF-32-LE, which therefore comes first.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
# While more may come, a CR at the end may be the first half of a CRLF.
_LINE_END_BEFORE_MORE: Final = re.compile(r"\r\n|\n|\r(?!\Z)")
# No text has these; UTF-16 without a mark, and most files that aren't text, do.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")


class Lines:
    """Takes the bytes of a source, which messages call `name`, and returns its lines."""

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.number: int = 0  # the number of the last line returned, from 1
        self.begun: str = ""  # the line that has not ended yet
        self._head = b""
        self._encoding = ""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._ended: deque[str] = deque()
        self._fault = ""

    @property
    def place(self) -> str:
        """Where the last line was, for messages."""
        return f"{self.name}:{self.number}"

    def feed(self, data: bytes, *, is_last: bool) -> None:
        """Take the next bytes; `is_last` if no more will follow."""
        if self._decoder is None:
            data = self._head + data
            if not is_last and any(mark.startswith(data) and mark != data for mark, _ in _MARKS):
                self._head = data
                return
            mark, self._encoding = next(
                (each for each in _MARKS if data.startswith(each[0])), (b"", "utf-8")
            )
            data = data[len(mark) :]
            self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._split(self._decode(self._decoder, data, is_last=is_last), is_last=is_last)

    def next(self) -> str | None:
        """The next line that has ended, or None if there is none yet.

        Raises:
            UsageError: It can't be decoded, or is not text. The message says where.
        """
        if not self._ended and not self._fault:
            return None
        self.number += 1
        if self._ended:
            return self._ended.popleft()
        raise UsageError(f"{self.place}: {self._fault}")

    def _decode(self, decoder: codecs.IncrementalDecoder, data: bytes, *, is_last: bool) -> str:
        try:
            return decoder.decode(data, is_last)
        except UnicodeDecodeError as error:
            text = error.object[: error.start].decode(self._encoding)
            begun = _LINE_END.split(self.begun + text)[-1]
            # The decoder's endianness is of no interest to anyone.
            encoding = self._encoding.upper()[:6].rstrip("-")
            self._fault = (
                f"byte {len(begun.encode(self._encoding)) + 1} of the line"
                f" ({error.object[error.start]:#04x}) is not {encoding}; save the file as UTF-8"
            )
            return text

    def _split(self, text: str, *, is_last: bool) -> None:
        self.begun += text
        lines = (_LINE_END if is_last else _LINE_END_BEFORE_MORE).split(self.begun)
        # A fault is in the line that has begun.
        self.begun = "" if is_last and not self._fault else lines.pop()
        for line in lines:
            if control := _CONTROL.search(line):
                self._fault = (
                    f"character {control.start() + 1} of the line is {ord(control[0]):#04x}, which"
                    " no text has; save the file as UTF-8"
                )
                return
            # A mark in the middle comes from files that were joined.
            self._ended.append(line.removeprefix("\ufeff"))
