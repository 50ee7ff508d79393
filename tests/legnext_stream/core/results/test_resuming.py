"""What an answer brings, and how a download is resumed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.answers import Reply
from legnext_stream._core.results.resuming import Coming, Mark, Unusable, range_headers, read_head

URL = "https://a.example/b.png"
MARK = Mark(URL, '"e"', 100, "image/png")
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def head(code: int, **headers: str) -> Reply:
    """The head of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(code, named, b"", 0.0, 0.0)


def read(reply: Reply, mark: Mark | None = None, have: int = 0) -> Coming | Unusable:
    """What it brings, with a maximum of 1,000 bytes."""
    return read_head(reply, URL, mark, have, 1000)


def test_what_is_requested() -> None:
    """The rest, if the file can be identified; otherwise the complete file."""
    assert range_headers(MARK, 40) == {"range": "bytes=40-", "if-range": '"e"'}
    assert range_headers(MARK, 0) == {}
    assert range_headers(None, 40) == {}
    assert range_headers(Mark(URL, "", 100), 40) == {}


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"etag": '"e"', "last_modified": DATE}, '"e"'),
        ({"last_modified": DATE}, DATE),
        ({"etag": 'W/"e"', "last_modified": DATE}, ""),
        ({"etag": '"é"'}, ""),
        ({"etag": f'"{"e" * 2000}"'}, ""),
        ({}, ""),
    ],
)
def test_a_complete_file(headers: dict[str, str], validator: str) -> None:
    """What identifies it is kept: a validator that If-Range accepts."""
    reply = head(200, content_length="100", content_type="image/png", **headers)
    assert read(reply) == Coming(0, Mark(URL, validator, 100, "image/png"))


def test_a_file_of_unknown_length() -> None:
    """With chunks, its end shows."""
    assert read(head(200, transfer_encoding="chunked")) == Coming(0, Mark(URL, "", None))


@pytest.mark.parametrize(
    ("reply", "why", "is_final"),
    [
        (head(200), "doesn't say how long", True),
        (head(200, content_length="1001"), "1,001 bytes", True),
        (head(200, content_length="-5"), "no length", True),
        (head(200, content_length="9" * 40), "no length", True),
        (head(200, content_length="0"), "empty", False),
        (head(200, content_length="5", content_encoding="gzip"), "compressed", True),
        (head(200, content_length="5", content_type="text/html"), "text/html", True),
        (head(206, content_range="bytes 0-9/10"), "wasn't asked for", False),
    ],
)
def test_unusable_answers(reply: Reply, why: str, is_final: bool) -> None:  # noqa: FBT001 - a table's
    """Each says why, and whether another attempt can help."""
    said = read(reply)
    assert isinstance(said, Unusable)
    assert why in said.problem
    assert said.is_final is is_final


def test_the_rest() -> None:
    """From the end of the partial file to the end of the file."""
    reply = head(206, content_range="bytes 40-99/100", etag='"e"')
    assert read(reply, MARK, 40) == Coming(40, MARK)
    untold = Mark(URL, '"e"', None)
    assert read(head(206, content_range="bytes 40-99/100"), untold, 40) == Coming(
        40, Mark(URL, '"e"', 100)
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_range": "bytes 41-99/100"},
        {"content_range": "bytes 0-99/100"},
        {"content_range": "bytes 40-98/100"},
        {"content_range": "bytes 40-199/200"},
        {"content_range": "bytes 40-99/*"},
        {"content_range": "bytes */100"},
        {"content_range": "bytes 40-99/100", "etag": '"f"'},
    ],
)
def test_another_part_than_was_requested(headers: dict[str, str]) -> None:
    """It would mix two files, so the download starts again."""
    said = read(head(206, **headers), MARK, 40)
    assert isinstance(said, Unusable)
    assert not said.is_final


def test_a_rest_that_is_too_long() -> None:
    """The maximum is that of the complete file."""
    said = read(head(206, content_range="bytes 40-1999/2000"), Mark(URL, '"e"', 2000), 40)
    assert isinstance(said, Unusable)
    assert said.is_final


@given(
    st.sampled_from([200, 206]),
    st.dictionaries(
        st.sampled_from(["content-length", "content-range", "etag", "content-type"]),
        st.text() | st.from_regex(r"bytes \d+-\d+/\d+", fullmatch=True),
    ),
    st.integers(0, 99),
)
def test_any_headers(code: int, headers: dict[str, str], have: int) -> None:
    """Nothing raises, and a resumed download continues where the partial file ends."""
    said = read_head(Reply(code, headers, b"", 0.0, 0.0), URL, MARK, have, 1000)
    if isinstance(said, Coming):
        assert said.start in {0, have}
        assert said.mark.size is None or said.mark.size <= 1000
