"""What an answer to a request for a file means, and whether a part of one can be gone on with.

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
    """What is kept beside a part, so that a later attempt can go on with it.

    Attributes:
        url: Where it comes from, without the query.
        validator: The `ETag`, or else the `Last-Modified`, of what it is a part of; empty if the
            server gave none that will do.
        size: How long the whole is, bytes; None if the server doesn't say.
        content_type: What the server calls it.
    """

    url: str
    validator: str
    size: int | None
    content_type: str = ""


class Coming(msgspec.Struct, frozen=True):
    """A body that is about to come.

    Attributes:
        start: Where its first byte belongs in the file: 0, or the length of the part.
        mark: What the file is then a part of.
    """

    start: int
    mark: Mark


class Unusable(msgspec.Struct, frozen=True):
    """An answer that brings nothing of use.

    Attributes:
        problem: What is wrong with it, in words.
        is_final: Whether asking again can't help.
    """

    problem: str
    is_final: bool


def range_headers(mark: Mark | None, have: int) -> Mapping[str, str]:
    """The headers that ask for the rest of a part; none where the whole has to be asked for.

    Args:
        mark: What is known of the part.
        have: How long it is, bytes.
    """
    if mark is None or not mark.validator or not have:
        return {}
    return {"range": f"bytes={have}-", "if-range": mark.validator}


def read_head(
    reply: Reply, url: str, mark: Mark | None, have: int, max_size: int
) -> Coming | Unusable:
    """Say what an answer brings that is the file or a part of it.

    Args:
        reply: The answer, of which only the head is there.
        url: Where it comes from, without the query.
        mark: What is known of the part that there is.
        have: How long that is, bytes; 0 if the whole was asked for.
        max_size: How long the whole may be, bytes.
    """
    headers = reply.headers
    packed = headers.get("content-encoding", "").strip().lower()
    if packed not in {"", "identity"}:
        return Unusable(f"the host packed it ({packed[:40]}), though asked not to", is_final=True)
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
        # It would end where the connection does, and a broken one look like a whole file.
        return Unusable("the host doesn't say how long it is", is_final=True)
    return Coming(0, Mark(url, _validator(headers), size, content_type))


def _rest(
    headers: Mapping[str, str], mark: Mark | None, have: int, max_size: int
) -> Coming | Unusable:
    """What a 206 brings: the rest of the part, from its end to the end of the whole."""
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
    """What If-Range takes: a strong ETag, or else the time of the last change."""
    etag = headers.get("etag", "").strip()
    validator = etag if etag.startswith('"') else ""
    if not etag:
        validator = headers.get("last-modified", "").strip()
    # It goes back into a header.
    is_safe = validator.isascii() and validator.isprintable()
    return validator if is_safe and len(validator) <= _LONGEST_VALIDATOR else ""
