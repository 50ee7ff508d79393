"""What each kind of answer means: the whole table, a row for each code."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from legnext_stream import errors
from legnext_stream._core import answers
from legnext_stream._core.answers import (
    TABLE,
    Answer,
    NoReply,
    Repeat,
    error_of,
    may_repeat,
    meaning_of,
    read_poll,
    read_submit,
    signal_of,
)
from legnext_stream._core.pace.signals import Outcome
from tests.legnext_stream.support import no_reply, refusal

# For each status: a status request, a submit, a download, whether another request is repeated, what
# the pacer learns, and the exception.
REFUSALS: Final[dict[int, tuple[str, str, str, str, str, type[errors.LegnextError]]]] = {
    # Redirects are never followed: they would carry the key away.
    302: ("troubled", "refused", "no_file", "never", "answered", errors.UnexpectedAnswerError),
    # What was sent makes no sense to the API.
    400: ("missing", "invalid", "no_file", "never", "answered", errors.InvalidRequestError),
    413: ("missing", "invalid", "no_file", "never", "answered", errors.InvalidRequestError),
    422: ("missing", "invalid", "no_file", "never", "answered", errors.InvalidRequestError),
    # The key, and the account's credits: these concern every job.
    401: ("denied", "denied", "no_file", "never", "answered", errors.AuthenticationError),
    402: ("denied", "broke", "no_file", "never", "answered", errors.InsufficientCreditsError),
    # Moderation refuses a submit with it; a store of files refuses an expired URL with it.
    403: ("denied", "invalid", "expired", "never", "answered", errors.PermissionDeniedError),
    404: ("missing", "refused", "expired", "never", "answered", errors.NotFoundError),
    410: ("missing", "refused", "expired", "never", "answered", errors.NotFoundError),
    # The server gave up waiting for a request, which it may nevertheless have received.
    408: ("troubled", "unknown", "troubled", "if_safe", "answered", errors.ServerError),
    416: ("troubled", "refused", "bad_range", "never", "answered", errors.UnexpectedAnswerError),
    429: ("limited", "limited", "troubled", "always", "limited", errors.RateLimitError),
    418: ("troubled", "refused", "no_file", "never", "answered", errors.UnexpectedAnswerError),
    # A submit that ended in a 5xx may have made a job.
    500: ("troubled", "unknown", "troubled", "if_safe", "answered", errors.ServerError),
    502: ("troubled", "unknown", "troubled", "if_safe", "answered", errors.ServerError),
    503: ("troubled", "unknown", "troubled", "if_safe", "overloaded", errors.ServerError),
    504: ("troubled", "unknown", "troubled", "if_safe", "answered", errors.ServerError),
    599: ("troubled", "unknown", "troubled", "if_safe", "answered", errors.ServerError),
    # Numbers that are no status.
    99: ("troubled", "unknown", "no_file", "never", "answered", errors.UnexpectedAnswerError),
    600: ("troubled", "unknown", "no_file", "never", "answered", errors.UnexpectedAnswerError),
}

SILENCE: Final[dict[str, tuple[Answer, str, str, str, str, str]]] = {
    "sent": (no_reply(), "troubled", "unknown", "troubled", "if_safe", "failed"),
    "not sent": (no_reply(was_sent=False), "troubled", "unsent", "troubled", "always", "failed"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refusals(code: int) -> None:
    """What each refusal means for every kind of request, in the table and through its readers."""
    poll, submit, download, repeat, pace, error = REFUSALS[code]
    answer = refusal(code)
    row = meaning_of(answer)
    assert row.poll.name.lower() == poll
    assert row.submit.name.lower() == submit
    assert row.download.name.lower() == download
    assert row.repeat.name.lower() == repeat
    assert row.pace.value == pace
    assert row.error is error
    assert read_poll("a", answer).meaning is row.poll
    assert read_submit(answer).meaning is row.submit
    assert may_repeat(answer, is_safe=True) == (repeat != "never")
    assert may_repeat(answer, is_safe=False) == (repeat == "always")
    assert signal_of(answer).outcome is row.pace
    assert type(error_of(answer)) is error


def test_a_row_may_set_the_pace_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code can count as a limit for the pace without counting as one for polls."""
    row = msgspec.structs.replace(answers.meaning_of_code(503), pace=Outcome.LIMITED)
    monkeypatch.setitem(answers._BY_CODE, 503, row)
    assert signal_of(refusal(503), limited=False).outcome is Outcome.LIMITED


@pytest.mark.parametrize("name", SILENCE)
def test_no_answer(name: str) -> None:
    """A request without an answer, which may have been received, or certainly was not."""
    answer, poll, submit, download, repeat, pace = SILENCE[name]
    row = meaning_of(answer)
    assert row.poll.name.lower() == poll
    assert row.submit.name.lower() == submit
    assert row.download.name.lower() == download
    assert row.pace.value == pace
    assert read_poll("a", answer).meaning is row.poll
    assert read_submit(answer).meaning is row.submit
    assert may_repeat(answer, is_safe=True)
    assert may_repeat(answer, is_safe=False) == (repeat == "always")
    assert signal_of(answer).outcome is row.pace
    assert type(error_of(answer)) is errors.HostUnreachableError
    lost = repeat == "if_safe"
    assert isinstance(error_of(answer, is_safe=False), errors.SubmitUnknownError) == lost


def test_a_certificate_that_is_not_trusted() -> None:
    """Repeating a request can't help, and the setting is to be changed."""
    answer = NoReply("no", 0.0, 1.0, was_sent=False, is_untrusted=True)
    assert read_poll("a", answer).meaning is answers.PollMeaning.DENIED
    assert read_submit(answer).meaning is answers.SubmitMeaning.DENIED
    assert not may_repeat(answer, is_safe=True)
    assert signal_of(answer).outcome is Outcome.FAILED
    assert type(error_of(answer)) is meaning_of(answer).error is errors.ConfigurationError


@pytest.mark.parametrize(
    ("code", "download"), [(200, "whole"), (201, "no_file"), (204, "no_file"), (206, "part")]
)
def test_successes(code: int, download: str) -> None:
    """Only 200 and 206 bring a file. Whether a success brings a job, its body says."""
    row = meaning_of(refusal(code))
    assert row.download.name.lower() == download
    assert (row.poll.name, row.submit.name) == ("SEEN", "MADE")
    assert row.repeat is Repeat.NEVER


def test_the_table_covers_every_status() -> None:
    """Each status from 200 to 599 has a row, and each row is the one for at least one status."""
    rows = [meaning_of(refusal(code)) for code in range(200, 600)]
    assert all(row in TABLE for row in rows)
    assert {id(row) for row in rows} == {id(row) for row in TABLE}
