"""What each kind of answer is to the pacer."""

from __future__ import annotations

import pytest

from legnext_stream._core.answers import NoReply, Reply
from legnext_stream._core.pace.hints import Hints
from legnext_stream._core.pace.reading import signal_of
from legnext_stream._core.pace.signals import Outcome, Signal


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Outcome.ANSWERED),
        (404, Outcome.ANSWERED),
        (500, Outcome.ANSWERED),
        (429, Outcome.LIMITED),
        (503, Outcome.OVERLOADED),
    ],
)
def test_answers(code: int, outcome: Outcome) -> None:
    """Only 429 and 503 are about pace; hints are read from any answer."""
    answer = Reply(code, {"retry-after": "7"}, b"", sent_at=10.0, received_at=10.25)
    assert signal_of(answer) == Signal(outcome, Hints(retry_after=7.0), 10.0, 0.25)


def test_no_answer() -> None:
    """A request without an answer failed, and says nothing of limits."""
    answer = NoReply("refused", sent_at=10.0, received_at=13.0)
    assert signal_of(answer) == Signal(Outcome.FAILED, None, 10.0, 3.0)


def test_dates_without_a_date() -> None:
    """A Retry-After date is compared with our own calendar if the answer has no `Date`."""
    headers = {"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}
    answer = Reply(429, headers, b"", sent_at=0.0, received_at=0.1, wall_time=20.0)
    hints = signal_of(answer).hints
    assert hints is not None
    assert hints.retry_after == 40.0
