"""What an answer's headers say about limits: tolerant, bounded parsers that never raise.

A parser by RFC 9651 would reject a whole field for one mistake, and services make many: unquoted
names, decimal fractions, lists where a dictionary belongs. So the few forms are parsed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

import msgspec

LONGEST_TEXT = 2000
"""How many characters of a header are read at all."""

LONGEST_DELAY = 86_400.0 * 31
"""Anything longer counts as a month, in seconds. (The pacer's own bound is much lower.)"""

LARGEST_COUNT = 10**9
"""Requests; a greater number limits nothing."""

EPOCH_FROM = 10**8
"""From this number on, an `X-RateLimit-Reset` is a Unix time (1973 and later), in seconds ..."""

MILLISECONDS_FROM = 10**11
"""... or, from this one on, in milliseconds."""

_NUMBER = re.compile(r"\d{1,19}(?:\.\d{0,9})?", re.ASCII)
_PARAMETER = re.compile(r'\s*([a-z*][a-z0-9_.*-]*)\s*=\s*("[^"]*"|:[^:]*:|[^;,\s]*)\s*', re.ASCII)


class Hints(msgspec.Struct, frozen=True):
    """What an answer said about the limit; None for what it didn't say."""

    retry_after: float | None = None  # how long to wait before the next request, in seconds
    quota: int | None = None  # how many requests are allowed in a window
    window: float | None = None  # the length of that window, in seconds
    remaining: int | None = None  # how many requests are left until the reset
    reset_after: float | None = None  # how long until the quota is renewed, in seconds


NO_HINTS = Hints()


def parse_hints(headers: Mapping[str, str], wall_time: float) -> Hints:
    """Read all that an answer's headers say about limits.

    Supported are `Retry-After` (RFC 9110, section 10.2.3); `RateLimit` and `RateLimit-Policy` as in
    draft-ietf-httpapi-ratelimit-headers-08 to -10 (lists of named policies with `q`, `w`, `r`, `t`)
    and -07 (one dictionary with `limit`, `remaining`, `reset`); the three fields `RateLimit-Limit`,
    `-Remaining` and `-Reset` of the drafts up to -06; and their predecessors `X-RateLimit-*`, whose
    reset may be a delay or a Unix time. The newest form present wins. What is malformed, negative or
    absurd counts as not said.

    Args:
        headers: The headers by lower-case name. Fields that came in several lines are joined by commas.
        wall_time: The time by our clock, in seconds since 1970. Dates are compared with the answer's
            own `Date` if it has one, so a wrong clock on either side does no harm.
    """
    if _FIELDS.isdisjoint(headers):
        return NO_HINTS  # nearly all answers
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
_Limit = tuple[int | None, float | None, int | None, float | None]


def _rate_limit(headers: Mapping[str, str], present: float) -> _Limit:
    """Quota, window, remaining and reset, from the newest family of fields that is there."""
    policies = _items(_text(headers, "ratelimit-policy"))
    limit = _text(headers, "ratelimit")
    if limit or (policies and "ratelimit-remaining" not in headers):
        return _current_draft(_items(limit), policies)
    for prefix in ("ratelimit", "x-ratelimit"):
        stated = _text(headers, f"{prefix}-limit")
        remaining = _count(_text(headers, f"{prefix}-remaining").partition(",")[0])
        reset = _reset(_text(headers, f"{prefix}-reset"), present)
        if stated or remaining is not None or reset is not None:
            items = _items(stated)
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


def _current_draft(limits: Sequence[_Item], policies: Sequence[_Item]) -> _Limit:
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
    paced: list[tuple[float, _Limit]] = []
    for name, given in limits:
        if name not in by_name and len(by_name) == 1 and len(limits) == 1:
            quota, window = next(iter(by_name.values()))
        else:
            quota, window = by_name.get(name, (None, None))
        remaining, reset = _count(given.get("r", "")), _delay(given.get("t", ""))
        if remaining is None or (policies and quota is None and name in dict(policies)):
            continue
        pace = remaining / max(1.0, reset if reset is not None else window or 1.0)
        paced.append((pace, (quota, window, remaining, reset)))
    if paced:
        return min(paced, key=lambda each: each[0])[1]
    rates = [(q / w, q, w) for q, w in by_name.values() if q is not None and w]
    if rates:
        _, quota, window = min(rates)
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


@lru_cache(maxsize=8)  # a policy is the same in each answer
def _items(text: str) -> Sequence[_Item]:
    """The items of a structured-field list (RFC 9651) and their parameters, leniently."""
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
    """Split at the separators outside quotes."""
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
    """A number of seconds. Fractions are tolerated, signs and exponents are not."""
    text = text.strip()
    return min(LONGEST_DELAY, float(text)) if _NUMBER.fullmatch(text) else None


def _count(text: str) -> int | None:
    delay = text.strip()
    return min(LARGEST_COUNT, int(float(delay))) if _NUMBER.fullmatch(delay) else None


@lru_cache(maxsize=8)  # all answers of a second have the same date
def parse_http_date(text: str) -> float | None:
    """An HTTP date in any of its three formats (RFC 9110, 5.6.7), in seconds since 1970."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # The format of asctime names no zone; all of these are in UTC.
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _text(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "")[:LONGEST_TEXT].strip()
