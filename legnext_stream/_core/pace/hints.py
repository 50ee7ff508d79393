"""What an answer's headers say about limits: tolerant, bounded parsers that never raise."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Hints", "parse_hints"]

LONGEST_TEXT = 2000
"""Characters of a header that are read at all."""

LONGEST_DELAY = 86_400.0 * 31
"""Seconds; anything longer is taken for a month. (The pacer caps much lower.)"""

LARGEST_COUNT = 10**9
"""Requests; a larger number limits nothing."""

EPOCH_FROM = 10**8
"""An `X-RateLimit-Reset` from here on is a Unix time (1973 and later), in seconds ..."""

MILLISECONDS_FROM = 10**11
"""... or, from here on, in milliseconds."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_IMF_OR_850 = re.compile(
    r"(?:[a-z]{3,9},\s*)?(\d{1,2})[ -]([a-z]{3})[ -](\d{2}|\d{4}) (\d{2}):(\d{2}):(\d{2})"
    r"(?: (?:gmt|utc|z|\+0000))?",
    re.ASCII,
)
_ASCTIME = re.compile(r"[a-z]{3} ([a-z]{3})  ?(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}(?:\.\d{0,9})?", re.ASCII)
_PARAMETER = re.compile(r'\s*([a-z*][a-z0-9_.*-]*)\s*=\s*("[^"]*"|:[^:]*:|[^;,\s]*)\s*', re.ASCII)


class Hints(msgspec.Struct, frozen=True):
    """What an answer said about the limit; None for what it didn't say.

    Attributes:
        retry_after: seconds to wait before the next request.
        quota: requests allowed in a window.
        window: seconds of that window.
        remaining: requests left until the reset.
        reset_after: seconds until the quota is there again.
    """

    retry_after: float | None = None
    quota: int | None = None
    window: float | None = None
    remaining: int | None = None
    reset_after: float | None = None


NO_HINTS = Hints()


def parse_hints(headers: Mapping[str, str], wall_time: float) -> Hints:
    """Read all that an answer's headers say about limits.

    Understood: `Retry-After` (RFC 9110, section 10.2.3); `RateLimit` and `RateLimit-Policy` as
    in draft-ietf-httpapi-ratelimit-headers-08 to -10 (lists of named policies with `q`, `w`, `r`,
    `t`) and -07 (one dictionary with `limit`, `remaining`, `reset`); the three fields
    `RateLimit-Limit`, `-Remaining`, `-Reset` of the drafts up to -06; and their forerunners
    `X-RateLimit-*`, whose reset may be a delay or a Unix time. The newest form present wins.
    Whatever is malformed, negative or absurd counts as not said.

    Args:
        headers: by lower-case name. A field that came in several lines is joined by commas.
        wall_time: seconds since 1970 by our clock; dates are compared with the answer's own
            `Date` if it has one, so that a wrong clock on either side does no harm.
    """
    if _FIELDS.isdisjoint(headers):
        return NO_HINTS  # by far the most answers
    dated = parse_http_date(_text(headers, "date"))
    present = wall_time if dated is None else dated
    retry_after = _retry_after(_text(headers, "retry-after"), present)
    quota, window, remaining, reset = _rate_limit(headers, present)
    return Hints(retry_after, quota, window, remaining, reset)


_FIELDS = frozenset(
    {
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    }
)

_Item = tuple[str, "Mapping[str, str]"]
_Told = tuple[int | None, float | None, int | None, float | None]


def _rate_limit(headers: Mapping[str, str], present: float) -> _Told:
    """Quota, window, remaining and reset from whichever family of fields is there."""
    policies = _items(_text(headers, "ratelimit-policy"))
    limit = _text(headers, "ratelimit")
    if limit or (policies and "ratelimit-remaining" not in headers):
        return _current_draft(_items(limit), policies)
    for prefix in ("ratelimit", "x-ratelimit"):
        told = _text(headers, f"{prefix}-limit")
        remaining = _count(_text(headers, f"{prefix}-remaining").partition(",")[0])
        reset = _reset(_text(headers, f"{prefix}-reset"), present)
        if told or remaining is not None or reset is not None:
            items = _items(told)
            quota = _count(items[0][0]) if items else None
            # "100, 100;w=10": the quota first, then the policies it comes from.
            matching = [
                pair
                for name, given in [*items, *policies]
                if (pair := _policy(name, given))[1] is not None and pair[0] in (quota, None)
            ]
            window = matching[0][1] if matching else None
            return quota, window, remaining, reset
    return None, None, None, None


def _current_draft(limits: Sequence[_Item], policies: Sequence[_Item]) -> _Told:
    """Read `RateLimit` and `RateLimit-Policy`; of several limits, the tightest."""
    merged = {key: value for _, given in limits for key, value in given.items()}
    merged |= {name.partition("=")[0].strip(): name.partition("=")[2] for name, _ in limits}
    if "remaining" in merged:  # draft -07: one dictionary
        quota = _count(merged.get("limit", ""))
        windows = [w for q, w in (_policy(*each) for each in policies) if q in (quota, None) and w]
        return (
            quota,
            windows[0] if windows else None,
            _count(merged["remaining"]),
            _delay(merged.get("reset", "")),
        )
    by_name = {name: _policy(name, given) for name, given in policies if _is_requests(given)}
    told: list[tuple[float, _Told]] = []
    for name, given in limits:
        if name not in by_name and len(by_name) == 1 and len(limits) == 1:
            quota, window = next(iter(by_name.values()))
        else:
            quota, window = by_name.get(name, (None, None))
        remaining, reset = _count(given.get("r", "")), _delay(given.get("t", ""))
        if remaining is None or (policies and quota is None and name in dict(policies)):
            continue
        pace = remaining / max(1.0, reset if reset is not None else window or 1.0)
        told.append((pace, (quota, window, remaining, reset)))
    if told:
        return min(told, key=lambda each: each[0])[1]
    paced = [(q / w, q, w) for q, w in by_name.values() if q is not None and w]
    if paced:
        _, quota, window = min(paced)
        return quota, window, None, None
    return None, None, None, None


def _policy(name: str, given: Mapping[str, str]) -> tuple[int | None, float | None]:
    """Quota and window of a policy: `"name";q=100;w=60`, or `100;w=60` in older drafts."""
    quota = _count(given["q"]) if "q" in given else _count(name)
    window = _delay(given.get("w", ""))
    return quota, window or None


def _is_requests(given: Mapping[str, str]) -> bool:
    """Whether a policy counts requests (the default), not bytes or requests at once."""
    return given.get("qu", "requests").strip('"').lower() == "requests"


@lru_cache(maxsize=8)  # a policy is the same text in each answer
def _items(text: str) -> Sequence[_Item]:
    """Split a structured-field list into items and their parameters (RFC 9651), leniently."""
    items: list[_Item] = []
    for member in _split(text, ","):
        name, *rest = _split(member, ";")
        given: dict[str, str] = {}
        for part in rest:
            match = _PARAMETER.fullmatch(part.lower())
            if match is not None:
                given[match[1]] = match[2]
        if name.strip():
            items.append((name.strip().strip('"').lower(), given))
    return items


def _split(text: str, separator: str) -> list[str]:
    """Split at separators that aren't within quotes."""
    if '"' not in text or separator not in text:
        return text.split(separator)
    parts, start, quoted, escaped = [], 0, False, False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return parts


def _retry_after(text: str, present: float) -> float | None:
    delay = _delay(text)
    if delay is not None:
        return delay
    date = parse_http_date(text)
    return None if date is None else min(LONGEST_DELAY, max(0.0, date - present))


def _reset(text: str, present: float) -> float | None:
    """A reset as a delay, a Unix time in seconds or milliseconds, or a date."""
    if not _NUMBER.fullmatch(text):
        return _retry_after(text, present)
    number = float(text)
    if number >= MILLISECONDS_FROM:
        number /= 1000
    if number >= EPOCH_FROM:
        number -= present
        return max(0.0, number) if number <= LONGEST_DELAY else None
    return min(LONGEST_DELAY, number)


def _delay(text: str) -> float | None:
    """Seconds; fractions are tolerated, signs and exponents are not."""
    text = text.strip()
    return min(LONGEST_DELAY, float(text)) if _NUMBER.fullmatch(text) else None


def _count(text: str) -> int | None:
    delay = text.strip()
    return min(LARGEST_COUNT, int(float(delay))) if _NUMBER.fullmatch(delay) else None


@lru_cache(maxsize=8)  # all answers of a second have the same date
def parse_http_date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP-date in any of its three formats (RFC 9110, 5.6.7)."""
    text = text.strip().lower()
    match = _IMF_OR_850.fullmatch(text)
    if match is not None:
        day, month, year, *clock = match.groups()
    else:
        match = _ASCTIME.fullmatch(text)
        if match is None:
            return None
        month, day, *clock, year = match.groups()
    if month not in _MONTHS:
        return None
    number = int(year)
    if len(year) == 2:
        # RFC 850's two digits: 70 to 99 are last century's, as in RFC 6265.
        number += 1900 if number >= 70 else 2000
    hour, minute, second = (int(part) for part in clock)
    try:
        date = datetime(
            number, _MONTHS.index(month) + 1, int(day), hour, minute, min(second, 59), tzinfo=UTC
        )
        seconds = date.timestamp() + (second - min(second, 59))
    except (ValueError, OverflowError):
        return None
    return seconds if second <= 60 and math.isfinite(seconds) else None


def _text(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "")[:LONGEST_TEXT].strip()
