"""What a client is told of the limits: `Retry-After` and the `RateLimit` fields.

The service documents neither, so a client has to honour whatever form it meets, and to survive
what makes no sense: each is a switch.
"""

from __future__ import annotations

import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import attrs

from mockserver._api.wire import date_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from mockserver._world import Hint

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
"""How `Retry-After` is written."""

Fields: TypeAlias = Literal["draft", "draft-07", "draft-03", "x", "x-epoch"]
"""A family of fields about a limit."""

Field: TypeAlias = tuple[bytes, bytes]
"""A header field, as ASGI has it."""

ABSURD_SECONDS: Final = 10**10
"""What an absurd `Retry-After` asks for: three centuries."""
PAST_SECONDS: Final = 3600
"""How long ago the date of a `Retry-After` from the past is, in seconds."""

# Seconds as they may stand in a `Retry-After`; longer than any that could be meant.
_WHOLE: Final = re.compile(rb"[0-9]{1,18}")

# Families that use the same names: no answer can have both.
_RIVALS: Final = (("draft", "draft-07"), ("x", "x-epoch"))


def _are_families(_hints: object, _attribute: object, fields: tuple[Fields, ...]) -> None:
    for field in fields:
        if field not in get_args(Fields):
            raise ValueError(f"fields must be of {', '.join(get_args(Fields))}, not {field!r}")
    for one, other in _RIVALS:
        if one in fields and other in fields:
            raise ValueError(f"fields can't have {one!r} and {other!r}: they use the same names")


def _families(given: Iterable[Fields]) -> tuple[Fields, ...]:
    if isinstance(given, str):
        raise TypeError(f"fields are several families: ({given!r},), not {given!r}")
    return tuple(given)


@attrs.frozen
class Hints:
    """The forms in which limits tell of themselves.

    Attributes:
        retry_after: The `Retry-After` of a 429: whole `"seconds"`; a `"date"`; a `"fraction"` of
            seconds, which no standard knows; `"zero"`; a `"negative"` number; a date in the
            `"past"`; `"malformed"`, a word; an `"absurd"` number of seconds; or `"none"` at all.
        fields: The fields on every answer that a limit counted, of none, one or several families:

            - `"draft"`: `RateLimit-Policy` and `RateLimit` as the current draft has them
              (draft-ietf-httpapi-ratelimit-headers-10), all limits of the request in each;
            - `"draft-07"`: the same fields as its version 07 had them, of the tightest limit;
            - `"draft-03"`: `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` (seconds);
            - `"x"`: the same with `X-RateLimit-`, as many services have them;
            - `"x-epoch"`: those with the reset as the calendar's time, in seconds since 1970.

    Raises:
        ValueError: A form that there isn't, or two families that use the same names.
    """

    retry_after: RetryAfter = attrs.field(
        default="seconds", validator=attrs.validators.in_(get_args(RetryAfter))
    )
    fields: tuple[Fields, ...] = attrs.field(
        default=(), converter=_families, validator=_are_families
    )


DEFAULT_HINTS: Final = Hints()
"""`Retry-After` in whole seconds, and nothing else."""


@attrs.frozen
class Scale:
    """How the world's time looks to a client.

    Attributes:
        epoch: What the calendar said when the world began.
        now: The time, in seconds since then.
        time_scale: How many seconds pass in the world while one passes for the client.
    """

    epoch: datetime
    now: float
    time_scale: float

    def wait(self, world_seconds: float) -> float:
        """The client's seconds in which so many pass in the world."""
        return world_seconds / self.time_scale

    def date(self, seconds: float) -> bytes:
        """The date that a client, going by the answer's own, takes to be so many seconds away."""
        return date_header(self.epoch, math.ceil(self.now + seconds))


def retry_after(form: RetryAfter, world_seconds: float, scale: Scale) -> bytes | None:
    """The value of `Retry-After`, or None for no such field.

    Args:
        form: How it is written.
        world_seconds: The wait, in the world's seconds.
        scale: The time.
    """
    seconds = scale.wait(world_seconds)
    match form:
        case "seconds":
            return b"%d" % math.ceil(seconds)
        case "date":
            return scale.date(seconds)
        case "fraction":
            # Up, so that who comes then is not too early.
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


def told_seconds(headers: Iterable[Field], scale: Scale) -> int | None:
    """The wait that an answer's `Retry-After` asks for, in the client's whole seconds.

    Args:
        headers: The answer's.
        scale: The time.

    Returns:
        The seconds; None where there is no such field, or none that makes sense.
    """
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
    families: Sequence[Fields], told: Sequence[tuple[str, Hint]], scale: Scale
) -> list[Field]:
    """The fields that tell of limits.

    Args:
        families: Which.
        told: Each limit's label, and what it tells. Without any there are no fields.
        scale: The time.
    """
    if not told:
        return []
    tightest = min((hint for _, hint in told), key=lambda hint: (hint.remaining, -hint.reset))
    return [field for family in families for field in _of(family, told, tightest, scale)]


def _of(
    family: Fields, told: Sequence[tuple[str, Hint]], tightest: Hint, scale: Scale
) -> Iterator[Field]:
    reset = math.ceil(scale.wait(tightest.reset))
    window = _window(tightest, scale)
    match family:
        case "draft":
            policies = (f'"{name}";q={hint.quota};w={_window(hint, scale)}' for name, hint in told)
            states = (
                f'"{name}";r={hint.remaining};t={math.ceil(scale.wait(hint.reset))}'
                for name, hint in told
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
    """A window in the client's seconds; the fields know only whole ones, from 1 on."""
    return max(1, round(scale.wait(hint.window)))


def _three(prefix: bytes, hint: Hint, reset: int) -> Iterator[Field]:
    yield prefix + b"limit", b"%d" % hint.quota
    yield prefix + b"remaining", b"%d" % hint.remaining
    yield prefix + b"reset", b"%d" % reset
