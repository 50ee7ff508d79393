"""Transcripts: real traffic as a file of JSON lines.

The first line says what the file is; each of the others is one exchange, written when it was over:

    {"transcript":1,"began_at":"2026-01-01T00:00:00Z"}
    {"at":0.0,"answered_at":0.2,"ended_at":0.2,"method":"GET","path":"/api/v1/job/…","status_code":200,…}

A torn last line, from a writer that was killed, is ignored.
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
"""The longest recording, in seconds."""


class TranscriptError(ValueError):
    """A file isn't a transcript that this version can read; the message has the line and reason."""


@attrs.frozen(kw_only=True)
class Exchange:
    """One request and its answer. Times are in seconds since the recording's start.

    Attributes:
        at: When the request was made.
        ended_at: When the answer was complete, or the request failed.
        answered_at: When the head of the answer arrived; None if it never did.
        method: The method, e.g. `"GET"`.
        path: The path, percent-encoded as it was sent, without the query.
        sent: The body of the request if it was JSON and not too long; otherwise empty.
        status_code: The status of the answer; None if there was none.
        headers: The header fields of the answer that are kept: names in lower case, and values.
        body: The kept part of the answer's body, decoded.
        cut: Whether the body was longer than that.
        error: The name of the exception that ended it, e.g. `"ReadTimeout"`; empty for none.
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
        """The value of a header field of the answer, by its name in lower case; None for none."""
        return dict(self.headers).get(name)


@attrs.frozen(kw_only=True)
class Transcript:
    """Requests and their answers, in the order of the requests.

    Attributes:
        began_at: The calendar time at the recording's start.
        exchanges: The exchanges.
    """

    began_at: datetime
    exchanges: tuple[Exchange, ...]


# In the file, bodies are texts where possible, so that people can read it.


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
    # A body that isn't text, in base64.
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
    fields = attrs.asdict(exchange)
    body = fields.pop("body")
    fields["sent"] = exchange.sent.decode(errors="replace")
    try:
        line = _Line(text=body.decode(), **fields)
    except UnicodeDecodeError:
        line = _Line(raw=body, **fields)
    return msgspec.json.encode(line) + b"\n"


def _exchange(line: bytes) -> Exchange:
    """Read a line.

    Raises:
        ValueError: It isn't an exchange.
    """
    read = _LINE.decode(line)
    times = [read.at, read.answered_at if read.answered_at is not None else read.at, read.ended_at]
    if not (times == sorted(times) and times[0] >= 0 and times[-1] < _LONGEST):
        raise ValueError(f"at, answered_at and ended_at must be in this order, unlike {times}")
    if not read.path.startswith("/"):
        # It could name another host, which would then get the client's key.
        raise ValueError(f"path must begin with a slash, unlike {read.path!r}")
    if (read.status_code is None) != (read.answered_at is None):
        raise ValueError("an answer has a status_code and an answered_at")
    if read.status_code is not None and not 200 <= read.status_code <= 999:
        raise ValueError(f"status_code must be from 200 to 999, not {read.status_code}")
    fields = msgspec.structs.asdict(read)
    text, raw = fields.pop("text"), fields.pop("raw")
    # A file may have been edited, and is trusted as little as the network.
    fields["headers"] = redact_headers(read.headers)
    fields["sent"] = read.sent.encode()
    return Exchange(**fields, body=raw or text.encode())


def read_transcript(path: str | os.PathLike[str]) -> Transcript:
    """Read a transcript.

    Args:
        path: The file.

    Raises:
        TranscriptError: It isn't a transcript, or a line other than the last can't be read.
        OSError: The file can't be read.
    """
    first, *lines = Path(path).read_bytes().split(b"\n")
    try:
        head = _HEAD.decode(first)
    except ValueError as error:
        raise TranscriptError(f"{path}: not a transcript: {error}") from error
    if head.transcript != VERSION:
        raise TranscriptError(
            f"{path}: a transcript of version {head.transcript}; only version {VERSION} can be read"
        )
    if head.began_at.tzinfo is None:
        raise TranscriptError(f"{path}: began_at must have a time zone")
    # What follows the last line end is empty, or a torn line.
    lines = lines[:-1]
    exchanges = []
    for number, line in enumerate(lines, 2):
        try:
            exchanges.append(_exchange(line))
        except ValueError as error:
            raise TranscriptError(f"{path}: line {number}: {error}") from error
    # They were written in the order of their ends.
    exchanges.sort(key=lambda exchange: (exchange.at, exchange.ended_at))
    return Transcript(began_at=head.began_at, exchanges=tuple(exchanges))
