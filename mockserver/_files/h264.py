"""Video frames: H.264 (ITU-T H.264), baseline profile, as little of it as every decoder plays.

Each frame stands for itself, and its macroblocks are sent as plain samples (I_PCM): that takes no
transforms, no prediction and no entropy coding worth the name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE: Final = 16
"""The side of a macroblock, pixels."""

PROFILE: Final = bytes((66, 0xC0, 30))
"""Baseline, constrained; level 3: what every player of films plays."""

_SEQUENCE, _PICTURE, _KEY_FRAME = 7, 8, 5  # nal_unit_type
_I_PCM: Final = 25
_ONLY_I: Final = 7  # slice_type: I, as all slices of the picture are
# Three such bytes would look like the beginning of a unit; a 3 is put before the last.
_LOOKS_LIKE_START: Final = re.compile(rb"\0\0(?=[\0-\3])")


class _Bits:
    """Bits in the order in which they are sent."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def fixed(self, value: int, width: int) -> None:
        """u(n): a number in so many bits."""
        self._bits.append(format(value, f"0{width}b"))

    def golomb(self, value: int) -> None:
        """ue(v): a number as an Exp-Golomb code."""
        code = format(value + 1, "b")
        self._bits.append("0" * (len(code) - 1) + code)

    def aligned(self) -> bytes:
        """The bytes, filled up with zeros."""
        bits = "".join(self._bits)
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")

    def ended(self) -> bytes:
        """The bytes, with a one and zeros behind them (rbsp_trailing_bits)."""
        self.fixed(1, 1)
        return self.aligned()


def _unit(kind: int, payload: bytes) -> bytes:
    # All of them are needed by all others: the highest nal_ref_idc.
    return bytes((0x60 | kind,)) + _LOOKS_LIKE_START.sub(b"\0\0\3", payload)


def sequence_of(columns: int, rows: int) -> bytes:
    """The unit that says how large the pictures are, in macroblocks (7.3.2.1)."""
    bits = _Bits()
    for number in (0, 0, 2, 1):  # Its id; frame numbers of 4 bits; shown as decoded; 1 reference.
        bits.golomb(number)
    bits.fixed(0, 1)  # No gaps in frame numbers.
    bits.golomb(columns - 1)
    bits.golomb(rows - 1)
    bits.fixed(0b1000, 4)  # Whole frames; and nothing else that there could be.
    return _unit(_SEQUENCE, PROFILE + bits.ended())


def picture_of() -> bytes:
    """The unit that says how pictures are coded (7.3.2.2)."""
    bits = _Bits()
    bits.golomb(0)  # Its id, and that of the sequence.
    bits.golomb(0)
    bits.fixed(0b00, 2)  # Codes of variable length; no fields.
    for number in (0, 0, 0):  # One group of slices; one reference each way.
        bits.golomb(number)
    bits.fixed(0b000, 3)  # No weights.
    for number in (0, 0, 0):  # The quantisers, all as they are.
        bits.golomb(number)
    bits.fixed(0b100, 3)  # Slices say whether edges are smoothed; nothing else.
    return _unit(_PICTURE, bits.ended())


def frame_of(fields: Sequence[Sequence[bytes]], number: int) -> bytes:
    """The unit of one frame (7.3.3), each macroblock of one colour.

    Args:
        fields: The colours (Y, Cb, Cr) of the macroblocks, in rows.
        number: Which frame it is, from 0.
    """
    bits = _Bits()
    for value in (0, _ONLY_I, 0):  # The first macroblock; the type; how it is coded.
        bits.golomb(value)
    bits.fixed(0, 4)  # The number of frames since the last that stands for itself.
    bits.golomb(number % 2)  # Two in a row must differ.
    bits.fixed(0b00, 2)  # A reference as any other.
    bits.golomb(0)  # The quantiser, as it is.
    bits.golomb(1)  # No edges are smoothed.
    parts = []
    for luma, blue, red in (colour for row in fields for colour in row):
        bits.golomb(_I_PCM)
        samples = (bytes((luma,)) * SIDE**2, bytes((blue,)) * 64, bytes((red,)) * 64)
        parts += [bits.aligned(), *samples]
        bits = _Bits()
    return _unit(_KEY_FRAME, b"".join(parts) + bits.ended())
