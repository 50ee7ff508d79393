"""Reading answers to polls and submits, and what the pacer learns from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import errors
from legnext_stream._core.answers import (
    Answer,
    NoReply,
    PollMeaning,
    Reply,
    SubmitMeaning,
    error_of,
    meaning_of_code,
    read_poll,
    read_submit,
    retry_after,
    signal_of,
)
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pace.hints import Hints
from legnext_stream._core.pace.signals import Outcome, Signal
from legnext_stream._core.submitting import job_error
from tests.legnext_stream.core.model.test_decoding import job_like
from tests.legnext_stream.support import job_body, no_reply, refusal, reply


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
    seen = read_poll("a", reply(200, bodies[form]))
    assert seen.meaning is meaning_of_code(code).poll
    assert str(seen.error) == f"the API answered {code}: no"
    assert read_submit(reply(200, bodies[form])).meaning is meaning_of_code(code).submit


def test_the_job_is_seen() -> None:
    """A job object with the asked id, in whatever case, and a status."""
    seen = read_poll("AB-c", reply(200, job_body("ab-C", "staged")))
    assert seen.meaning is PollMeaning.SEEN
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
    seen = read_poll("a", reply(200, body))
    assert seen.meaning is PollMeaning.TROUBLED
    assert not seen.recognised
    assert isinstance(seen.error, errors.UnexpectedAnswerError)
    assert seen.error.content is not None


def test_a_redirect_is_trouble() -> None:
    """It is named, for following it would carry the key away."""
    seen = read_poll("a", reply(302, b"", headers={"location": "https://elsewhere.test"}))
    assert seen.meaning is PollMeaning.TROUBLED
    assert "302" in str(seen.error)


def test_no_answer_is_trouble() -> None:
    """It comes with an error that names the host."""
    seen = read_poll("a", no_reply())
    assert seen.meaning is PollMeaning.TROUBLED
    assert isinstance(seen.error, errors.HostUnreachableError)
    assert "legnext.test" in str(seen.error)


def test_a_page_of_html_with_a_code_is_not_recognised() -> None:
    """Its verdict is that of its code, but it may not be the API that speaks."""
    seen = read_poll("a", reply(404, b"<html>nginx</html>"))
    assert seen.meaning is PollMeaning.MISSING
    assert not seen.recognised


def test_an_error_has_what_the_api_said() -> None:
    """The code, the content, and the API's message."""
    answer = refusal(422)
    error = error_of(answer)
    assert error.status_code == 422
    assert error.content == answer.content
    assert error.message == str(error) == "the API answered 422: refused with 422"
    assert str(error_of(reply(500, b""))) == "the API answered 500"


@pytest.mark.parametrize("form", ["flat", "nested", "job"])
@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            {"code": 400, "message": "Invalid request.", "raw_message": "text is required"},
            ": Invalid request: text is required",
        ),
        ({"code": 400, "message": "", "raw_message": "text is required"}, ": text is required"),
        (
            {"code": 400, "message": "Text is required!", "raw_message": "text is required"},
            ": Text is required!",
        ),
        ({"code": 1001, "message": "no", "raw_message": ""}, ": no (code 1001)"),
        ({"code": 400, "message": "", "raw_message": ""}, ""),
    ],
)
def test_a_refusal_says_what_is_wrong_once(form: str, said: dict[str, object], text: str) -> None:
    """It has the general message and the exact one, if they differ, and no code twice."""
    bodies: dict[str, object] = {
        "flat": said,
        "nested": {"error": said},
        "job": {"job_id": "", "status": "failed", "error": said},
    }
    answer = reply(400, bodies[form])
    assert str(error_of(answer)) == f"the API answered 400{text}"
    refused = read_submit(answer).error
    assert refused is not None
    assert str(job_error(refused)).count("400") == 1


def test_an_error_keeps_no_endless_content() -> None:
    """The first 4,096 bytes are enough to see what it was."""
    assert len(error_of(reply(500, b"x" * 10_000)).content or b"") == 4096


@given(st.integers(100, 999), st.binary(max_size=60) | job_like)
def test_any_answer_has_a_meaning(code: int, body: object) -> None:
    """Nothing the wire brings makes reading raise; what isn't the job comes with an error."""
    try:
        answer = reply(code, body)
    except ValueError:
        return  # a number so long that Python itself refuses to write it
    seen = read_poll("a", answer)
    assert (seen.meaning is PollMeaning.SEEN) == (seen.error is None)


# ---------------------------------------------------------------- submits


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (reply(200, job_body("a", "pending")), SubmitMeaning.MADE),
        (reply(201, job_body("a", "completed")), SubmitMeaning.MADE),
        (reply(200, job_body("a", 3)), SubmitMeaning.UNKNOWN),
        (reply(200, job_body("../a", "pending")), SubmitMeaning.UNKNOWN),
        (reply(200, b"<html>"), SubmitMeaning.UNKNOWN),
        (reply(200, {"status": "failed", "error": {"code": 402}}), SubmitMeaning.BROKE),
        (reply(200, {"status": "failed", "error": {"code": 7}}), SubmitMeaning.UNKNOWN),
    ],
)
def test_what_the_body_of_a_submit_means(answer: Answer, meaning: SubmitMeaning) -> None:
    """There is a job, or there is none; where the body doesn't say which, that is not guessed."""
    said = read_submit(answer)
    assert said.meaning is meaning
    assert (said.job is not None) == (meaning is SubmitMeaning.MADE)
    assert (said.error is None) == (meaning is SubmitMeaning.MADE)


@given(st.binary(max_size=200), st.integers(200, 599))
def test_any_answer_to_a_submit_has_a_meaning(content: bytes, code: int) -> None:
    """Whatever comes, only 2xx makes a job."""
    said = read_submit(reply(code, content))
    assert (said.job is not None) == (said.meaning is SubmitMeaning.MADE)
    assert 200 <= code < 300 or said.job is None


# ---------------------------------------------------------------- the pace


def test_the_pacer_gets_hints_and_times() -> None:
    """Hints are read from any answer; a request without one failed, and says nothing of limits."""
    answer = Reply(200, {"retry-after": "7"}, b"", sent_at=10.0, received_at=10.25)
    assert signal_of(answer) == Signal(Outcome.ANSWERED, Hints(retry_after=7.0), 10.0, 0.25)
    lost = NoReply("refused", sent_at=10.0, received_at=13.0)
    assert signal_of(lost) == Signal(Outcome.FAILED, None, 10.0, 3.0)


@pytest.mark.parametrize(
    ("answer", "limited", "outcome"),
    [
        (refusal(429), True, Outcome.LIMITED),
        (refusal(429), False, Outcome.ANSWERED),
        (reply(200, {"code": 429}), True, Outcome.LIMITED),
        (refusal(503), False, Outcome.OVERLOADED),
        (refusal(403), False, Outcome.ANSWERED),
        (no_reply(), False, Outcome.FAILED),
    ],
)
def test_the_caller_may_know_better(answer: Answer, limited: bool, outcome: Outcome) -> None:  # noqa: FBT001 - parametrized
    """The body may say that there were too many requests; or the number of jobs explains a 429."""
    signal = signal_of(answer, limited=limited, sent_at=-1.5)
    assert (signal.outcome, signal.sent_at, signal.latency) == (outcome, -1.5, 1.5)


def test_a_date_is_compared_with_our_calendar() -> None:
    """A Retry-After date, if the answer has no `Date` of its own."""
    headers = {"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}
    hints = signal_of(Reply(429, headers, b"", 0.0, 0.1, wall_time=20.0)).hints
    assert hints is not None
    assert hints.retry_after == 40.0


def test_when_an_answer_asks_to_come_back() -> None:
    """The seconds that it gives, up to five minutes; 0 where it gives none."""
    assert retry_after(refusal(429, headers={"retry-after": "7"})) == 7
    assert retry_after(refusal(429, headers={"retry-after": "99999"})) == 300
    assert retry_after(refusal(429)) == 0
    assert retry_after(no_reply()) == 0
