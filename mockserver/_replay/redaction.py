"""What must not stand in a transcript, and is taken out before it is written.

Headers are kept only where they are known to hold no secret. Of every URL the user and password
and the query are removed, whatever they are: that is where signatures stand. Of JSON objects the
values of members with telling names are emptied. This works on bytes, as a body may be cut off,
malformed or no JSON at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

REMOVED: Final = b"[removed]"
"""What stands where a key was."""

_KEPT_HEADERS: Final = frozenset({"content-type", "date", "location", "retry-after"})
_KEPT_PREFIXES: Final = ("ratelimit", "x-ratelimit-")

# Slashes, the question mark and letters may be escaped, as some writers of JSON do.
_URL: Final = re.compile(
    rb"""(?P<scheme>\bhttps?:(?:\\?/){2})(?P<user>[^\s"'<>/?#\\]*@)?"""
    rb"""(?P<path>(?:[^\s"'<>?\\]|\\(?!u003[fF])[^"\s])*)"""
    rb"""(?P<query>(?:\?|\\u003[fF])(?:[^\s"'<>\\]|\\[^"\s])*)?""",
    re.IGNORECASE,
)
_SECRET: Final = re.compile(
    # Names have bounds, or a long word without an end would be looked through from each place in it.
    rb"""(?P<name>"[^"\s]{0,64}(?:secret|token|password|signature|authori[sz]ation|api[-_]?key)"""
    rb"""[^"\s]{0,64}\""""
    rb"""\s*:\s*)"(?:[^"\\]|\\.)*"?""",
    re.IGNORECASE | re.DOTALL,
)


def redact_body(body: bytes, secrets: Iterable[bytes] = ()) -> bytes:
    """A body without what must not be written.

    Args:
        body: The bytes.
        secrets: Keys to take out wherever they stand.
    """
    for secret in secrets:
        body = body.replace(secret, REMOVED)
    return _SECRET.sub(rb'\g<name>""', _URL.sub(rb"\g<scheme>\g<path>", body))


def redact_url(url: str) -> str:
    """A URL, or the path of one, without user, password and query."""
    bare = url.partition("?")[0]
    return redact_body(bare.encode()).decode()


def redact_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those headers that a replay needs, and that are known to hold no secret.

    Args:
        headers: Names and values, as they came. Values that no server could send again are left
            out.
    """
    kept = []
    for name, value in headers:
        known = name.lower()
        is_needed = known in _KEPT_HEADERS or known.startswith(_KEPT_PREFIXES)
        if is_needed and value.isascii() and value.isprintable():
            kept.append((known, redact_url(value) if known == "location" else value))
    return tuple(kept)
