"""Bytes to lines: encodings and line ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.lines import Lines

_TEXT = "a red fox\na blue café — “naïve” \N{FOX FACE}\n\nend"


def _lines(*parts: bytes) -> Iterator[str]:
    """The lines of a file that is read in parts."""
    lines = Lines("p.txt")
    for part in parts:
        lines.feed(part, is_last=False)
        yield from iter(lines.next, None)
    lines.feed(b"", is_last=True)
    yield from iter(lines.next, None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
def test_all_encodings_and_line_ends(encoding: str, end: str) -> None:
    """A byte order mark decides, and a line ends with any of the three; also byte by byte."""
    mark = "" if encoding in {"utf-8", "utf-8-sig"} else "\ufeff"
    content = (mark + _TEXT.replace("\n", end)).encode(encoding)
    assert list(_lines(content)) == _TEXT.split("\n")
    assert list(_lines(*(bytes([byte]) for byte in content))) == _TEXT.split("\n")


@given(st.text(st.sampled_from("aé\r\n\N{FOX FACE}")), st.data())
def test_parts_make_no_difference(text: str, data: st.DataObject) -> None:
    """However the bytes are cut, the lines are the same."""
    content = text.encode()
    cut = data.draw(st.integers(0, len(content)))
    assert list(_lines(content[:cut], content[cut:])) == list(_lines(content))


def test_only_the_end_of_a_line_ends_it() -> None:
    """Other characters that Unicode takes for line ends stay in the line."""
    assert list(_lines("a\x0bb\x0cc\x85d\u2028e".encode())) == ["a\x0bb\x0cc\x85d\u2028e"]


def test_joined_files() -> None:
    """A byte order mark in the middle comes from files that were joined."""
    assert list(_lines("\ufeffa\n\ufeffb".encode())) == ["a", "b"]


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize(
    ("content", "good", "message"),
    [
        ("a fox\na blue café\nc".encode("cp1252"), 1, "byte 11 of the line (0xe9) is not UTF-8"),
        ("à\ré".encode() + b"\xff", 1, "byte 3 of the line (0xff) is not UTF-8"),
        ("a\né".encode()[:-1], 1, "byte 1 of the line (0xc3) is not UTF-8"),
        (b"\xff\xfea\0\n\0\x00\xd8a\0", 1, "byte 1 of the line (0x00) is not UTF-16"),
        (b"\xff\xfea\0\n", 0, "byte 3 of the line (0x0a) is not UTF-16"),
        ("a\nb".encode("utf-16-le"), 0, "character 2 of the line is 0x00"),
        ("狐\nb".encode("iso2022_jp"), 0, "character 1 of the line is 0x1b"),
    ],
)
def test_other_bytes_are_named(content: bytes, good: int, message: str, is_whole: bool) -> None:  # noqa: FBT001 - a parameter
    """The lines before the bad one are returned; the error has the line, and the place in it."""
    parts = [content] if is_whole else [bytes([byte]) for byte in content]
    lines = _lines(*parts)
    for _ in range(good):
        next(lines)
    with pytest.raises(UsageError) as caught:
        next(lines)
    assert str(caught.value).startswith(f"p.txt:{good + 1}: {message}")
    assert "save the file as UTF-8" in str(caught.value)
