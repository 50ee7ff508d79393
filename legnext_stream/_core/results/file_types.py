"""What type a file has by its bytes, and whether it is complete.

Names and headers can be wrong; the first bytes of a file show its type. The last ones show whether it
is complete: a wrong `Content-Length` would cut a file short unnoticed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import attrs

Read = Callable[[int, int], bytes]
"""Reads a file from an offset: this many bytes, or as many as there are."""

HEAD = 64
"""How many of a file's first bytes show its type."""

# How far back the end of a JPEG is searched for, in bytes: some cameras write a little after it.
_JPEG_TAIL = 4096
# No MP4 file but the recording of a live stream has more boxes than this on the outermost level.
_MOST_BOXES = 10_000
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
# Brands of ISO base media files that are not MP4 videos: pictures, sound, QuickTime.
_NOT_MP4 = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"crx ", b"M4A ", b"qt  "}
)
# What file stores send if they don't know the type.
_UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream"})


def _is_whole_png(size: int, read: Read) -> bool:
    return read(max(0, size - len(_PNG_END)), len(_PNG_END)) == _PNG_END


def _is_whole_jpeg(size: int, read: Read) -> bool:
    return b"\xff\xd9" in read(max(2, size - _JPEG_TAIL), _JPEG_TAIL)


def _is_whole_gif(size: int, read: Read) -> bool:
    return read(size - 1, 1) == b";"


def _is_whole_webp(size: int, read: Read) -> bool:
    (length,) = struct.unpack("<I", read(4, 4))
    return bool(length + 8 <= size)


def _is_whole_mp4(size: int, read: Read) -> bool:
    """Whether the boxes of the outermost level fill the file."""
    place = 0
    for _ in range(_MOST_BOXES):
        head = read(place, 16)
        if len(head) < 8:
            break
        (length,) = struct.unpack(">I", head[:4])
        if length == 0:  # This box extends to the end of the file.
            return True
        shortest = 8
        if length == 1 and len(head) == 16:
            (length,) = struct.unpack(">Q", head[8:])
            shortest = 16
        if length < shortest:
            return False
        place += length
        if place >= size:
            break
    return place == size


@attrs.frozen
class Kind:
    """A type of file."""

    media_type: str
    suffix: str  # its suffix in file names, with the dot
    # Whether a file of this type and size (in bytes) is complete.
    is_whole: Callable[[int, Read], bool] = attrs.field(repr=False)

    def may_be_called(self, content_type: str) -> bool:
        """Whether a server may send a file of this type with this `Content-Type`.

        File stores often call a JPEG a PNG. But what they call a text is no result, whatever its
        first bytes are.
        """
        return _family(content_type) in {"", self.media_type.partition("/")[0]}


_PNG = Kind("image/png", ".png", _is_whole_png)
_JPEG = Kind("image/jpeg", ".jpg", _is_whole_jpeg)
_WEBP = Kind("image/webp", ".webp", _is_whole_webp)
_GIF = Kind("image/gif", ".gif", _is_whole_gif)
_MP4 = Kind("video/mp4", ".mp4", _is_whole_mp4)
# Nothing in a WebM file says where it ends.
_WEBM = Kind("video/webm", ".webm", lambda _size, _read: True)

KINDS = (_PNG, _JPEG, _WEBP, _GIF, _MP4, _WEBM)
"""All types that a result may have."""


def may_be_file(content_type: str) -> bool:
    """Whether what a server sends with this `Content-Type` may be a result at all."""
    return _family(content_type) in {"", "image", "video"}


def _family(content_type: str) -> str:
    """The first part of a `Content-Type`; empty if the server doesn't know the type."""
    said = content_type.partition(";")[0].strip().lower()
    return "" if said in _UNTOLD else said.partition("/")[0]


def kind_of(head: bytes) -> Kind | None:
    """The type of a file by its first `HEAD` bytes, or all if it has fewer; None for any other."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if head.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _WEBP
    if head[4:8] == b"ftyp" and len(head) >= 12 and head[8:12] not in _NOT_MP4:
        return _MP4
    # Matroska files begin like WebM files; the document type follows.
    if head.startswith(b"\x1aE\xdf\xa3") and b"\x42\x82\x84webm" in head:
        return _WEBM
    return None
