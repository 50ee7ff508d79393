"""Header fields that report limits: `Retry-After` and the `RateLimit` fields.

The service documents neither. A client has to obey any form that it meets, and to survive malformed
ones, so the mock can write all of them.
"""

from __future__ import annotations

import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast, get_args

import attrs

from mockserver._api.times import date_header
from mockserver._world.checks import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from mockserver._world.limits import Hint

RetryAfter: TypeAlias = Literal[
    "seconds",
    "date",
    "fraction",
    "zero",
    "negative",
    "past",
    "malformed",
    "absurd",
    "none",
]
"""A form of `Retry-After`."""

Fields: TypeAlias = Literal["draft", "draft-07", "draft-03", "x", "x-epoch"]
"""A family of header fields that report a limit."""

Field: TypeAlias = tuple[bytes, bytes]
"""A header field, as ASGI has it."""

ABSURD_SECONDS: Final = 10**10
"""The seconds of an absurd `Retry-After`: three centuries."""
PAST_SECONDS: Final = 3600
"""How long ago the date of a `Retry-After` from the past is, in seconds."""

# Whole seconds in a `Retry-After`, with more digits than any realistic wait.
_WHOLE: Final = re.compile(rb"[0-9]{1,18}")

# Families that use the same names, so that no answer can have both.
_RIVALS: Final = (("draft", "draft-07"), ("x", "x-epoch"))


def _are_families(_hints: object, _attribute: object, fields: tuple[Fields, ...]) -> None:
    for field in fields:
        if field not in get_args(Fields):
            raise ValueError(f"fields must be of {', '.join(get_args(Fields))}, not {field!r}")
    for one, other in _RIVALS:
        if one in fields and other in fields:
            raise ValueError(f"fields can't have {one!r} and {other!r}: they use the same names")


def _families(given: Iterable[Fields]) -> tuple[Fields, ...]:
    return cast("tuple[Fields, ...]", texts(given))


@attrs.frozen
class Hints:
    """The header fields by which answers report limits.

    Attributes:
        retry_after: The `Retry-After` of a 429: whole `"seconds"`; a `"date"`; a `"fraction"` of
            seconds, which no standard allows; `"zero"`; a `"negative"` number; a date in the
            `"past"`; a `"malformed"` word; an `"absurd"` number of seconds; or `"none"`.
        fields: The families of fields on every answer that a limit counted:

            - `"draft"`: `RateLimit-Policy` and `RateLimit` of
              draft-ietf-httpapi-ratelimit-headers-10, each with all limits of the request;
            - `"draft-07"`: the same fields of its version 07, with the tightest limit;
            - `"draft-03"`: `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` (seconds);
            - `"x"`: the same with the prefix `X-RateLimit-`, as many services have them;
            - `"x-epoch"`: the same with the reset as seconds since 1970.

    Raises:
        ValueError: There is no such form or family, or two families use the same names.
    """

    retry_after: RetryAfter = attrs.field(
        default="seconds", validator=attrs.validators.in_(get_args(RetryAfter))
    )
    fields: tuple[Fields, ...] = attrs.field(
        default=(), converter=_families, validator=_are_families
    )


DEFAULT_HINTS: Final = Hints()
"""`Retry-After` in whole seconds, and no other fields."""


@attrs.frozen
class Scale:
    """Converts the world's time, `now` seconds after `epoch`, into the client's."""

    epoch: datetime
    now: float
    time_scale: float

    def wait(self, world_seconds: float) -> float:
        """A wait in the client's seconds, from the world's."""
        return world_seconds / self.time_scale

    def date(self, seconds: float) -> bytes:
        """The date that is so many of the client's seconds after the answer's `Date`."""
        return date_header(self.epoch, math.ceil(self.now + seconds))


def retry_after(form: RetryAfter, world_seconds: float, scale: Scale) -> bytes | None:
    """The value of `Retry-After` for a wait of the world's seconds; None for no such field."""
    seconds = scale.wait(world_seconds)
    match form:
        case "seconds":
            return b"%d" % math.ceil(seconds)
        case "date":
            return scale.date(seconds)
        case "fraction":
            # Rounded up, so that a client that obeys it is not too early.
            return b"%.3f" % (math.ceil(seconds * 1000) / 1000)
        case "zero":
            return b"0"
        case "negative":
            return b"-%d" % max(1, math.ceil(seconds))
        case "past":
            return scale.date(-PAST_SECONDS)
        case "malformed":
            return b"soon"
        case "absurd":
            return b"%d" % ABSURD_SECONDS
        case _:
            return None


def retry_after_in(headers: Iterable[Field], scale: Scale) -> int | None:
    """The wait that a valid `Retry-After` asks for, in the client's whole seconds, or None."""
    value = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    if _WHOLE.fullmatch(value):
        return int(value)
    try:
        date = parsedate_to_datetime(value.decode("latin-1"))
    except (ValueError, OverflowError):
        return None
    away = (date.replace(tzinfo=UTC) - scale.epoch).total_seconds() - scale.now
    return math.ceil(away) if away >= 0 else None


def limit_fields(
    families: Sequence[Fields], limits: Sequence[tuple[str, Hint]], scale: Scale
) -> list[Field]:
    """The header fields that report limits, each given by its label and state."""
    if not limits:
        return []
    tightest = min((hint for _, hint in limits), key=lambda hint: (hint.remaining, -hint.reset))
    return [field for family in families for field in _of(family, limits, tightest, scale)]


def _of(
    family: Fields, limits: Sequence[tuple[str, Hint]], tightest: Hint, scale: Scale
) -> Iterator[Field]:
    reset = math.ceil(scale.wait(tightest.reset))
    window = _window(tightest, scale)
    match family:
        case "draft":
            policies = (
                f'"{name}";q={hint.quota};w={_window(hint, scale)}' for name, hint in limits
            )
            states = (
                f'"{name}";r={hint.remaining};t={math.ceil(scale.wait(hint.reset))}'
                for name, hint in limits
            )
            yield b"ratelimit-policy", ", ".join(policies).encode()
            yield b"ratelimit", ", ".join(states).encode()
        case "draft-07":
            yield b"ratelimit-policy", b"%d;w=%d" % (tightest.quota, window)
            yield (
                b"ratelimit",
                b"limit=%d, remaining=%d, reset=%d" % (tightest.quota, tightest.remaining, reset),
            )
        case "draft-03":
            yield from _three(b"ratelimit-", tightest, reset)
        case "x":
            yield from _three(b"x-ratelimit-", tightest, reset)
        case _:
            at = scale.epoch.timestamp() + scale.now + scale.wait(tightest.reset)
            yield from _three(b"x-ratelimit-", tightest, math.ceil(at))


def _window(hint: Hint, scale: Scale) -> int:
    """A window in the client's seconds; the fields have whole ones, at least 1."""
    return max(1, round(scale.wait(hint.window)))


def _three(prefix: bytes, hint: Hint, reset: int) -> Iterator[Field]:
    yield prefix + b"limit", b"%d" % hint.quota
    yield prefix + b"remaining", b"%d" % hint.remaining
    yield prefix + b"reset", b"%d" % reset
