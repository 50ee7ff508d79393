"""Transcripts as files."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._replay import Exchange, TranscriptError, read_transcript
from mockserver._replay.transcript import exchange_line, head_line

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEAD = head_line(BEGAN)
LINE = {"at": 1.0, "ended_at": 3.0, "method": "GET", "path": "/a"}
ANSWERED = {**LINE, "answered_at": 2.0, "status_code": 200}


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Any exchange that a recorder could write."""
    at, answered_at, ended_at = sorted(draw(st.tuples(*[st.floats(0, 1e6)] * 3)))
    is_answered = draw(st.booleans())
    return Exchange(
        at=at,
        ended_at=ended_at,
        answered_at=answered_at if is_answered else None,
        method=draw(st.sampled_from(["GET", "POST"])),
        path="/" + draw(st.text("abc/%20", max_size=9)),
        sent=draw(st.text(max_size=9)).encode(),
        status_code=draw(st.integers(200, 599)) if is_answered else None,
        headers=(("retry-after", str(draw(st.integers(0, 99)))),) if is_answered else (),
        body=draw(st.binary(max_size=30) | st.text(max_size=9).map(str.encode)),
        cut=draw(st.booleans()),
        error=draw(st.sampled_from(["", "ReadTimeout"])),
    )


def written(*lines: bytes) -> Path:
    """A file with these bytes."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"".join(lines))
    return Path(file.name)


@given(st.lists(exchanges(), max_size=8), st.integers(0, 200))
def test_what_is_written_is_read(given: list[Exchange], torn: int) -> None:
    """A transcript is read as written, in the order of requests, without a torn last line."""
    lines = [exchange_line(exchange) for exchange in given]
    tail = exchange_line(Exchange(at=0, ended_at=0, method="GET", path="/"))
    path = written(HEAD, *lines, tail[: min(torn, len(tail) - 1)])
    transcript = read_transcript(path)
    path.unlink()
    assert transcript.began_at == BEGAN
    assert transcript.exchanges == tuple(sorted(given, key=lambda e: (e.at, e.ended_at)))


def test_bodies_are_texts_for_people(tmp_path: Path) -> None:
    """A body that is text is in the file as text, any other in base64."""
    line = exchange_line(Exchange(at=0, ended_at=0, method="GET", path="/", body="ü".encode()))
    assert json.loads(line)["text"] == "ü"
    line = exchange_line(Exchange(at=0, ended_at=0, method="GET", path="/", body=b"\xff"))
    assert json.loads(line)["raw"] == "/w=="
    assert str(tmp_path) not in line.decode()


def test_times_are_written_in_utc() -> None:
    """The start is written in UTC."""
    there = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert head_line(there) == HEAD == b'{"transcript":1,"began_at":"2026-01-02T03:04:05Z"}\n'


def test_headers_by_name() -> None:
    """Header fields are looked up by name."""
    exchange = Exchange(at=0, ended_at=0, method="GET", path="/", headers=(("date", "x"),))
    assert (exchange.header("date"), exchange.header("location")) == ("x", None)


def test_edited_headers_are_not_trusted() -> None:
    """Fields that must not be kept, or cannot be sent, are ignored."""
    line = {**ANSWERED, "headers": [["retry-after", "1\r\nx: 2"], ["set-cookie", "a=1"]]}
    transcript = read_transcript(written(HEAD, json.dumps(line).encode(), b"\n"))
    assert transcript.exchanges[0].headers == ()


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        (b"", "not a transcript: Input data was truncated"),
        (b"not JSON\n", "not a transcript: JSON is malformed"),
        (b'{"event": 1}\n', "not a transcript: Object missing required field `transcript`"),
        (
            b'{"transcript":2,"began_at":"2026-01-02T03:04:05Z"}\n',
            "version 2; only version 1 can be read",
        ),
        (b'{"transcript":1,"began_at":"2026-01-02T03:04:05"}\n', "must have a time zone"),
    ],
)
def test_what_is_no_transcript(first: bytes, problem: str) -> None:
    """Another file, or another version, is refused with the reason."""
    with pytest.raises(TranscriptError, match=problem):
        read_transcript(written(first))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "Input data was truncated"),
        (b"\xff", "JSON is malformed"),
        (json.dumps({**LINE, "at": 4.0}).encode(), "must be in this order"),
        (json.dumps({**LINE, "at": -1.0}).encode(), "must be in this order"),
        (json.dumps({**LINE, "ended_at": 1e300}).encode(), "must be in this order"),
        (json.dumps({**LINE, "answered_at": 0.5}).encode(), "must be in this order"),
        (json.dumps({**LINE, "answered_at": 2.0}).encode(), "a status_code and an answered_at"),
        (json.dumps({**LINE, "status_code": 200}).encode(), "a status_code and an answered_at"),
        (json.dumps({**ANSWERED, "status_code": 100}).encode(), "must be from 200 to 999"),
        (json.dumps({**LINE, "path": "http://elsewhere/"}).encode(), "must begin with a slash"),
        (json.dumps({**LINE, "key": "a"}).encode(), "contains unknown field `key`"),
    ],
)
def test_a_line_that_is_wrong(line: bytes, problem: str) -> None:
    """A wrong line is an error with its number."""
    good = json.dumps(ANSWERED).encode() + b"\n"
    with pytest.raises(TranscriptError, match=f"line 3: .*{problem}"):
        read_transcript(written(HEAD, good, line, b"\n", good))
