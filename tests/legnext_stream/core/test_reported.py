"""Callbacks and hints at the tracker: they go in by `observe` too, under the same contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from legnext_stream._core.answers import read_poll, reported
from legnext_stream._core.model.decoding import decode_status
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker
from tests.legnext_stream.support import job_body, pacer_for, reply

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)


def meta_of(started: float, ended: float | None = None) -> dict[str, str]:
    """A job's times, as the API writes them."""
    never = "0001-01-01T00:00:00Z"
    return {
        "started_at": (EPOCH + timedelta(seconds=int(started))).isoformat(),
        "ended_at": never if ended is None else (EPOCH + timedelta(seconds=int(ended))).isoformat(),
    }


ENDED = meta_of(10, 50)
RUNS = meta_of(10)


def tracker_of(*job_ids: str, pacing: Pacing | None = None, at: float = 0.0) -> Tracker:
    """A tracker that expects callbacks."""
    pacing = Pacing() if pacing is None else pacing
    tracker = Tracker(pacing=pacing, timeout=600.0, pacer=pacer_for(pacing))
    tracker.expect_callbacks()
    for job_id in job_ids:
        tracker.add(at, job_id)
    return tracker


def call(
    tracker: Tracker, now: float, job_id: str, word: str, meta: Mapping[str, str] | None = None
) -> list[JobEvent]:
    """A verified callback."""
    status = decode_status(word)
    assert status is not None
    body = job_body(job_id, word, meta={} if meta is None else meta)
    return tracker.observe(now, reported(job_id, body, status, now))


def ask(tracker: Tracker, now: float) -> str:
    """The job that is polled now."""
    step = tracker.due(now)
    assert isinstance(step, Poll), step
    return step.job_id


def answer(
    tracker: Tracker, now: float, job_id: str, word: str, meta: Mapping[str, str] | None = None
) -> list[JobEvent]:
    """The answer to a poll that was sent a moment ago."""
    body = job_body(job_id, word, meta={} if meta is None else meta)
    headers = {"date": format_datetime(EPOCH + timedelta(seconds=int(now)), usegmt=True)}
    answered = reply(200, body, at=now, sent_at=now - 0.1, headers=headers)
    return tracker.observe(now, read_poll(job_id, answered))


def test_an_end_is_reported_at_once() -> None:
    """Without any poll; later callbacks about the job do nothing."""
    tracker = tracker_of("a")
    (event,) = call(tracker, 50.5, "a", "completed", ENDED)
    assert (event.job_id, event.status, event.previous) == ("a", JobStatus.COMPLETED, None)
    assert event.observed_at == 50.5
    assert tracker.active == 0
    assert tracker.tally.ended_by_callback == 1
    for word in ("completed", "failed", "processing"):
        assert call(tracker, 51.0, "a", word) == []
    assert tracker.tally.ended_by_callback == 1


def test_a_callback_about_an_unknown_job() -> None:
    """It does nothing, now and later."""
    tracker = tracker_of("a")
    assert call(tracker, 1.0, "b", "completed") == []
    tracker.hint(1.0, "b")
    assert not tracker.knows("b")


def test_the_order_is_kept() -> None:
    """A callback that comes late makes no event."""
    tracker = tracker_of("a")
    assert [event.status for event in call(tracker, 1.0, "a", "processing")] == ["processing"]
    assert call(tracker, 2.0, "a", "pending") == []
    assert call(tracker, 2.0, "a", "processing") == []
    assert [event.status for event in call(tracker, 3.0, "a", "odd")] == ["unknown"]
    (event,) = call(tracker, 4.0, "a", "failed")
    assert event.previous is JobStatus.UNKNOWN


@pytest.mark.parametrize("word", ["processing", "completed", "odd"])
def test_the_answer_of_a_poll_in_flight(word: str) -> None:
    """It is ignored, whatever it says, and its place in flight is free again."""
    tracker = tracker_of("a")
    assert ask(tracker, 0.0) == "a"
    assert len(call(tracker, 0.05, "a", "completed")) == 1
    assert answer(tracker, 0.1, "a", word) == []
    assert tracker.due(0.2) == float("inf")


def test_a_poll_in_flight_that_is_abandoned() -> None:
    """The job has ended, so it isn't due again."""
    tracker = tracker_of("a")
    assert ask(tracker, 0.0) == "a"
    call(tracker, 0.05, "a", "completed")
    tracker.abandon(0.1, Poll("a"))
    assert tracker.due(100.0) == float("inf")


def test_news_while_a_poll_is_in_flight() -> None:
    """It is reported, and the job isn't polled a second time before the answer."""
    tracker = tracker_of("a")
    assert ask(tracker, 0.0) == "a"
    assert len(call(tracker, 0.05, "a", "processing")) == 1
    assert not isinstance(tracker.due(0.05), Poll)
    assert not isinstance(tracker.due(90.0), Poll)
    assert answer(tracker, 90.0, "a", "pending") == []
    assert not isinstance(tracker.due(90.1), Poll)


def test_when_it_changed() -> None:
    """By the job's own times and the server's clock, between the last answer and now."""
    tracker = tracker_of("a")
    assert ask(tracker, 0.0) == "a"
    answer(tracker, 0.1, "a", "processing", RUNS)
    (event,) = call(tracker, 80.0, "a", "completed", ENDED)
    after, until = event.changed_between
    assert after is not None
    assert 48.0 <= after <= 50.0
    assert 50.0 <= until <= 52.5


def test_a_job_reported_to_run_is_polled_in_time() -> None:
    """Like one that was seen to start, although no answer has shown that it still runs."""
    tracker = tracker_of("a", at=-1000.0)
    assert ask(tracker, 0.0) == "a"
    answer(tracker, 0.1, "a", "pending")
    call(tracker, 10.9, "a", "processing", RUNS)
    why = tracker.explain(11.0, "a")
    assert why.numbers["age"] == pytest.approx(1.0, abs=1.0)
    assert why.numbers["age_last_seen"] == 0.0
    assert "has probably run" in why.sentence
    assert why.due is not None
    assert 12.0 < why.due < 60.0
    assert not isinstance(tracker.due(11.0), Poll)


def test_while_callbacks_come_few_polls_are_made() -> None:
    """And if they don't come, as many as without them."""

    def asked(ends: str) -> int:
        tracker = tracker_of()
        for number, what in enumerate(ends):
            job_id, at = f"{what}-{number}", 100.0 * number
            tracker.add(at, job_id)
            assert ask(tracker, at) == job_id
            answer(tracker, at + 0.1, job_id, "processing", meta_of(at))
            end = at + 35.0 + number % 10
            if what == "t":
                assert call(tracker, end, job_id, "completed", meta_of(at, end))
            else:
                now = at + 50.0
                while not isinstance(tracker.due(now), Poll):
                    now += 1.0
                assert answer(tracker, now + 0.1, job_id, "completed", meta_of(at, end))
        begin = now = 100.0 * len(ends)
        polls = 0
        tracker.add(begin, "last")
        while now < begin + 40.0:
            step = tracker.due(now)
            if isinstance(step, Poll):
                polls += 1
                answer(tracker, now + 0.1, "last", "processing", meta_of(begin))
            else:
                now = step
        return polls

    assert asked("t" * 40) <= 3
    assert asked("t" * 40 + "fffff") > 2 * asked("t" * 40)


def test_a_hint_has_a_job_polled() -> None:
    """Soon; otherwise it has no effect."""
    tracker = tracker_of("a", "b")
    assert ask(tracker, 0.0) == "a"
    answer(tracker, 0.1, "a", "processing")
    step = tracker.due(1.3)
    while isinstance(step, Poll):
        answer(tracker, 1.3, step.job_id, "pending")
        step = tracker.due(1.3)
    assert step > 2.0
    tracker.hint(2.0, "b")
    assert tracker.due(1.9) == 2.0
    tracker.hint(2.0, "b")
    polls = [ask(tracker, 2.5)]
    tracker.hint(2.5, "b")
    assert answer(tracker, 2.6, "b", "completed")
    assert polls == ["b"]
    assert tracker.tally.ended_by_callback == 0


def test_hints_do_not_hurry_a_job_for_ever() -> None:
    """A thousand in a minute lead to a few polls, and `min_interval` is kept."""
    tracker, asked = tracker_of("a"), []
    for tenth in range(600):
        now = tenth / 10
        tracker.hint(now, "a")
        step = tracker.due(now)
        if isinstance(step, Poll):
            asked.append(now)
            answer(tracker, now + 0.05, "a", "processing")
    assert len(asked) <= 16
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(asked))


def test_a_hint_about_a_job_in_flight() -> None:
    """The job is polled again after the answer, which may be older than the hint."""
    tracker = tracker_of("a")
    assert ask(tracker, 0.0) == "a"
    tracker.hint(0.05, "a")
    answer(tracker, 0.1, "a", "processing")
    assert ask(tracker, 1.2) == "a"


def test_without_a_receiver() -> None:
    """Hints do nothing and newcomers are not noted, but reported ends still count."""
    tracker = Tracker(pacing=Pacing(), timeout=None, pacer=pacer_for(Pacing()))
    tracker.add(0.0, "a")
    assert tracker.newcomers() == []
    tracker.hint(0.0, "a")
    assert len(call(tracker, 1.0, "a", "completed")) == 1
    assert call(tracker, 1.0, "a", "completed") == []


def test_newcomers() -> None:
    """Each is returned once."""
    tracker = tracker_of("a", "b")
    tracker.add(0.0, "a")
    assert tracker.newcomers() == ["a", "b"]
    assert tracker.newcomers() == []
    tracker.restore(0.0, "c", status=None, place=None, words=())
    assert tracker.newcomers() == ["c"]


def test_the_explanation_names_the_doubt() -> None:
    """It says why a running job isn't polled soon."""
    tracker = tracker_of("a")
    assert ask(tracker, 0.0) == "a"
    answer(tracker, 0.1, "a", "processing")
    why = tracker.explain(5.0, "a")
    assert 0 < why.numbers["doubt"] < 1
    assert "callback" in why.sentence
