"""The header fields that report limits, form by form."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import (
    Concurrency,
    FixedWindow,
    Hints,
    LimitRule,
    MockLegnext,
    SlidingWindow,
    TokenBucket,
    run_virtual,
)
from mockserver._api.hints import Scale, limit_fields, retry_after, retry_after_in
from mockserver._world.limits import Hint, Limit
from tests.mockserver.helpers import client_of

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def _answers(mock: MockLegnext, n: int, path: str = "/api/account/balance") -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        async with client_of(mock) as client:
            return [await client.get(path) for _ in range(n)]

    return run_virtual(ask)


def _refusal(form: str, **settings: Any) -> tuple[MockLegnext, httpx.Response]:  # noqa: ANN401 - of a mock
    # The second request would pass 2.5 s after the first.
    mock = MockLegnext(limit=TokenBucket(0.4), hints=Hints(form), **settings)  # type: ignore[arg-type] # any word
    _, answer = _answers(mock, 2)
    assert answer.status_code == 429
    return mock, answer


@pytest.mark.parametrize(
    ("form", "value", "recorded"),
    [
        ("seconds", "3", 3),
        ("fraction", "2.500", None),
        ("zero", "0", 0),
        ("negative", "-3", None),
        ("malformed", "soon", None),
        ("absurd", "10000000000", 10_000_000_000),
        ("none", None, None),
        ("date", "Thu, 01 Jan 2026 00:00:03 GMT", 3),
        ("past", "Wed, 31 Dec 2025 23:00:00 GMT", None),
    ],
)
def test_retry_after_in_every_form(form: str, value: str | None, recorded: int | None) -> None:
    """A 429 has the wait in the configured form, and the journal has it in seconds."""
    mock, answer = _refusal(form)
    assert answer.headers.get("retry-after") == value
    assert [record.retry_after for record in mock.requests] == [None, recorded]


@pytest.mark.parametrize("value", [b"", b"-1", b"1.5", b"soon", b"9" * 10_000, b"Thu, 99 Jan"])
def test_what_asks_for_no_wait(value: bytes) -> None:
    """The journal ignores a `Retry-After` that is invalid or in the past."""
    assert retry_after_in([(b"retry-after", value)], Scale(EPOCH, 0, 1)) is None


def test_the_wait_is_the_clients() -> None:
    """If the world's time passes faster, clients are told a shorter wait."""
    _, answer = _refusal("seconds", time_scale=2.5)
    assert answer.headers["retry-after"] == "1"


@given(st.floats(0.001, 1e5), st.floats(0, 1e6), st.floats(0.1, 100))
def test_who_waits_as_told_is_not_too_early(seconds: float, now: float, time_scale: float) -> None:
    """Seconds, fractions and dates are rounded up, never down."""
    scale = Scale(EPOCH, now, time_scale)
    wait = seconds / time_scale
    whole = retry_after("seconds", seconds, scale)
    fraction = retry_after("fraction", seconds, scale)
    date = retry_after("date", seconds, scale)
    assert whole is not None
    assert fraction is not None
    assert date is not None
    assert wait <= int(whole) < wait + 1
    # To the last of the digits that a float of this size has.
    assert wait - 1e-6 <= float(fraction) < wait + 0.0011
    at = (parsedate_to_datetime(date.decode()) - EPOCH).total_seconds()
    assert math.floor(now) + wait <= at <= now + wait + 1
    assert retry_after_in([(b"Retry-After", whole)], scale) == int(whole)
    told = retry_after_in([(b"retry-after", date)], scale)
    assert told is not None
    assert wait <= told < wait + 2


def test_the_current_draft() -> None:
    """All limits of a request are in two structured fields, on every answer."""
    mock = MockLegnext(
        limit=[SlidingWindow(2, 60), LimitRule(FixedWindow(5, 3600), "key"), Concurrency(9)],
        hints=Hints(fields=("draft",)),
    )
    answers = _answers(mock, 3)
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {
        '"account";q=2;w=60, "key";q=5;w=3600'
    }
    assert [answer.headers["ratelimit"] for answer in answers] == [
        '"account";r=1;t=60, "key";r=4;t=3600',
        '"account";r=0;t=60, "key";r=3;t=3600',
        '"account";r=0;t=60, "key";r=3;t=3600',
    ]


def test_draft_07() -> None:
    """The same names with the older syntax, and the tightest limit."""
    limits: list[Limit] = [FixedWindow(5, 3600), SlidingWindow(2, 60)]
    (answer,) = _answers(MockLegnext(limit=limits, hints=Hints(fields=("draft-07",))), 1)
    assert answer.headers["ratelimit-policy"] == "2;w=60"
    assert answer.headers["ratelimit"] == "limit=2, remaining=1, reset=60"


@pytest.mark.parametrize(
    ("family", "prefix", "reset"),
    [
        ("draft-03", "ratelimit", 60),
        ("x", "x-ratelimit", 60),
        ("x-epoch", "x-ratelimit", int(EPOCH.timestamp()) + 60),
    ],
)
def test_three_fields(family: Any, prefix: str, reset: int) -> None:  # noqa: ANN401 - any word
    """The older families have a field for each number; one has the reset as Unix time."""
    hints = Hints(fields=(family,))
    (answer,) = _answers(MockLegnext(limit=SlidingWindow(2, 60), hints=hints), 1)
    names = ("limit", "remaining", "reset")
    assert [int(answer.headers[f"{prefix}-{name}"]) for name in names] == [2, 1, reset]


def test_several_families_at_once() -> None:
    """Families with different names can be combined."""
    hints = Hints(fields=("draft", "draft-03", "x"))
    (answer,) = _answers(MockLegnext(limit=SlidingWindow(2, 60), hints=hints), 1)
    assert {name for name in answer.headers if "ratelimit" in name} == {
        "ratelimit-policy",
        "ratelimit",
        *(f"{prefix}ratelimit-{name}" for prefix in ("", "x-") for name in ("limit", "reset")),
        "ratelimit-remaining",
        "x-ratelimit-remaining",
    }


@pytest.mark.parametrize(
    ("limit", "keys"), [(None, None), (Concurrency(1), None), (SlidingWindow(2, 60), ["other"])]
)
def test_nothing_to_tell(limit: Any, keys: list[str] | None) -> None:  # noqa: ANN401 - of any kind
    """Without a rate limit that counts the request there are no fields."""
    mock = MockLegnext(limit=limit, api_keys=keys, hints=Hints(fields=("draft", "x")))
    (answer,) = _answers(mock, 1)
    assert not [name for name in answer.headers if "ratelimit" in name]


def test_the_numbers_are_the_clients_too() -> None:
    """Windows and resets are in the client's seconds, and a window is at least one."""
    told = [("account", Hint(quota=10, window=2, remaining=3, reset=1.5))]
    assert limit_fields(("draft",), told, Scale(EPOCH, 0, 10)) == [
        (b"ratelimit-policy", b'"account";q=10;w=1'),
        (b"ratelimit", b'"account";r=3;t=1'),
    ]


@pytest.mark.parametrize(
    ("settings", "error", "complaint"),
    [
        ({"retry_after": "later"}, ValueError, "retry_after"),
        ({"fields": ("draft-99",)}, ValueError, "fields must be of draft, draft-07"),
        ({"fields": ("draft", "draft-07")}, ValueError, "the same names"),
        ({"fields": ("x-epoch", "x")}, ValueError, "the same names"),
        ({"fields": "draft"}, TypeError, "several texts"),
    ],
)
def test_impossible_hints_are_refused(
    settings: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    """Unknown forms, and families with the same names, are refused."""
    with pytest.raises(error, match=complaint):
        Hints(**settings)
