"""Resuming a download: which part to request, and whether an answer is usable.

By RFC 9110, sections 13.1.5 (If-Range), 14 (Range, Content-Range) and 8.8 (validators).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from legnext_stream._core.answers import DownloadMeaning, Reply, meaning_of
from legnext_stream._core.results.file_types import may_be_file

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_LONGEST_VALIDATOR = 1024


class Mark(msgspec.Struct, frozen=True):
    """What is stored with a partial file, so that a later attempt can resume it."""

    url: str  # where it comes from, without the query
    # The `ETag` of the file, or else its `Last-Modified`; empty if the server gave none that can be
    # used.
    validator: str
    size: int | None  # the size of the complete file, in bytes; None if the server didn't say
    content_type: str = ""


class Coming(msgspec.Struct, frozen=True):
    """A usable answer, the body of which is about to come."""

    start: int  # where its first byte belongs in the file: 0, or the size of the partial file
    mark: Mark  # what to store with the partial file


class Unusable(msgspec.Struct, frozen=True):
    """An answer that can't be used."""

    problem: str  # what is wrong with it, in words
    is_final: bool  # whether repeating the request can't help


def range_headers(mark: Mark | None, have: int) -> Mapping[str, str]:
    """The headers to request the rest of a file, from byte `have` on; none to request all of it."""
    if mark is None or not mark.validator or not have:
        return {}
    return {"range": f"bytes={have}-", "if-range": mark.validator}


def read_head(
    reply: Reply, url: str, mark: Mark | None, have: int, max_size: int
) -> Coming | Unusable:
    """Read the head of an answer, still without its body, that brings a file or a part of it.

    `url` has no query. `mark` was stored with the partial file, of `have` bytes; 0 if the complete
    file was requested. No more than `max_size` bytes are accepted.
    """
    headers = reply.headers
    packed = headers.get("content-encoding", "").strip().lower()
    if packed not in {"", "identity"}:
        return Unusable(
            f"the host compressed it ({packed[:40]}), though asked not to", is_final=True
        )
    content_type = headers.get("content-type", "")[:200]
    if not may_be_file(content_type):
        return Unusable(f"the host calls it {content_type[:80]!r}", is_final=True)
    if meaning_of(reply).download is DownloadMeaning.PART:
        return _rest(headers, mark, have, max_size)
    size = None
    length = headers.get("content-length")
    if length is not None:
        if not _LENGTH.fullmatch(length):
            return Unusable(f"no length: {length[:40]!r}", is_final=True)
        size = int(length)
        if size > max_size:
            return Unusable(f"it has {size:,} bytes, more than {max_size:,}", is_final=True)
        if size == 0:
            return Unusable("it is empty", is_final=False)
    elif "chunked" not in headers.get("transfer-encoding", "").lower():
        # It would end with the connection, and a broken connection would look like a complete file.
        return Unusable("the host doesn't say how long it is", is_final=True)
    return Coming(0, Mark(url, _validator(headers), size, content_type))


def _rest(
    headers: Mapping[str, str], mark: Mark | None, have: int, max_size: int
) -> Coming | Unusable:
    """Read the head of a 206, which must bring exactly the rest of the file."""
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if mark is None or not have or match is None:
        return Unusable("the host sent a part that wasn't asked for", is_final=False)
    first, last, size = (int(number) for number in match.groups())
    fits = (
        first == have
        and last == size - 1
        and mark.size in {None, size}
        and _validator(headers) in {"", mark.validator}
    )
    if not fits:
        return Unusable("the host sent another part than was asked for", is_final=False)
    if size > max_size:
        return Unusable(f"it has {size:,} bytes, more than {max_size:,}", is_final=True)
    return Coming(have, msgspec.structs.replace(mark, size=size))


def _validator(headers: Mapping[str, str]) -> str:
    """What If-Range accepts: a strong ETag, or else the time of the last change."""
    etag = headers.get("etag", "").strip()
    validator = etag if etag.startswith('"') else ""
    if not etag:
        validator = headers.get("last-modified", "").strip()
    # It is sent back in a header.
    is_safe = validator.isascii() and validator.isprintable()
    return validator if is_safe and len(validator) <= _LONGEST_VALIDATOR else ""
