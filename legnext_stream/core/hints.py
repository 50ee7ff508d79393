"""What an answer's headers say about limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import attrs


@attrs.frozen
class Hints:
    """What the API said about its limits, in this answer.

    Attributes:
        retry_after: Send nothing for so many seconds, or None.
    """

    retry_after: float | None = None


def read_hints(headers: Mapping[str, str]) -> Hints:
    """Read the headers (names in lower case). Never raises; what makes no sense is as if unsaid."""
    return Hints(retry_after=_retry_after(headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "").strip()
    if not text or len(text) > 64:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until = parse_http_date(text)
        asked = parse_http_date(headers.get("date", ""))
        if until is None or asked is None:
            return None
        seconds = until - asked
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def parse_http_date(text: str) -> float | None:
    """The time an HTTP date stands for, in seconds since 1970; None if it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
