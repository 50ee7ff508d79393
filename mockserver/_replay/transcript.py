"""Transcripts: real traffic as a file of JSON lines.

The first line says what the file is; each of the others is one exchange, written when it was over:

    {"transcript":1,"began_at":"2026-01-01T00:00:00Z"}
    {"at":0.0,"answered_at":0.2,"ended_at":0.2,"method":"GET","path":"/api/v1/job/…","status_code":200,…}

A file whose last line is torn, because its writer was killed, is read up to there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import msgspec

from mockserver._replay.redaction import redact_headers

if TYPE_CHECKING:
    import os

VERSION: Final = 1
"""The version of the format, which the first line names."""
_LONGEST: Final = 1e9
"""No recording lasts longer, in seconds."""


class TranscriptError(ValueError):
    """A file is no transcript, or one of a version that isn't known; says which line and why."""


@attrs.frozen(kw_only=True)
class Exchange:
    """One request, and what came of it.

    Attributes:
        at: When the request was made, in seconds since the recording's start.
        ended_at: When all of the answer was there, or it was given up.
        answered_at: When the head of the answer was there; None if it never was.
        method: The method, e.g. `"GET"`.
        path: The path, percent-encoded as it was sent, without the query.
        sent: The body of the request, where it was JSON and not too large; else empty.
        status_code: The status of the answer; None if there was none.
        headers: The headers of the answer that are kept: names in lower case, and values.
        body: The answer's body, decoded: as much as was kept of it.
        cut: Whether there was more of the body than was kept.
        error: The name of the exception that ended it, e.g. `"ReadTimeout"`; empty if none did.
    """

    at: float
    ended_at: float
    answered_at: float | None = None
    method: str
    path: str
    sent: bytes = b""
    status_code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cut: bool = False
    error: str = ""

    def header(self, name: str) -> str | None:
        """The value of a header of the answer, or None.

        Args:
            name: Its name, in lower case.
        """
        return dict(self.headers).get(name)


@attrs.frozen(kw_only=True)
class Transcript:
    """What was asked and answered, in the order in which it was asked.

    Attributes:
        began_at: What the calendar said when the recording began.
        exchanges: The exchanges.
    """

    began_at: datetime
    exchanges: tuple[Exchange, ...]


# On the wire, bodies are texts wherever they can be, so that people can read a transcript.


class _Line(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    at: float
    ended_at: float
    method: str
    path: str
    answered_at: float | None = None
    sent: str = ""
    status_code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""
    # Of a body that is no text, in base64.
    raw: bytes = b""
    cut: bool = False
    error: str = ""


class _Head(msgspec.Struct):
    transcript: int
    began_at: datetime


_HEAD: Final = msgspec.json.Decoder(_Head)
_LINE: Final = msgspec.json.Decoder(_Line)


def head_line(began_at: datetime) -> bytes:
    """The first line of a transcript, its end included."""
    return msgspec.json.encode(_Head(VERSION, began_at.astimezone(UTC))) + b"\n"


def exchange_line(exchange: Exchange) -> bytes:
    """An exchange as a line of a transcript, its end included."""
    try:
        text, raw = exchange.body.decode(), b""
    except UnicodeDecodeError:
        text, raw = "", exchange.body
    line = _Line(
        at=exchange.at,
        ended_at=exchange.ended_at,
        answered_at=exchange.answered_at,
        method=exchange.method,
        path=exchange.path,
        sent=exchange.sent.decode(errors="replace"),
        status_code=exchange.status_code,
        headers=exchange.headers,
        text=text,
        raw=raw,
        cut=exchange.cut,
        error=exchange.error,
    )
    return msgspec.json.encode(line) + b"\n"


def _exchange(line: bytes) -> Exchange:
    """Read a line.

    Raises:
        ValueError: It isn't one.
    """
    read = _LINE.decode(line)
    times = [read.at, read.answered_at if read.answered_at is not None else read.at, read.ended_at]
    if not (times == sorted(times) and times[0] >= 0 and times[-1] < _LONGEST):
        raise ValueError(f"the times of an exchange come one after the other, unlike {times}")
    if not read.path.startswith("/"):
        # Another host could stand there, and be sent whatever key the client has.
        raise ValueError(f"path must begin with a slash, unlike {read.path!r}")
    if (read.status_code is None) != (read.answered_at is None):
        raise ValueError("an answer has a status_code and an answered_at")
    if read.status_code is not None and not 200 <= read.status_code <= 999:
        raise ValueError(f"status_code must be from 200 to 999, not {read.status_code}")
    return Exchange(
        at=read.at,
        ended_at=read.ended_at,
        answered_at=read.answered_at,
        method=read.method,
        path=read.path,
        sent=read.sent.encode(),
        status_code=read.status_code,
        # A file may have been edited: it is trusted no more than the wire was.
        headers=redact_headers(read.headers),
        body=read.raw or read.text.encode(),
        cut=read.cut,
        error=read.error,
    )


def read_transcript(path: str | os.PathLike[str]) -> Transcript:
    """Read a transcript.

    Args:
        path: The file.

    Raises:
        TranscriptError: It is none, or a line other than a torn last one can't be read.
        OSError: The file can't be read.
    """
    first, *lines = Path(path).read_bytes().split(b"\n")
    try:
        head = _HEAD.decode(first)
    except ValueError as error:
        raise TranscriptError(f"{path}: no transcript: {error}") from error
    if head.transcript != VERSION:
        raise TranscriptError(
            f"{path}: a transcript of version {head.transcript}; this reads version {VERSION}"
        )
    if head.began_at.tzinfo is None:
        raise TranscriptError(f"{path}: began_at must have a time zone")
    # What follows the last line's end is nothing, or a line that was never finished.
    lines = lines[:-1]
    exchanges = []
    for number, line in enumerate(lines, 2):
        try:
            exchanges.append(_exchange(line))
        except ValueError as error:
            raise TranscriptError(f"{path}: line {number}: {error}") from error
    # Written as they ended, they are read as they began.
    exchanges.sort(key=lambda exchange: (exchange.at, exchange.ended_at))
    return Transcript(began_at=head.began_at, exchanges=tuple(exchanges))
