"""Queries, figures and assertions over requests."""

from __future__ import annotations

import json
import math

import pytest
import trio

from mockserver import Fixed, MockLegnext, RequestRecord, run_virtual
from mockserver._serving.journal import Requests
from tests.mockserver.helpers import POST, client_of

JOB = "GET /api/v1/job/{job_id}"
DIFFUSION = "POST /api/v1/diffusion"
RECORDS = Requests(
    [
        RequestRecord(0.0, 0.5, "POST", "/api/v1/diffusion", "a", 200, route=DIFFUSION),
        RequestRecord(1.0, 1.5, "GET", "/api/v1/job/a", "a", 200, route=JOB),
        RequestRecord(1.2, 1.5, "GET", "/api/v1/job/b", "b", 404, route=JOB),
        RequestRecord(4.0, 4.5, "GET", "/api/v1/job/a", "a", 429, 3, JOB, ("busy",)),
        RequestRecord(5.0, 5.5, "GET", "/api/v1/jobs/a", None, 404),
    ]
)


def test_select() -> None:
    """Requests are selected by any of their attributes, and by several at once."""
    assert RECORDS.count() == len(RECORDS) == 5
    assert RECORDS.count(route="job") == RECORDS.count(route=JOB) == 3
    assert RECORDS.count(route="submit") == RECORDS.count(method="POST") == 1
    assert RECORDS.count(path="/api/v1/job/b") == 1
    assert RECORDS.count(job_id="a") == 3
    assert RECORDS.count(job_id=None) == 1
    assert RECORDS.count(status_code=404) == 2
    assert RECORDS.count(status_code=range(400, 500)) == 3
    assert [record.at for record in RECORDS.select(after=1.0, until=4.0)] == [1.0, 1.2]
    assert [record.at for record in RECORDS.select(route="job", job_id="a", status_code=429)] == [4]
    assert RECORDS[1:2] == list(RECORDS.select(after=1, until=1.1))
    assert repr(RECORDS) == "<Requests of 5 requests>"


def test_a_route_that_there_is_not() -> None:
    """Selecting by a route that doesn't exist is an error."""
    with pytest.raises(ValueError, match="route must be a template or one of submit, job"):
        RECORDS.select(route="jobs")


def test_dump_is_a_line_of_json_each() -> None:
    """The dump has one JSON object a line for each request."""
    lines = RECORDS.dump().splitlines()
    assert [json.loads(line)["job_id"] for line in lines] == ["a", "a", "b", "a", None]
    assert json.loads(lines[3]) == {
        "at": 4.0,
        "answered_at": 4.5,
        "method": "GET",
        "path": "/api/v1/job/a",
        "job_id": "a",
        "status_code": 429,
        "retry_after": 3,
        "route": JOB,
        "faults": ["busy"],
    }


def test_dump_without() -> None:
    """A dump leaves out the given attributes, and no others."""
    whole = [json.loads(line) for line in RECORDS.dump().splitlines()]
    for line in whole:
        del line["faults"], line["answered_at"]
    part = RECORDS.dump(without=["faults", "answered_at"]).splitlines()
    assert [json.loads(line) for line in part] == whole
    with pytest.raises(ValueError, match="requests have no fault"):
        RECORDS.dump(without=["fault"])


def test_figures() -> None:
    """The figures are those of the selected requests."""
    assert RECORDS.smallest_gap() == 1.0
    assert RECORDS.smallest_gap(per_job=False) == pytest.approx(0.2)
    assert RECORDS.select(job_id="b").smallest_gap() == math.inf
    assert RECORDS.highest_rate() == 2.0
    assert RECORDS.highest_rate(window=10) == 0.5
    assert RECORDS.most_at_once() == 2
    assert (Requests().highest_rate(), Requests().most_at_once()) == (0, 0)


def test_assertions_that_hold() -> None:
    """Assertions that hold raise nothing."""
    RECORDS.assert_count(3, route="job")
    RECORDS.assert_count(at_least=1, at_most=2, status_code=404)
    RECORDS.assert_count(at_least=5)
    RECORDS.assert_count(0, method="PUT")
    RECORDS.assert_order(
        {"route": "diffusion"}, {"job_id": "a", "status_code": 200}, {"status_code": 429}
    )
    RECORDS.assert_gap(1.0)
    RECORDS.assert_rate(2)
    RECORDS.assert_rate(0.5, window=10)
    RECORDS.assert_concurrency(2)
    RECORDS.select(route="job").assert_matched()


def test_counts_that_do_not_hold() -> None:
    """A wrong count is an error with the expected number and some requests."""
    with pytest.raises(AssertionError) as caught:
        RECORDS.assert_count(2, route="job")
    assert str(caught.value).splitlines() == [
        "3 requests, not 2: route='job'",
        "       1.000 s  GET /api/v1/job/a -> 200",
        "       1.200 s  GET /api/v1/job/b -> 404",
        "       4.000 s  GET /api/v1/job/a -> 429  [busy]",
    ]
    with pytest.raises(AssertionError, match="0 requests, not at least 1: method='PUT'") as caught:
        RECORDS.assert_count(at_least=1, method="PUT")
    assert len(str(caught.value).splitlines()) == 6
    with pytest.raises(AssertionError, match="5 requests, not 0 to 4: any request"):
        RECORDS.assert_count(at_most=4)


def test_an_order_that_does_not_hold() -> None:
    """A missing step is named, with the request before it and earlier matches."""
    with pytest.raises(AssertionError, match=r"step 1 \(method='PUT'\) did not come at all\n"):
        RECORDS.assert_order({"method": "PUT"})
    with pytest.raises(
        AssertionError,
        match=r"step 2 \(method='POST'\) did not come after +1.000 s .*; there are 1 earlier",
    ):
        RECORDS.assert_order({"route": "job"}, {"method": "POST"})


def test_gaps_that_do_not_hold() -> None:
    """Requests that came too close are shown in pairs, the closest first."""
    with pytest.raises(AssertionError) as caught:
        RECORDS.assert_gap(3.5)
    first, *lines = str(caught.value).splitlines()
    assert first == (
        "2 requests came less than 3.5 s after the one before, the closest 1 s about job a"
    )
    assert [line.split()[0] for line in lines] == ["0.000", "1.000", "1.000", "4.000"]
    with pytest.raises(AssertionError, match=r"the closest 0\.2 s\n"):
        RECORDS.assert_gap(0.5, per_job=False)


def test_rates_and_concurrency_that_do_not_hold() -> None:
    """The busiest window or instant is shown."""
    with pytest.raises(AssertionError) as caught:
        RECORDS.assert_rate(1.5)
    first, *lines = str(caught.value).splitlines()
    assert first == "2 requests within 1 s (2 a second), more than 1.5 a second"
    assert [line.split()[0] for line in lines] == ["1.000", "1.200"]
    with pytest.raises(
        AssertionError, match="2 requests in progress at once, more than 1"
    ) as caught:
        RECORDS.assert_concurrency(1)
    assert [line.split()[0] for line in str(caught.value).splitlines()[1:]] == ["1.000", "1.200"]


def test_few_requests_are_shown_of_many() -> None:
    """A message shows only some of many requests."""
    many = Requests(RequestRecord(n, n, "GET", "/", None, 200) for n in range(1000))
    with pytest.raises(AssertionError) as caught:
        many.assert_count(0)
    lines = str(caught.value).splitlines()
    assert (len(lines), lines[-1]) == (12, "  … and 990 more")


def test_what_fits_no_route() -> None:
    """A request without a route is reported with the closest route."""
    (unmatched,) = RECORDS.unmatched
    assert unmatched.record == RECORDS[-1]
    assert unmatched.nearest == JOB
    with pytest.raises(AssertionError, match="1 requests without a route") as caught:
        RECORDS.assert_matched()
    assert f"(no such route; the nearest is {JOB})" in str(caught.value)


def test_over_the_wire() -> None:
    """Requests over HTTP can be selected and asserted on."""
    mock = MockLegnext(run_times=Fixed(10), latency=0.25)

    async def batch() -> None:
        async with client_of(mock) as client:
            job_id = (await client.post(POST, json={"text": "a"})).json()["job_id"]
            for _ in range(3):
                await trio.sleep(4.75)
                await client.get(f"/api/v1/job/{job_id}")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.get, f"/api/v1/jobs/{job_id}")
                nursery.start_soon(client.get, "/api/account/balance")

    run_virtual(batch)
    requests = mock.requests
    (job_id,) = mock.truth
    requests.assert_order({"route": "submit", "job_id": job_id}, {"route": "job", "job_id": job_id})
    requests.assert_count(3, route="job", job_id=job_id, status_code=200)
    requests.assert_gap(5.0)
    requests.assert_rate(0.6, window=5)
    requests.assert_concurrency(2)
    assert requests.smallest_gap() == pytest.approx(5.0)
    assert requests.most_at_once() == 2
    (unmatched,) = requests.unmatched
    assert (unmatched.record.status_code, unmatched.nearest) == (404, JOB)
