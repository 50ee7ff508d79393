"""Removing secrets from what is written to a transcript.

Only header fields that can't hold a secret are kept. URLs lose their user, password and query, which
is where signatures are. Members of JSON objects whose names suggest a secret get an empty value.
All of this works on bytes, as a body may be cut off, malformed or not JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

REMOVED: Final = b"[removed]"
"""The text in place of a key."""

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
    # Names are bounded, as the search for a long word without an end would take quadratic time.
    rb"""(?P<name>"[^"\s]{0,64}(?:secret|token|password|signature|authori[sz]ation|api[-_]?key)"""
    rb"""[^"\s]{0,64}\""""
    rb"""\s*:\s*)"(?:[^"\\]|\\.)*"?""",
    re.IGNORECASE | re.DOTALL,
)


def redact_body(body: bytes, secrets: Iterable[bytes] = ()) -> bytes:
    """Remove the secrets from a body: those that names suggest, and `secrets` wherever they occur."""
    for secret in secrets:
        body = body.replace(secret, REMOVED)
    return _SECRET.sub(rb'\g<name>""', _URL.sub(rb"\g<scheme>\g<path>", body))


def redact_url(url: str) -> str:
    """Remove user, password and query from a URL or a path."""
    bare = url.partition("?")[0]
    return redact_body(bare.encode()).decode()


def redact_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The header fields that a replay needs, and that can't hold a secret.

    Values that can't be sent again are left out.
    """
    kept = []
    for name, value in headers:
        known = name.lower()
        is_needed = known in _KEPT_HEADERS or known.startswith(_KEPT_PREFIXES)
        if is_needed and value.isascii() and value.isprintable():
            kept.append((known, redact_url(value) if known == "location" else value))
    return tuple(kept)
