"""What an answer to "how is this job?" means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import errors
from legnext_stream._core.answers import Verdict, read_answer, refusal_error
from legnext_stream._core.model.jobs import JobStatus
from tests.legnext_stream.core.model.test_decoding import job_like
from tests.legnext_stream.support import job_body, no_reply, refusal, reply

VERDICTS = {
    400: Verdict.MISSING,
    401: Verdict.DENIED,
    402: Verdict.DENIED,
    403: Verdict.DENIED,
    404: Verdict.MISSING,
    408: Verdict.TROUBLED,
    410: Verdict.MISSING,
    413: Verdict.MISSING,
    418: Verdict.TROUBLED,
    422: Verdict.MISSING,
    429: Verdict.LIMITED,
    500: Verdict.TROUBLED,
    502: Verdict.TROUBLED,
    503: Verdict.TROUBLED,
}
ERRORS: dict[int, type[errors.ApiError]] = {
    400: errors.InvalidRequestError,
    401: errors.AuthenticationError,
    402: errors.InsufficientCreditsError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    408: errors.ServerError,
    410: errors.NotFoundError,
    413: errors.InvalidRequestError,
    418: errors.UnexpectedAnswerError,
    422: errors.InvalidRequestError,
    429: errors.RateLimitError,
    500: errors.ServerError,
    599: errors.ServerError,
    302: errors.UnexpectedAnswerError,
}


@pytest.mark.parametrize(("code", "verdict"), VERDICTS.items())
def test_the_verdict_of_each_code(code: int, verdict: Verdict) -> None:
    """By the HTTP status, with the API's words in the error."""
    seen = read_answer("a", refusal(code))
    assert seen.verdict is verdict
    assert seen.recognised
    assert f"refused with {code}" in str(seen.error)


@pytest.mark.parametrize("code", [401, 402, 404, 429, 500])
@pytest.mark.parametrize("form", ["flat", "nested", "job"])
def test_a_refusal_that_comes_with_status_200(code: int, form: str) -> None:
    """The body says what the status line doesn't, in each of the API's three forms."""
    said: dict[str, object] = {"code": code, "message": "no"}
    bodies: dict[str, object] = {
        "flat": said,
        "nested": {"error": said},
        "job": {"job_id": "", "status": "failed", "error": said},
    }
    seen = read_answer("a", reply(200, bodies[form]))
    assert seen.verdict is VERDICTS[code]
    assert seen.error is not None
    assert "no" in str(seen.error)


def test_the_job_is_seen() -> None:
    """A job object with the asked id, in whatever case, and a status."""
    seen = read_answer("AB-c", reply(200, job_body("ab-C", "staged")))
    assert seen.verdict is Verdict.SEEN
    assert seen.status is JobStatus.STAGED
    assert seen.error is None


@pytest.mark.parametrize(
    "body",
    [
        b"<html>200 OK</html>",
        b"",
        [],
        job_body("another", "completed"),
        job_body("a", None),
        job_body("a", ""),
        {"job_id": "a"},
        {"status": "completed"},
        {"job_id": 7, "status": "completed"},
        {"error": {"code": 7, "message": "neither here nor there"}},
        {"code": 200, "data": {}, "message": "success"},
    ],
)
def test_nonsense_with_status_200_is_trouble(body: object) -> None:
    """A page, another job, a job without a status: nothing is learned of the job, so ask again."""
    seen = read_answer("a", reply(200, body))
    assert seen.verdict is Verdict.TROUBLED
    assert not seen.recognised
    assert isinstance(seen.error, errors.UnexpectedAnswerError)
    assert seen.error.content is not None


def test_a_redirect_is_trouble() -> None:
    """It is named, for following it would carry the key away."""
    seen = read_answer("a", reply(302, b"", headers={"location": "https://elsewhere.test"}))
    assert seen.verdict is Verdict.TROUBLED
    assert "302" in str(seen.error)


def test_no_answer_is_trouble() -> None:
    """It comes with an error that names the host."""
    seen = read_answer("a", no_reply())
    assert seen.verdict is Verdict.TROUBLED
    assert isinstance(seen.error, errors.HostUnreachableError)
    assert "legnext.test" in str(seen.error)


def test_a_page_of_html_with_a_code_is_not_recognised() -> None:
    """Its verdict is that of its code, but it may not be the API that speaks."""
    seen = read_answer("a", reply(404, b"<html>nginx</html>"))
    assert seen.verdict is Verdict.MISSING
    assert not seen.recognised


@pytest.mark.parametrize(("code", "kind"), ERRORS.items())
def test_the_error_of_each_code(code: int, kind: type[errors.ApiError]) -> None:
    """Each has its class, the code, the content, and the API's message."""
    answer = refusal(code)
    error = refusal_error(code, answer.content, json.loads(answer.content))
    assert type(error) is kind
    assert error.status_code == code
    assert error.content == answer.content
    assert error.message == str(error)
    assert f"refused with {code}" in error.message


def test_an_error_keeps_no_endless_content() -> None:
    """The first 4,096 bytes are enough to see what it was."""
    assert len(refusal_error(500, b"x" * 10_000, None).content or b"") == 4096


@given(st.integers(100, 999), st.binary(max_size=60) | job_like)
def test_any_answer_has_a_meaning(code: int, body: object) -> None:
    """Nothing the wire brings makes reading raise; what isn't the job comes with an error."""
    try:
        answer = reply(code, body)
    except ValueError:
        return  # a number so long that Python itself refuses to write it
    seen = read_answer("a", answer)
    assert (seen.verdict is Verdict.SEEN) == (seen.error is None)
