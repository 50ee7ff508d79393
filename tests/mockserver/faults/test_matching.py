"""Which requests a fault meets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import When
from mockserver._api.routes import route_of
from mockserver._world.routes import BALANCE, JOB, ROUTES, RequestFacts

DIFFUSION = route_of("POST", "/api/v1/diffusion")
ASKS = RequestFacts(10.0, "GET", "/api/v1/job/a", JOB, "a", "secret")
SUBMITS = RequestFacts(10.0, "POST", "/api/v1/diffusion", DIFFUSION, None)
STRAYS = RequestFacts(10.0, "GET", "/api/v2", None, None)


@pytest.mark.parametrize(
    ("when", "meets"),
    [
        (When(), {ASKS, SUBMITS, STRAYS}),
        (When(route="job"), {ASKS}),
        (When(route="GET /api/v1/job/{job_id}"), {ASKS}),
        (When(route="submit"), {SUBMITS}),
        (When(route="diffusion"), {SUBMITS}),
        (When(route="upscale"), set()),
        (When(method="get"), {ASKS, STRAYS}),
        (When(job="a"), {ASKS}),
        (When(job="b"), set()),
        (When(each_job=True), {ASKS}),
        (When(after=10), {ASKS, SUBMITS, STRAYS}),
        (When(after=10.5), set()),
        (When(until=10), set()),
        (When(until=10.5, route="job", method="POST"), set()),
        # These are matters of counting and of chance, and not of the request.
        (When(nth=9, probability=0), {ASKS, SUBMITS, STRAYS}),
    ],
)
def test_criteria(when: When, meets: set[RequestFacts]) -> None:
    """A request is met if and only if it meets all criteria."""
    assert {facts for facts in (ASKS, SUBMITS, STRAYS) if when.fits(facts)} == meets


@given(st.none() | st.integers(1, 5), st.none() | st.integers(1, 5), st.integers(1, 30))
def test_counting(nth: int | None, every: int | None, number: int) -> None:
    """`nth` is met once, `every` by its multiples."""
    expected = (nth is None or number == nth) and (every is None or number % every == 0)
    assert When(nth=nth, every=every).counts(number) == expected


@pytest.mark.parametrize(
    ("when", "needs"),
    [
        (When(), False),
        (When(nth=1, every=2, probability=0.5, after=1, until=2), False),
        (When(route="job"), True),
        (When(method="GET"), True),
        (When(job="a"), True),
        (When(each_job=True), True),
    ],
)
def test_what_only_a_request_has(when: When, needs: bool) -> None:  # noqa: FBT001 - a table's column
    """Criteria about requests can't be met by a connection as a whole."""
    assert when.needs_request == needs


@pytest.mark.parametrize(
    ("criteria", "complaint"),
    [
        ({"route": "jobs"}, "route must be a route's template"),
        ({"nth": 0}, "nth must be a whole number, 1 or more"),
        ({"every": 0}, "every must be a whole number, 1 or more"),
        ({"every": 1.5}, "every must be a whole number, 1 or more"),
        ({"probability": 1.1}, "probability must be from 0 to 1"),
        ({"probability": float("nan")}, "probability must be from 0 to 1"),
        ({"after": -1}, "after must be a number of seconds"),
        ({"until": 0}, "until .0. must be later than after .0."),
        ({"after": 5, "until": 5}, "must be later"),
    ],
)
def test_impossible_criteria_are_refused(criteria: dict[str, Any], complaint: str) -> None:
    """Criteria that no request can meet are errors."""
    with pytest.raises(ValueError, match=complaint):
        When(**criteria)


def test_the_key_is_not_shown() -> None:
    """The repr of a request's facts doesn't show the key."""
    assert "secret" not in repr(ASKS)
    assert BALANCE in ROUTES
