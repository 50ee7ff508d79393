"""The part of a file that a request asks for, by `Range` and `If-Range` (RFC 9110, 13.1.5 and 14)."""

from __future__ import annotations

import re
from typing import Final

_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def part_for(asked: str | None, if_range: str | None, etag: str, size: int) -> range | None:
    """The bytes that a request asks for, by their places; None for the whole file.

    A server may always answer with the whole file. This one does so if a request asks for several
    parts, or has an invalid `Range`.

    Raises:
        ValueError: The file has no such part.
    """
    match = None if asked is None else _ONE_RANGE.fullmatch(asked.replace(" ", ""))
    if match is None or if_range not in {None, etag}:
        return None
    first, last = match.groups()
    if not first:
        if not last:
            return None
        # A suffix of this length.
        if not int(last):
            raise ValueError("a part must have bytes")
        return range(max(0, size - int(last)), size)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError(f"it has only {size} bytes")
    return range(start, min(int(last) + 1, size) if last else size)
