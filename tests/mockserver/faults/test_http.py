"""Faults of HTTP, each as a client meets it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mockserver import (
    Delay,
    ErrorEnvelope,
    Fixed,
    HtmlPage,
    Lognormal,
    MalformedJson,
    MockLegnext,
    Oversized,
    Quirks,
    Redirect,
    Status,
    Truncated,
    Uniform,
    WrongContentType,
    run_virtual,
)
from mockserver._faults import Fault
from mockserver._faults.fault import Answered
from mockserver._faults.http import MOST_BYTES
from tests.mockserver.faults.support import ask
from tests.mockserver.helpers import client_of

BALANCE = "/api/account/balance"


def _answer(*faults: Fault, **settings: Any) -> httpx.Response:  # noqa: ANN401 - of a mock
    (answer,) = ask(MockLegnext(faults=faults, **settings), BALANCE)
    return answer


def _any(word: str) -> Any:  # noqa: ANN401 - so that a type checker lets it pass
    return word


def _seconds(n: int, *faults: Fault, **settings: Any) -> list[float]:  # noqa: ANN401 - of a mock
    """How long each of several requests takes, by the client's clock."""
    mock = MockLegnext(faults=faults, **settings)

    async def main() -> list[float]:
        async with client_of(mock, timeout=60) as client:
            times = [trio.current_time()]
            for _ in range(n):
                assert (await client.get(BALANCE)).status_code == 200
                times.append(trio.current_time())
            return [after - before for before, after in itertools.pairwise(times)]

    return run_virtual(main)


# Delays


def test_a_fixed_delay() -> None:
    """The answer comes after the delay, or after the client's timeout."""
    assert _seconds(2, Delay(2.5)) == [2.5, 2.5]

    async def main() -> None:
        async with client_of(MockLegnext(faults=[Delay(2.5)]), timeout=2) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get(BALANCE)

    run_virtual(main)


def test_drawn_delays() -> None:
    """Drawn delays differ by request, and are the same for the same seed."""
    seconds = _seconds(100, Delay(Uniform(1, 3)))
    # A client's clock has the last bit of a float rounded.
    assert all(1 - 1e-9 <= each <= 3 + 1e-9 for each in seconds)
    # Four standard deviations of such a mean are 0.23.
    assert abs(sum(seconds) / 100 - 2) < 0.23
    assert len(set(seconds)) == 100
    assert seconds[:10] == _seconds(10, Delay(Uniform(1, 3)))
    assert seconds[:10] != _seconds(10, Delay(Uniform(1, 3)), seed=1)
    lognormal = sorted(_seconds(51, Delay(Lognormal(2, 0.5))))
    assert 1.4 < lognormal[25] < 2.8


def test_delays_add_up() -> None:
    """Several delays and the mock's latency add up, in the world's time."""
    assert _seconds(1, Delay(1), Delay(Fixed(2)), latency=4.0) == [7.0]
    assert _seconds(1, Delay(1), Delay(2), latency=4.0, time_scale=2.0) == [3.5]


# Answers in the API's place


@pytest.mark.parametrize("code", [400, 401, 403, 408, 418, 422, 429, 500, 502, 503, 504, 599])
def test_any_status(code: int) -> None:
    """A status comes with an error in the API's form."""
    answer = _answer(Status(code))
    assert answer.status_code == answer.json()["code"] == code
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"code", "message", "raw_message", "detail"}


def test_a_status_in_the_form_of_this_mock() -> None:
    """The error has the form of all errors of this mock."""
    assert set(_answer(Status(500), quirks=Quirks(error_body="nested")).json()) == {"error"}


def test_a_status_with_a_page() -> None:
    """A gateway's page comes instead of JSON."""
    answer = _answer(Status(504, "html"))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>504 Gateway Timeout</title>" in answer.text


def test_a_status_and_nothing_else() -> None:
    """An empty answer has no content type."""
    answer = _answer(Status(500, "empty"))
    assert (answer.status_code, answer.content) == (500, b"")
    assert answer.headers["content-length"] == "0"
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_that_has_no_body(code: int) -> None:
    """A status without a body never gets one."""
    answer = _answer(Status(code), Oversized(100))
    assert (answer.status_code, answer.content) == (code, b"")
    assert "content-length" not in answer.headers


def test_a_status_with_fields() -> None:
    """Header fields are sent as given, and the journal records `Retry-After`."""
    fields = {"Retry-After": "7", "Content-Type": "application/problem+json"}
    mock = MockLegnext(faults=[Status(503, headers=fields)])
    (answer,) = ask(mock, BALANCE)
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["content-type"] == "application/problem+json"
    assert mock.requests[0].retry_after == 7


def test_an_html_page() -> None:
    """A page comes with the status code given, also 200."""
    assert _answer(HtmlPage()).status_code == 502
    answer = _answer(HtmlPage(200))
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_an_error_that_says_it_is_none() -> None:
    """An error comes with status 200."""
    answer = _answer(ErrorEnvelope(5001, "no"))
    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["message"]) == (5001, "no")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect(status: int) -> None:
    """A redirect leads to an address that doesn't exist, or to the one given."""
    answer = _answer(Redirect(status=status))
    assert (answer.status_code, answer.has_redirect_location) == (status, True)
    assert answer.headers["location"] == "https://elsewhere.legnext.example/"
    assert _answer(Redirect("/other")).headers["location"] == "/other"


# Damage


def test_a_wrong_content_type() -> None:
    """The body is right, and its content type wrong."""
    answer = _answer(WrongContentType())
    assert answer.headers.get_list("content-type") == ["text/html; charset=utf-8"]
    assert answer.json()["code"] == 200
    assert _answer(WrongContentType("text/plain")).headers["content-type"] == "text/plain"


@pytest.mark.parametrize("share", [0.0, 0.25, 0.99])
def test_truncated(share: float) -> None:
    """A body ends early, with the right `Content-Length`."""
    whole = _answer().content
    answer = _answer(Truncated(share))
    assert answer.content == whole[: int(len(whole) * share)]
    assert answer.headers.get_list("content-length") == [str(len(answer.content))]
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


@pytest.mark.parametrize("how", ["trailing-comma", "single-quotes", "invalid-utf8"])
def test_malformed_json(how: Any) -> None:  # noqa: ANN401 - any word
    """A complete body that isn't JSON."""
    answer = _answer(MalformedJson(how))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"Illegal|Expecting|invalid start byte"):
        json.loads(answer.content)


@given(st.text() | st.lists(st.text(), max_size=3))
def test_malformed_json_is_never_json(value: object) -> None:
    """Damaged JSON is never JSON."""
    body = json.dumps({"a": value}).encode()
    for how in ("trailing-comma", "single-quotes", "invalid-utf8"):
        damaged = MalformedJson(how).damage(Answered(200, (), body))
        with pytest.raises(ValueError, match=r"char|byte"):
            json.loads(damaged.body)


@pytest.mark.parametrize("size", [1, 500, 65_536, 300_000])
def test_an_oversized_body(size: int) -> None:
    """A body has the size given, and the same content."""
    answer = _answer(Oversized(size))
    assert len(answer.content) == max(size, len(_answer().content))
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.json()["code"] == 200


def test_a_client_can_leave_an_oversized_body() -> None:
    """A client can hang up early, and the mock stops sending."""
    mock = MockLegnext(faults=[Oversized(MOST_BYTES)])

    async def main() -> None:
        async with client_of(mock) as client, client.stream("GET", BALANCE) as answer:
            assert answer.headers["content-length"] == str(MOST_BYTES)

    run_virtual(main)
    assert not mock.crashes


# Settings


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Delay(-1), "seconds must be"),
        (lambda: Delay(float("inf")), "seconds must be"),
        (lambda: Status(199), "code must be the status of an answer"),
        (lambda: HtmlPage(600), "code must be the status of an answer"),
        (lambda: Status(503, _any("json")), "body"),
        (lambda: Status(503, headers={"X Y": "1"}), "fields that HTTP can carry"),
        (lambda: Status(503, headers={"X": "1\r\nY: 2"}), "fields that HTTP can carry"),
        (lambda: Status(503, headers={"Content-Length": "1"}), "the server writes it"),
        (lambda: Redirect("http://a/\r\n"), "location must be a text in plain ASCII"),
        (lambda: Redirect(""), "location must be"),
        (lambda: Redirect(status=200), "status"),
        (lambda: WrongContentType("ä"), "content_type must be"),
        (lambda: Truncated(1.0), "share must be from 0 to below 1"),
        (lambda: MalformedJson(_any("xml")), "how"),
        (lambda: Oversized(0), "bytes must be from 1"),
        (lambda: Oversized(MOST_BYTES + 1), "bytes must be from 1"),
    ],
)
def test_impossible_settings_are_refused(make: Any, complaint: str) -> None:  # noqa: ANN401 - a callable
    """Settings that no answer can have are errors at once."""
    with pytest.raises(ValueError, match=complaint):
        make()
