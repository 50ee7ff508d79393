"""How times are written."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from mockserver._api.times import (
    DEFAULT_EPOCH,
    date_header,
    nanosecond_text,
    time_text,
    unix_time,
)


def test_times() -> None:
    """Times are cut to the second, and a time that hasn't come is the year 1."""
    assert time_text(DEFAULT_EPOCH, 59.999) == "2026-01-01T00:00:59Z"
    assert time_text(DEFAULT_EPOCH, None) == "0001-01-01T00:00:00Z"
    assert nanosecond_text(DEFAULT_EPOCH, 59.25) == "2026-01-01T00:00:59.250000000Z"
    assert date_header(DEFAULT_EPOCH, 61.5) == b"Thu, 01 Jan 2026 00:01:01 GMT"


@given(st.floats(0, 1e9))
@example(1.9999998807907104)
def test_all_forms_tell_the_same_time(t: float) -> None:
    """Parsed again, all forms are the same second."""
    second = datetime.fromtimestamp(unix_time(DEFAULT_EPOCH, t), UTC)
    assert datetime.fromisoformat(time_text(DEFAULT_EPOCH, t)) == second
    text = nanosecond_text(DEFAULT_EPOCH, t)
    assert datetime.fromisoformat(f"{text[:19]}+00:00") == second
    assert len(text) == len("2026-01-01T00:00:59.250000000Z")
