"""Which part of a file a request is for: `Range` and `If-Range` by RFC 9110, sections 13 and 14."""

from __future__ import annotations

import re
from typing import Final

import attrs

_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@attrs.frozen
class Part:
    """A part of a file.

    Attributes:
        start: Its first byte.
        stop: The first byte behind it.
    """

    start: int
    stop: int


def part_for(asked: str | None, if_range: str | None, etag: str, size: int) -> Part | None:
    """The part that a request is for; None for the whole.

    A server may always answer with the whole, and does so here where several parts are asked for, or
    something that isn't understood.

    Args:
        asked: The request's `Range`; None if it has none.
        if_range: Its `If-Range`: the part is only wanted if the file is still the same.
        etag: The file's validator.
        size: How long the file is, bytes.

    Raises:
        ValueError: There is no such part.
    """
    match = None if asked is None else _ONE_RANGE.fullmatch(asked.replace(" ", ""))
    if match is None or if_range not in {None, etag}:
        return None
    first, last = match.groups()
    if not first:
        if not last:
            return None
        # The last so many bytes.
        if not int(last):
            raise ValueError("a part of no bytes")
        return Part(max(0, size - int(last)), size)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError(f"it has only {size} bytes")
    return Part(start, min(int(last) + 1, size) if last else size)
