"""The contents of result files."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from mockserver._files import content_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("0.png", "1.png", "2.png", "3.png", "grid.png", "0.mp4", "1.mp4", "2.mp4", "3.mp4")


def pixels_of(png: bytes) -> tuple[int, list[bytes]]:
    """The width of an image, and its lines of pixels; checks all checksums."""
    place, chunks = 8, {}
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind = png[place + 4 : place + 8]
        chunks[kind] = png[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", png, place + 8 + length)
        assert checksum == zlib.crc32(kind + chunks[kind])
        place += 12 + length
    assert place == len(png)
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 2)
    data = zlib.decompress(chunks[b"IDAT"])
    line = 1 + 3 * width
    assert len(data) == height * line
    return width, [data[start + 1 : start + line] for start in range(0, len(data), line)]


def boxes_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The consecutive boxes that make up the data."""
    place = 0
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        assert length >= 8
        yield kind, data[place + 8 : place + length]
        place += length
    assert place == len(data)


def box(data: bytes, *path: bytes) -> bytes:
    """The content of a box within boxes."""
    for kind in path:
        data = dict(boxes_of(data))[kind]
    return data


def test_each_file_is_another_and_always_the_same() -> None:
    """All results have different bytes and validators, and the same ones again."""
    contents = [content_of(job, name) for job in ("a", "b") for name in NAMES]
    assert len({content.body for content in contents}) == len(contents)
    assert len({content.etag for content in contents}) == len(contents)
    content_of.cache_clear()
    assert contents == [content_of(job, name) for job in ("a", "b") for name in NAMES]


def test_images_are_png() -> None:
    """All chunks are complete, and there are as many pixels as the header says."""
    content = content_of("a", "2.png")
    width, lines = pixels_of(content.body)
    assert content.media_type == "image/png"
    assert (width, len(lines)) == (64, 64)
    # Fields of one colour, 8 pixels a side.
    assert lines[0] == lines[7] != lines[8]
    assert lines[0][:3] == lines[0][21:24] != lines[0][24:27]


def test_the_grid_shows_the_four_images() -> None:
    """The first image is at the upper left, the last at the lower right."""
    images = [pixels_of(content_of("a", f"{number}.png").body)[1] for number in range(4)]
    width, lines = pixels_of(content_of("a", "grid.png").body)
    assert width == 128
    upper = [left + right for left, right in zip(images[0], images[1], strict=True)]
    lower = [left + right for left, right in zip(images[2], images[3], strict=True)]
    assert lines == upper + lower


def test_videos_are_mp4() -> None:
    """The boxes fill the file, the samples lie in `mdat`, and the last box names the job."""
    content = content_of("a", "0.mp4")
    body = content.body
    assert content.media_type == "video/mp4"
    kinds = [kind for kind, _ in boxes_of(body)]
    assert kinds == [b"ftyp", b"moov", b"free", b"mdat", b"free"]
    assert box(body, b"free") == b"a/0.mp4"
    tables = box(body, b"moov", b"trak", b"mdia", b"minf", b"stbl")
    count, *sizes = struct.unpack(">7I", box(tables, b"stsz")[8:])
    assert count == 6
    (place,) = struct.unpack(">I", box(tables, b"stco")[8:])
    assert body[place : place + sum(sizes)] == box(body, b"mdat")
    duration, width, height = (
        struct.unpack(">I", box(body, b"moov", b"mvhd")[16:20])[0],
        *struct.unpack(">II", box(body, b"moov", b"trak", b"tkhd")[-8:]),
    )
    assert (duration, width >> 16, height >> 16) == (3000, 64, 64)
