"""Statuses, times and texts in words."""

from __future__ import annotations

import pytest

from legnext_stream import JobStatus
from legnext_stream._cli.words import STATUS_ORDER, ago, clock_words, iso_time, printable


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0:00"), (41.9, "0:41"), (723.0, "12:03"), (3723.0, "1:02:03"), (360000.0, "100:00:00")],
)
def test_time_is_written_as_on_a_clock(seconds: float, words: str) -> None:
    """Hours are shown only if there are some."""
    assert clock_words(seconds) == words


def test_how_long_ago() -> None:
    """In words; a time in the future, by another clock, is now."""
    assert ago(100.0, 141.0) == "41 seconds ago"
    assert ago(0.0, 7200.0) == "2 hours ago"
    assert ago(50.0, 41.0) == "now"


def test_a_calendar_time() -> None:
    """UTC, to the millisecond."""
    assert iso_time(1_700_000_012.5) == "2023-11-14T22:13:32.500Z"


def test_a_text_from_outside_is_safe_for_a_terminal() -> None:
    """Control characters become spaces."""
    assert printable("a\nb\x1b[2J") == "a b [2J"
    assert printable("fine – ü") == "fine – ü"


def test_every_status_has_its_place() -> None:
    """No status is missing from the display order."""
    assert set(STATUS_ORDER) == set(JobStatus)
