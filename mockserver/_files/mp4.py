"""Videos: MP4 by ISO/IEC 14496-12 and -15, one track of H.264, what describes it before the frames."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from mockserver._files.h264 import PROFILE, SIDE, frame_of, picture_of, sequence_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMESCALE: Final = 1000  # Units of time in a second.
_UNTURNED: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_FULL_RATE: Final = 0x10000
_RESOLUTION: Final = 72 << 16  # Pixels to the inch.
_UNDETERMINED: Final = 0x55C4  # The language "und".
_TRACK_IS_ON: Final = 3  # Enabled, and in the presentation.


def mp4_of(frames: Sequence[Sequence[Sequence[bytes]]], frames_a_second: int) -> bytes:
    """A video.

    Args:
        frames: Each one's macroblocks, as colours (Y, Cb, Cr) in rows.
        frames_a_second: How fast they go.
    """
    columns, rows = len(frames[0][0]), len(frames[0])
    samples = []
    for number, fields in enumerate(frames):
        unit = frame_of(fields, number)
        samples.append(struct.pack(">I", len(unit)) + unit)
    step = _TIMESCALE // frames_a_second
    brands = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2avc1mp41")
    # Where the frames begin depends on how long the description is, which doesn't depend on where.
    begin = len(brands) + len(_description(samples, step, columns, rows, 0)) + 8
    description = _description(samples, step, columns, rows, begin)
    return brands + description + _box(b"mdat", b"".join(samples))


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full_box(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *content)


def _description(samples: Sequence[bytes], step: int, columns: int, rows: int, begin: int) -> bytes:
    """The box `moov`: all that a player needs to know of the frames."""
    duration = step * len(samples)
    width, height = columns * SIDE, rows * SIDE
    movie = _full_box(
        b"mvhd",
        # Made and changed in the year 1904, as all that isn't said.
        struct.pack(">4I", 0, 0, _TIMESCALE, duration),
        struct.pack(">IH10x", _FULL_RATE, 0x100),
        _UNTURNED,
        struct.pack(">24xI", 2),  # The number of the next track.
    )
    track = _full_box(
        b"tkhd",
        struct.pack(">5I", 0, 0, 1, 0, duration),
        bytes(16),
        _UNTURNED,
        struct.pack(">II", width << 16, height << 16),
        flags=_TRACK_IS_ON,
    )
    media = _box(
        b"mdia",
        _full_box(b"mdhd", struct.pack(">4IHH", 0, 0, _TIMESCALE, duration, _UNDETERMINED, 0)),
        _full_box(b"hdlr", bytes(4), b"vide", bytes(12), b"VideoHandler\0"),
        _box(
            b"minf",
            _full_box(b"vmhd", bytes(8), flags=1),
            # The frames are in this file.
            _box(b"dinf", _full_box(b"dref", _one(_full_box(b"url ", flags=1)))),
            _samples(samples, step, width, height, begin),
        ),
    )
    return _box(b"moov", movie, _box(b"trak", track, media))


def _one(entry: bytes) -> bytes:
    """A list of one entry."""
    return struct.pack(">I", 1) + entry


def _samples(samples: Sequence[bytes], step: int, width: int, height: int, begin: int) -> bytes:
    """The box `stbl`: how frames are coded, how long they are shown, and where they lie."""
    sequence, picture = sequence_of(width // SIDE, height // SIDE), picture_of()
    coding = _box(
        b"avcC",
        b"\x01" + PROFILE,
        b"\xff\xe1",  # Lengths of 4 bytes; one sequence.
        struct.pack(">H", len(sequence)) + sequence,
        b"\x01" + struct.pack(">H", len(picture)) + picture,
    )
    entry = _box(
        b"avc1",
        struct.pack(">6xH16x", 1),
        struct.pack(">HHIIIH", width, height, _RESOLUTION, _RESOLUTION, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),  # The depth; no table of colours.
        coding,
    )
    sizes = b"".join(struct.pack(">I", len(sample)) for sample in samples)
    return _box(
        b"stbl",
        _full_box(b"stsd", _one(entry)),
        _full_box(b"stts", _one(struct.pack(">II", len(samples), step))),
        # All in one chunk.
        _full_box(b"stsc", _one(struct.pack(">III", 1, len(samples), 1))),
        _full_box(b"stsz", struct.pack(">II", 0, len(samples)), sizes),
        _full_box(b"stco", _one(struct.pack(">I", begin))),
    )
