"""The pacer: what it promises whatever it has inside."""

from __future__ import annotations

import pytest

from legnext_stream.core.hints import Hints, read_hints
from legnext_stream.core.pace import Outcome, RequestKind, Signal
from legnext_stream.core.pacing import Pacing
from legnext_stream.core.signals import signal_of
from tests.legnext_stream.support import no_reply, pacer_for, refusal, reply


def signal(outcome: Outcome, at: float, retry_after: float | None = None) -> Signal:
    """What a request that was sent and answered at `at` taught."""
    return Signal(outcome, Hints(retry_after=retry_after), at, 0.0)


def test_places_in_flight_are_counted() -> None:
    """No more than allowed are under way at once; an end of any kind frees a place."""
    pacer = pacer_for(Pacing(max_in_flight=2))
    now = 0.0
    for _ in range(2):
        now = pacer.ready_at(now)
        pacer.start(now)
    assert pacer.in_flight == 2
    assert pacer.ready_at(now) == float("inf")
    pacer.abandon()
    assert pacer.ready_at(now) < float("inf")
    pacer.start(pacer.ready_at(now))
    pacer.finish(now, signal(Outcome.ANSWERED, now))
    assert pacer.in_flight == 1


def test_the_rate_falls_at_a_limit_and_comes_back() -> None:
    """Being told to slow down slows down, and answers bring the rate back to its bound."""
    pacer = pacer_for(Pacing(max_rate=12))
    first = pacer.rate
    pacer.start(0)
    pacer.finish(0, signal(Outcome.LIMITED, 0, retry_after=7))
    assert pacer.rate < first
    assert pacer.ready_at(0) >= 7
    now = 10.0
    for _ in range(500):
        now = pacer.ready_at(now)
        pacer.start(now)
        pacer.finish(now, signal(Outcome.ANSWERED, now))
    assert first <= pacer.rate <= 12


def test_failures_and_stale_refusals_leave_the_rate() -> None:
    """No answer says nothing about limits, and one refusal of a burst stands for all of it."""
    pacer = pacer_for(Pacing())
    for _ in range(3):
        pacer.start(0, RequestKind.SUBMIT)
    pacer.finish(1, signal(Outcome.LIMITED, 0), RequestKind.SUBMIT)
    rate = pacer.rate
    pacer.finish(1, signal(Outcome.LIMITED, 0), RequestKind.SUBMIT)
    pacer.finish(1, signal(Outcome.FAILED, 0), RequestKind.SUBMIT)
    assert pacer.rate == rate


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "9" * 99}, None),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, None),
        (
            {
                "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT",
                "date": "Thu, 01 Jan 2026 00:00:10 GMT",
            },
            20.0,
        ),
    ],
)
def test_retry_after_in_every_form(headers: dict[str, str], expected: float | None) -> None:
    """Seconds, or a date by the API's own clock; what makes no sense is as if unsaid."""
    assert read_hints(headers).retry_after == expected


def test_signals() -> None:
    """An answer is reduced to what the pacer learns from."""
    limited = signal_of(refusal(429, headers={"retry-after": "2"}))
    assert (limited.outcome, limited.hints.retry_after) == (Outcome.LIMITED, 2.0)
    assert signal_of(refusal(503)).outcome is Outcome.OVERLOADED
    assert signal_of(refusal(404)).outcome is Outcome.ANSWERED
    assert signal_of(reply(at=5, sent_at=3)).latency == 2
    assert signal_of(no_reply()).outcome is Outcome.FAILED
