"""How the API writes times: in job objects, in the balance and in the `Date` header.

The world counts seconds since its start; the epoch is the calendar time of that start.
"""

from __future__ import annotations

import functools
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

DEFAULT_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The default calendar time of a world's start.

It is fixed, so that a simulated run has the same bytes every time.
"""

NEVER: Final = "0001-01-01T00:00:00Z"
"""A time that hasn't come."""


@functools.lru_cache(maxsize=4096)
def _time_text(epoch: datetime, second: int) -> str:
    return (epoch + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_text(epoch: datetime, t: float | None) -> str:
    """The time `t` seconds after `epoch` as in job objects; `NEVER` for None."""
    return NEVER if t is None else _time_text(epoch, math.floor(t))


def nanosecond_text(epoch: datetime, t: float) -> str:
    """The time `t` seconds after `epoch`, to the nanosecond."""
    second = math.floor(t)
    return f"{_time_text(epoch, second)[:-1]}.{int((t - second) * 1e9):09d}Z"


@functools.lru_cache(maxsize=64)
def _date_header(epoch: datetime, second: int) -> bytes:
    return format_datetime(epoch + timedelta(seconds=second), usegmt=True).encode()


def date_header(epoch: datetime, t: float) -> bytes:
    """The value of the `Date` header `t` seconds after `epoch`."""
    return _date_header(epoch, math.floor(t))


def unix_time(epoch: datetime, t: float) -> int:
    """The time `t` seconds after `epoch`, in whole seconds since 1970."""
    # Not the floor of the sum, which may round up to the next second.
    return math.floor(epoch.timestamp()) + math.floor(t)
