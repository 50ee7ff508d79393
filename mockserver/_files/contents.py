"""What is in a result: a pattern of coloured fields, drawn from its job and its name."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Final

import attrs

from mockserver._files.mp4 import mp4_of
from mockserver._files.png import png_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# Fields in a row, and rows; the pixels of a field's side in an image. A field of a video is a
# macroblock, 16 pixels wide.
_FIELDS: Final = 8
_FIELD_SIDE: Final = 8
_VIDEO_FIELDS: Final = 4
_FRAMES: Final = 6
_FRAMES_A_SECOND: Final = 2
# Neither black nor white, nor what a video keeps for itself.
_DARKEST: Final = 16
_COLOURS: Final = 220


@attrs.frozen
class FileContent:
    """A result.

    Attributes:
        media_type: What it is.
        body: Its bytes.
        etag: A strong validator of them, in its quotes.
    """

    media_type: str
    body: bytes = attrs.field(repr=False)
    etag: str


@functools.lru_cache(maxsize=256)
def content_of(job_id: str, name: str) -> FileContent:
    """The content of a job's result; the same whenever and wherever it is asked for.

    Args:
        job_id: The job.
        name: The result's name: `0.png` to `3.png`, `grid.png` for those four in one, `0.mp4` to
            `3.mp4`.
    """
    if name.endswith(".mp4"):
        frames = [_drawn(f"{job_id}/{name}/{number}", _VIDEO_FIELDS) for number in range(_FRAMES)]
        body, media_type = mp4_of(frames, _FRAMES_A_SECOND), "video/mp4"
    else:
        body, media_type = png_of(_image(job_id, name), _FIELD_SIDE), "image/png"
    return FileContent(media_type, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _image(job_id: str, name: str) -> Sequence[Sequence[bytes]]:
    if name != "grid.png":
        return _drawn(f"{job_id}/{name}", _FIELDS)
    images = [_drawn(f"{job_id}/{number}.png", _FIELDS) for number in range(4)]
    return [
        [*left, *right]
        for upper, lower in ((images[0], images[1]), (images[2], images[3]))
        for left, right in zip(upper, lower, strict=True)
    ]


def _drawn(key: str, side: int) -> list[list[bytes]]:
    """A square of colours, three bytes each, in rows."""
    drawn = hashlib.shake_128(key.encode()).digest(3 * side * side)
    row = bytes(_DARKEST + byte % _COLOURS for byte in drawn)
    colours = [row[place : place + 3] for place in range(0, len(row), 3)]
    return [colours[place : place + side] for place in range(0, len(colours), side)]
