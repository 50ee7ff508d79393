"""Reading `Range` header fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._files import part_for

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=4-", range(4, 10)),
        ("bytes = 4 - 20", range(4, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-30", range(10)),
    ],
)
def test_parts(asked: str, part: range) -> None:
    """A part by its ends, from a start, or by its length at the end."""
    assert part_for(asked, None, ETAG, 10) == part
    assert part_for(asked, ETAG, ETAG, 10) == part


@pytest.mark.parametrize("asked", [None, "", "bytes=-", "bytes=1-2,4-5", "lines=1-2", "bytes=5-2"])
def test_the_whole(asked: str | None) -> None:
    """Without a range that is understood, it is the whole file."""
    assert part_for(asked, None, ETAG, 10) is None


def test_another_file() -> None:
    """If the file has changed, the whole is sent rather than a part."""
    assert part_for("bytes=4-", '"old"', ETAG, 10) is None


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_what_there_is_not(asked: str) -> None:
    """A part after the end of the file is an error."""
    with pytest.raises(ValueError, match=r"bytes"):
        part_for(asked, None, ETAG, 10)


@given(st.integers(1, 50), st.integers(0, 60))
def test_two_parts_make_the_whole(size: int, cut: int) -> None:
    """The parts before and from any place make up the file."""
    body = bytes(range(size))
    if 0 < cut < size:
        first = part_for(f"bytes=0-{cut - 1}", None, ETAG, size)
        rest = part_for(f"bytes={cut}-", None, ETAG, size)
        assert first is not None
        assert rest is not None
        assert body[first.start : first.stop] + body[rest.start : rest.stop] == body
