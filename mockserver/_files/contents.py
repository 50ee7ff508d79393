"""What a result file contains: an image of coloured squares, or a short video."""

from __future__ import annotations

import functools
import hashlib
import struct
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import attrs

from mockserver._files.png import png_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_SQUARES: Final = 8  # squares in a row, and rows
_SQUARE_SIDE: Final = 8  # pixels
# Colours stay clear of black and white, so that an image is easy to tell from an empty one.
_DARKEST: Final = 16
_COLOURS: Final = 220


@attrs.frozen
class FileContent:
    """A result file; `etag` is a strong validator of its bytes, with its quotes."""

    media_type: str
    body: bytes = attrs.field(repr=False)
    etag: str


@functools.lru_cache(maxsize=256)
def content_of(job_id: str, name: str) -> FileContent:
    """Return the content of a job's result file: the same on every call and every machine.

    Files are `0.png` to `3.png`, `grid.png` for those four in one, and `0.mp4` to `3.mp4`.
    """
    if name.endswith(".mp4"):
        body, media_type = _video(job_id, name), "video/mp4"
    else:
        body, media_type = png_of(_image(job_id, name), _SQUARE_SIDE), "image/png"
    return FileContent(media_type, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _video(job_id: str, name: str) -> bytes:
    """A clip of three seconds that ends in a `free` box with the names of the job and the file.

    Players ignore the content of such a box (ISO/IEC 14496-12, section 8.1.2).
    """
    label = f"{job_id}/{name}".encode()
    return _clip() + struct.pack(">I4s", 8 + len(label), b"free") + label


@functools.cache
def _clip() -> bytes:
    return files("mockserver._files").joinpath("clip.mp4").read_bytes()


def _image(job_id: str, name: str) -> Sequence[Sequence[bytes]]:
    if name != "grid.png":
        return _drawn(f"{job_id}/{name}")
    images = [_drawn(f"{job_id}/{number}.png") for number in range(4)]
    return [
        [*left, *right]
        for upper, lower in ((images[0], images[1]), (images[2], images[3]))
        for left, right in zip(upper, lower, strict=True)
    ]


def _drawn(key: str) -> list[list[bytes]]:
    """Rows of colours of three bytes each, drawn from a key."""
    drawn = hashlib.shake_128(key.encode()).digest(3 * _SQUARES**2)
    row = bytes(_DARKEST + byte % _COLOURS for byte in drawn)
    colours = [row[place : place + 3] for place in range(0, len(row), 3)]
    return [colours[place : place + _SQUARES] for place in range(0, len(colours), _SQUARES)]
