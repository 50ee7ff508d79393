"""Writing PNG images (ISO/IEC 15948): true colour, eight bits, not interlaced.

The data isn't compressed, so the bytes don't depend on the version of zlib.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
"""The first bytes of every PNG."""

_TRUE_COLOUR: Final = 2
# The filter type of a line of plain samples.
_NO_FILTER: Final = b"\0"


def png_of(fields: Sequence[Sequence[bytes]], side: int) -> bytes:
    """Make an image of rows of squares, by their colours and their width in pixels."""
    width, height = len(fields[0]) * side, len(fields) * side
    lines = [_NO_FILTER + b"".join(colour * side for colour in row) for row in fields]
    pixels = b"".join(line * side for line in lines)
    # The last three are the only methods of compression and filtering, and no interlacing.
    header = struct.pack(">IIBBBBB", width, height, 8, _TRUE_COLOUR, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", _stored(pixels)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _stored(data: bytes) -> bytes:
    """At most 65,535 bytes as a zlib stream with one stored block (RFC 1950, RFC 1951)."""
    head = b"\x78\x01" + b"\x01" + struct.pack("<HH", len(data), 0xFFFF - len(data))
    return head + data + struct.pack(">I", zlib.adler32(data))
