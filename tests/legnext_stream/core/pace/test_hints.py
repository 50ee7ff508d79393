"""What headers say about limits: every known form is read, and nothing ever raises."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legnext_stream._core.pace.hints import LARGEST_COUNT, LONGEST_DELAY, Hints, parse_hints

WALL = 1_800_000_000.0
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
NAMES = [
    "retry-after",
    "date",
    "ratelimit",
    "ratelimit-policy",
    *(f"{x}ratelimit-{y}" for x in ("", "x-") for y in ("limit", "remaining", "reset")),
]
LIKELY = st.text(alphabet='0123456789.;,="qwrt:- \\abM%', max_size=60)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_DELAY),
        ("9" * 18, LONGEST_DELAY),
    ],
)
def test_retry_after(text: str, seconds: float) -> None:
    """A delay is read as it is, a date relative to the answer's own, both bounded."""
    assert parse_hints({"retry-after": text, "date": DATE}, WALL).retry_after == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-5",
        "1e9",
        "inf",
        "nan",
        "soon",
        "٣",
        "Sun, 31 Feb 1994 08:50:37 GMT",
        "1;2",
        "Sun, 06 Foo 1994 08:50:37 GMT",
    ],
)
def test_malformed_retry_after(text: str) -> None:
    """What is neither a delay nor a date counts as not said."""
    assert parse_hints({"retry-after": text}, WALL) == Hints()


def test_date_without_date() -> None:
    """Without a `Date`, a date is compared with our own clock."""
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC).timestamp()
    headers = {"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}
    assert parse_hints(headers, now).retry_after == 30.0


@pytest.mark.parametrize(
    ("headers", "hints"),
    [
        (
            {"ratelimit": '"d";r=50;t=30', "ratelimit-policy": '"b";q=9;w=1, "d";q=100;w=60'},
            Hints(quota=100, window=60.0, remaining=50, reset_after=30.0),
        ),
        (
            {
                "ratelimit": '"b";r=0;t=3,"d";r=50;t=30',
                "ratelimit-policy": '"b";q=9;w=1,"d";q=100;w=60',
            },
            Hints(quota=9, window=1.0, remaining=0, reset_after=3.0),
        ),
        (
            {"ratelimit": '"a,b;c";r=5;t=2', "ratelimit-policy": '"a,b;c";q=10;w=4;pk=:YQ==:'},
            Hints(quota=10, window=4.0, remaining=5, reset_after=2.0),
        ),
        ({"ratelimit": '"a\\",b";r=5;t=2'}, Hints(remaining=5, reset_after=2.0)),
        ({"ratelimit-policy": '"p";q=10;w=4'}, Hints(quota=10, window=4.0)),
        ({"ratelimit-policy": '"p";q=8;qu="concurrent-requests"'}, Hints()),
        (
            {"ratelimit": "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=10"},
            Hints(quota=100, window=10.0, remaining=50, reset_after=5.0),
        ),
        (
            {
                "ratelimit-limit": "100, 100;w=10",
                "ratelimit-remaining": "3",
                "ratelimit-reset": "7",
            },
            Hints(quota=100, window=10.0, remaining=3, reset_after=7.0),
        ),
        (
            {
                "x-ratelimit-limit": "60",
                "x-ratelimit-remaining": "59",
                "x-ratelimit-reset": str(int(WALL) + 40),
            },
            Hints(quota=60, remaining=59, reset_after=40.0),
        ),
        ({"x-ratelimit-reset": f"{int(WALL) + 40}000"}, Hints(reset_after=40.0)),
        ({"x-ratelimit-reset": "12"}, Hints(reset_after=12.0)),
        ({"x-ratelimit-remaining": "-1", "x-ratelimit-limit": "many"}, Hints()),
    ],
)
def test_rate_limits(headers: dict[str, str], hints: Hints) -> None:
    """Each generation of the fields is read; of several limits, the tightest."""
    assert parse_hints(headers, WALL) == hints


# The first draw of any text builds a table of all characters, which takes seconds.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=200) | LIKELY), st.floats(0, 4e9))
def test_never_raises(headers: dict[str, str], wall: float) -> None:
    """Any text gives hints whose numbers are finite, not negative, and bounded."""
    hints = parse_hints(headers, wall)
    for seconds in (hints.retry_after, hints.window, hints.reset_after):
        assert seconds is None or (0 <= seconds <= LONGEST_DELAY and math.isfinite(seconds))
    for count in (hints.quota, hints.remaining):
        assert count is None or 0 <= count <= LARGEST_COUNT


@given(st.integers(0, 10**6), st.integers(1, 3600), st.integers(0, 10**6), st.integers(0, 3600))
def test_round_trip(quota: int, window: int, remaining: int, reset: int) -> None:
    """What a service writes in the current form is what we read."""
    headers = {
        "ratelimit-policy": f'"default";q={quota};w={window}',
        "ratelimit": f'"default";r={remaining};t={reset}',
    }
    assert parse_hints(headers, WALL) == Hints(None, quota, window, remaining, reset)


@pytest.mark.parametrize("name", NAMES)
def test_long_text(name: str) -> None:
    """A megabyte of anything is read in bounded time."""
    for text in ("1," * 500_000, '"' * 1_000_000, ";q=1" * 250_000, "9" * 1_000_000):
        parse_hints({name: text}, WALL)
