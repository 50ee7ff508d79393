"""What type a file has by its bytes, and whether it is complete."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.results.file_types import HEAD, kind_of
from mockserver._files import content_of

PNG = content_of("a", "0.png").body
MP4 = content_of("a", "0.mp4").body
JPEG = b"\xff\xd8\xff\xe0" + b"J" * 100 + b"\xff\xd9"
GIF = b"GIF89a" + b"G" * 100 + b";"
WEBP = b"RIFF" + struct.pack("<I", 104) + b"WEBP" + b"W" * 100
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01\x42\x82\x84webmB\x87" + b"W" * 100


def is_whole(data: bytes) -> bool:
    """Whether a file with these bytes is complete."""
    kind = kind_of(data[:HEAD])
    assert kind is not None
    return kind.is_whole(len(data), lambda offset, length: data[offset : offset + length])


@pytest.mark.parametrize(
    ("data", "media_type", "suffix"),
    [
        (PNG, "image/png", ".png"),
        (JPEG, "image/jpeg", ".jpg"),
        (GIF, "image/gif", ".gif"),
        (b"GIF87a" + GIF[6:], "image/gif", ".gif"),
        (WEBP, "image/webp", ".webp"),
        (MP4, "video/mp4", ".mp4"),
        (WEBM, "video/webm", ".webm"),
    ],
    ids=["png", "jpeg", "gif89", "gif87", "webp", "mp4", "webm"],
)
def test_kinds(data: bytes, media_type: str, suffix: str) -> None:
    """Each is recognised by its first bytes, and complete as it is."""
    kind = kind_of(data[:HEAD])
    assert kind is not None
    assert (kind.media_type, kind.suffix) == (media_type, suffix)
    assert is_whole(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html>",
        b'{"error": "expired"}',
        b"\x89PNG",
        b"RIFF....AVI ",
        b"\0\0\0\x18ftyp",
        b"\0\0\0\x18ftypavif",
        b"\0\0\0\x18ftypqt  ",
        b"\x1aE\xdf\xa3\x42\x82\x88matroska",
        b"%PDF-1.7",
    ],
)
def test_what_is_no_result(data: bytes) -> None:
    """Pages, errors, short beginnings, and types that no job makes."""
    assert kind_of(data) is None


@given(st.binary(max_size=2 * HEAD))
def test_any_bytes(data: bytes) -> None:
    """Nothing raises, whatever the bytes."""
    kind = kind_of(data[:HEAD])
    if kind is not None:
        kind.is_whole(len(data), lambda offset, length: data[offset : offset + length])


@given(st.sampled_from([PNG, JPEG, GIF, MP4]), st.floats(0, 1))
def test_a_cut_shows(data: bytes, share: float) -> None:
    """A file without its end is incomplete, wherever it is cut."""
    cut = HEAD + int((len(data) - HEAD) * share)
    assert is_whole(data[:cut]) is (cut == len(data))


def test_a_cut_webp_shows() -> None:
    """Its head has its length; a byte more does no harm."""
    assert not is_whole(WEBP[:-1])
    assert is_whole(WEBP + b"\0")


def test_boxes() -> None:
    """The boxes of an MP4 fill it, including long ones and a last one without a length."""
    head = struct.pack(">I", 24) + b"ftypisom" + bytes(12)
    assert is_whole(head)
    assert is_whole(head + struct.pack(">I4sQ", 1, b"mdat", 20) + b"data")
    assert is_whole(head + struct.pack(">I4s", 0, b"mdat") + b"and so on")
    assert not is_whole(head + struct.pack(">I4sQ", 1, b"mdat", 21) + b"data")
    assert not is_whole(head + struct.pack(">I4s", 1, b"mdat"))
    assert not is_whole(head + struct.pack(">I4sQ", 1, b"mdat", 3) + b"data")
    assert not is_whole(head + struct.pack(">I4s", 7, b"mdat"))
    assert not is_whole(head + b"junk")
    assert not is_whole(head + struct.pack(">I4s", 8, b"free") * 20_000)


@pytest.mark.parametrize(
    ("said", "may_be"),
    [
        ("image/png", True),
        ("IMAGE/JPEG; charset=binary", True),
        ("", True),
        ("application/octet-stream", True),
        ("binary/octet-stream", True),
        ("text/html; charset=utf-8", False),
        ("video/mp4", False),
        ("application/json", False),
    ],
)
def test_what_an_image_may_be_called(said: str, may_be: bool) -> None:  # noqa: FBT001 - a table's
    """By any image type, or none; not as a text or a video."""
    kind = kind_of(PNG[:HEAD])
    assert kind is not None
    assert kind.may_be_called(said) is may_be
