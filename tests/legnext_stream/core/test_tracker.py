"""The tracker: the contract of the stream, for every sequence of answers."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import errors
from legnext_stream._core.answers import Answer, read_poll
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.pace.spacing import LATENESS
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker
from tests.effort import examples
from tests.legnext_stream.support import (
    Driver,
    check_contract,
    job_body,
    no_reply,
    pacer_for,
    refusal,
    reply,
    word,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
HTML = b"<html>It works!</html>"


def pending(job_id: str, at: float) -> Answer:
    """The answer about a job that waits."""
    return reply(200, job_body(job_id, "pending"), at=at)


def playing(*changes: tuple[float, str]) -> Callable[[str, float], Answer]:
    """Every job goes through these changes, `(at, status)`, and is always answered truly."""

    def respond(job_id: str, at: float) -> Answer:
        reached = bisect_right([when for when, _ in changes], at)
        return reply(200, job_body(job_id, changes[max(reached, 1) - 1][1]), at=at)

    return respond


# ---------------------------------------------------------------- any sequence of observations

Changes = list[tuple[float, str]]
UNKNOWN_WORDS = ("paused", "upscaling", "timed_out")


@st.composite
def lives(draw: st.DrawFn) -> Changes:
    """A job's true changes: places on the line in order, unknown words among them, then an end."""
    line = [name for name in ("pending", "staged", "processing", "retry") if draw(st.booleans())]
    for name in UNKNOWN_WORDS:
        if draw(st.integers(0, 4)) == 0:
            line.insert(draw(st.integers(0, len(line))), name)
    line.append(draw(st.sampled_from(["completed", "failed"])))
    at, changes = 0.0, []
    for name in line:
        changes.append((at, name))
        at += draw(st.sampled_from([0.3, 2.0, 11.0, 90.0]))
    return changes


FAULTS = st.sampled_from(
    ["ok", "ok", "ok", "stale", "stale", "404", "429", "500", "html", "another", "none"]
)


@attrs.define
class Liar:
    """Answers for jobs with known lives; the first answers have faults: none, an older truth, or 404 for a moment."""

    lives: dict[str, Changes]
    faults: dict[str, list[str]]
    asked: dict[str, list[float]] = attrs.field(factory=dict)
    denied_at: dict[str, float] = attrs.field(factory=dict)

    def __call__(self, job_id: str, at: float) -> Answer:
        """Answer one poll."""
        fault = self.faults[job_id].pop(0) if self.faults[job_id] else "ok"
        before = self.asked.setdefault(job_id, [])
        as_of = before[len(before) // 2] if fault == "stale" and before else at
        if fault == "404" and at - self.denied_at.setdefault(job_id, at) > 2.5:
            fault = "ok"
        if fault in {"ok", "stale"}:
            self.denied_at.pop(job_id, None)
        before.append(at)
        match fault:
            case "404" | "429" | "500":
                return refusal(int(fault), at=at)
            case "html":
                return reply(200, HTML, at=at)
            case "another":
                return reply(200, job_body("another", "completed"), at=at)
            case "none":
                return no_reply(at=at)
        changes = self.lives[job_id]
        status = changes[bisect_right([when for when, _ in changes], as_of) - 1][1]
        return reply(200, job_body(job_id, status), at=at)


@given(data=st.data(), many=st.lists(lives(), min_size=1, max_size=4))
def test_the_contract_whatever_is_observed(data: st.DataObject, many: list[Changes]) -> None:
    """Stale answers, unknown words, 404s, 429s, 5xx, silence: clauses 1 to 4 of the contract hold."""
    truth = {f"job-{number}": life for number, life in enumerate(many)}
    faults = {job_id: data.draw(st.lists(FAULTS, max_size=12)) for job_id in truth}
    has_stale = any("stale" in some for some in faults.values())
    driver = Driver(Liar(truth, faults), timeout=7200.0)
    driver.add(*truth)
    driver.run()
    told = check_contract(driver.events, truth, slack=None if has_stale else 1e-6)
    assert set(told) == set(truth), "each job has its end"
    for job_id, events in told.items():
        assert word(events[-1]) == truth[job_id][-1][1]
    assert driver.tracker.active == 0
    assert driver.tracker.due(driver.now) == float("inf")
    tally = driver.tracker.tally
    assert tally.unseen == 0
    assert sum(tally.jobs.values()) == len(truth)
    assert tally.polls == len(driver.polls)
    assert tally.events == len(driver.events)


@given(faults=st.lists(FAULTS, max_size=25), timeout=st.sampled_from([5.0, 40.0, 600.0]))
def test_every_job_ends_within_reason(faults: list[str], timeout: float) -> None:
    """However bad the answers and short the timeout, each job ends once, and the watch ends."""
    life = [(0.0, "pending"), (2.0, "processing"), (900.0, "completed")]
    driver = Driver(Liar({"a": life}, {"a": list(faults)}), timeout=timeout)
    driver.add("a")
    try:
        driver.run()
    except errors.HostUnreachableError:
        assert "none" in faults
        return
    check_contract(driver.events, {"a": life}, gave_up=True, slack=None)
    assert driver.events[-1].status.is_terminal
    assert driver.now < 1200


@examples(30)
@given(st.integers(1, 400), st.floats(0.5, 50))
def test_polls_keep_to_the_highest_rate(jobs: int, max_rate: float) -> None:
    """In no period are there more polls than the caller allows."""
    driver = Driver(pending, timeout=None, pacing=Pacing(max_rate=max_rate))
    driver.add(*(f"job-{number}" for number in range(jobs)))
    driver.run(until=20)
    times = [at for at, _ in driver.polls]
    # A caller who comes late may make up for this much.
    assert all(b - a >= 1 / max_rate - LATENESS - 1e-9 for a, b in pairwise(times))


def test_a_watch_keeps_to_its_own_limit_in_flight() -> None:
    """A watch with its own settings keeps to its own number of requests in flight."""
    pacing = Pacing(max_in_flight=2)
    driver = Driver(
        lambda job_id, at: reply(200, job_body(job_id, "processing"), at=at),
        timeout=None,
        pacing=pacing,
        pacer=pacer_for(Pacing()),
    )
    driver.add(*"abcdefgh")
    driver.run(until=30)
    # All are known to run by now, and each is asked about for its own sake.
    now, polls = 200.0, 0
    while (step := driver.tracker.due(now)) != float("inf"):
        if isinstance(step, Poll):
            polls += 1
        else:
            now = step
    assert polls == 2


# ---------------------------------------------------------------- order and words


def test_a_stale_answer_makes_no_event() -> None:
    """What a lagging replica says about the past is not news."""
    answers = ["processing", "pending", "staged", "processing", "completed"]
    driver = Driver(lambda job_id, at: reply(200, job_body(job_id, answers.pop(0)), at=at))
    driver.add("a")
    driver.run()
    assert driver.statuses("a") == [JobStatus.PROCESSING, JobStatus.COMPLETED]


def test_a_retry_is_reported_and_the_work_after_it_is_not() -> None:
    """An old `processing` can't be told from a new one, so after a retry only the end is news."""
    answers = ["processing", "retry", "processing", "retry", "failed"]
    driver = Driver(lambda job_id, at: reply(200, job_body(job_id, answers.pop(0)), at=at))
    driver.add("a")
    driver.run()
    assert driver.statuses("a") == [JobStatus.PROCESSING, JobStatus.RETRY, JobStatus.FAILED]


def test_an_unknown_word_is_reported_once_and_kept() -> None:
    """Each new word makes one event `unknown` with the word, wherever the job is."""
    answers = ["pending", "paused", "pending", "paused", "frozen", "paused", "completed"]
    driver = Driver(lambda job_id, at: reply(200, job_body(job_id, answers.pop(0)), at=at))
    driver.add("a")
    driver.run()
    assert [word(event) for event in driver.events] == ["pending", "paused", "frozen", "completed"]


def test_unknown_words_are_bounded() -> None:
    """More words than any API has make no more events; the end is reported as always."""
    words = iter([*(f"word-{number}" for number in range(40)), "completed"])
    driver = Driver(lambda job_id, at: reply(200, job_body(job_id, next(words)), at=at))
    driver.add("a")
    driver.run()
    told = [word(event) for event in driver.events]
    assert told == [*(f"word-{number}" for number in range(32)), "completed"]


def test_the_job_of_an_event_has_the_id_that_was_asked() -> None:
    """Even if the API writes it in capitals, so that it can be looked up."""
    driver = Driver(lambda job_id, at: reply(200, job_body(job_id.upper(), "failed"), at=at))
    driver.add("ab-c")
    assert driver.run()[0].job.job_id == "ab-c"


# ---------------------------------------------------------------- what is given


def test_an_id_twice_is_watched_once() -> None:
    """Both while it is watched and after it has ended."""
    driver = Driver(playing((0, "completed")))
    driver.add("a", "a")
    assert driver.tracker.active == 1
    driver.run()
    driver.add("a")
    assert driver.tracker.active == 0
    assert len(driver.events) == 1


def test_what_is_no_id_is_refused() -> None:
    """The tracker checks ids too, as they come one by one."""
    with pytest.raises(errors.InvalidJobId, match="'no id'"):
        Driver(pending).add("no id")


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_given_job_that_has_ended_is_reported_without_a_request(status: JobStatus) -> None:
    """The event has the given `Job`."""
    given_job = Job(job_id="a", status=status)
    driver = Driver(pending)
    driver.add(given_job)
    assert [event.job for event in driver.run()] == [given_job]
    assert driver.events[0].previous is None
    assert driver.polls == []


@pytest.mark.parametrize("status", ["pending", "processing", "paused"])
def test_what_a_given_job_says_is_no_news(status: str) -> None:
    """Its status is the `previous` of the next event."""
    given_job = Job(
        job_id="a",
        status=JobStatus(status) if status in set(JobStatus) else JobStatus.UNKNOWN,
        raw_status=status,
    )
    answers = [status, status, "completed"]
    driver = Driver(lambda job_id, at: reply(200, job_body(job_id, answers.pop(0)), at=at))
    driver.add(given_job)
    driver.run()
    assert [event.previous for event in driver.events] == [given_job.status]
    assert driver.statuses("a") == [JobStatus.COMPLETED]


# ---------------------------------------------------------------- 404


@pytest.mark.parametrize("code", [404, 410, 400, 422])
def test_a_404_is_believed_when_it_is_repeated(code: int) -> None:
    """Not at once but some seconds later; the verdict has the API's words."""
    driver = Driver(lambda _, at: refusal(code, at=at))
    driver.add("a")
    (event,) = driver.run()
    assert event.status is JobStatus.NOT_FOUND
    assert 3 <= event.observed_at <= 15
    assert len(driver.polls) >= 2
    assert event.job.error is not None
    assert event.job.error.code == code
    assert f"refused with {code}" in event.job.error.message


def test_a_job_that_becomes_visible_late_is_followed() -> None:
    """A 404 in the moment after the submit has no effect."""

    def respond(job_id: str, at: float) -> Answer:
        return (
            refusal(404, at=at) if at < 2.5 else playing((0, "pending"), (9, "failed"))(job_id, at)
        )

    driver = Driver(respond)
    driver.add("a")
    driver.run()
    assert driver.statuses("a")[-1] is JobStatus.FAILED


def test_404s_with_other_answers_between_do_not_add_up() -> None:
    """Only an unbroken series of 404s is believed, however long replicas disagree."""
    polls = 0

    def respond(job_id: str, at: float) -> Answer:
        nonlocal polls
        polls += 1
        return (
            refusal(404, at=at)
            if polls % 2
            else playing((0, "pending"), (90, "completed"))(job_id, at)
        )

    driver = Driver(respond)
    driver.add("a")
    driver.run()
    assert driver.statuses("a") == [JobStatus.PENDING, JobStatus.COMPLETED]


def test_a_job_that_vanishes_ends() -> None:
    """It was seen, and then it expired."""
    driver = Driver(lambda job_id, at: pending(job_id, at) if at < 30 else refusal(404, at=at))
    driver.add("a")
    driver.run()
    assert driver.statuses("a") == [JobStatus.PENDING, JobStatus.NOT_FOUND]


def test_a_wrong_host_is_an_error_and_no_verdict() -> None:
    """HTML 404s from a host that never answered like the API: the base URL is wrong."""
    driver = Driver(lambda _, at: reply(404, b"<html>nginx</html>", at=at))
    driver.add("a", "b")
    with pytest.raises(errors.UnexpectedAnswerError, match="base URL") as caught:
        driver.run()
    assert caught.value.status_code == 404
    assert caught.value.content == b"<html>nginx</html>"


def test_a_proxys_404_from_a_host_that_is_the_api_is_believed() -> None:
    """Once the API has been recognised, a 404 in HTML counts like any other."""

    def respond(job_id: str, at: float) -> Answer:
        return reply(404, b"<html>", at=at) if job_id == "a" else pending(job_id, at)

    driver = Driver(respond)
    driver.add("b", "a")
    driver.run(until=60)
    assert driver.statuses("a") == [JobStatus.NOT_FOUND]


# ---------------------------------------------------------------- what concerns all jobs


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, errors.AuthenticationError),
        (402, errors.InsufficientCreditsError),
        (403, errors.PermissionDeniedError),
    ],
)
def test_a_refusal_that_concerns_all_is_raised(code: int, kind: type[Exception]) -> None:
    """The key, the credits, the permission: one error, at once."""
    driver = Driver(lambda _, at: refusal(code, at=at))
    driver.add("a", "b")
    with pytest.raises(kind, match=f"refused with {code}"):
        driver.run()
    assert driver.events == []


@pytest.mark.parametrize("answers_until", [0.0, 500.0])
def test_a_host_that_falls_silent_is_an_error_that_names_it(answers_until: float) -> None:
    """After the timeout without any answer, whether or not there was one before."""

    def respond(job_id: str, at: float) -> Answer:
        return pending(job_id, at) if at < answers_until else no_reply(at=at)

    driver = Driver(respond, timeout=100 + answers_until)
    driver.add("a", "b")
    with pytest.raises(errors.HostUnreachableError, match=r"legnext\.test"):
        driver.run()
    assert driver.now >= 100 + answers_until
    assert not any(event.status.is_terminal for event in driver.events)


def test_a_host_that_answers_now_and_then_is_not_silent() -> None:
    """Any answer, even a bad one, shows that the host is there."""
    count = 0

    def respond(job_id: str, at: float) -> Answer:
        nonlocal count
        count += 1
        if at > 500:
            return playing((0, "completed"))(job_id, at)
        return refusal(502, at=at) if count % 4 == 0 else no_reply(at=at)

    driver = Driver(respond, timeout=1000)
    driver.add("a")
    driver.run()
    assert driver.statuses("a") == [JobStatus.COMPLETED]


# ---------------------------------------------------------------- timeouts


def test_a_job_that_runs_too_long_ends() -> None:
    """It is timed from when it was first seen running; the event has the job of the last answer."""
    driver = Driver(playing((0, "pending"), (100, "processing")), timeout=300)
    driver.add("a")
    driver.run()
    last = driver.events[-1]
    assert driver.statuses("a")[-2:] == [JobStatus.PROCESSING, JobStatus.TIMED_OUT]
    assert 400 <= last.observed_at <= 100 + 61 + 300 + 61
    assert last.job.raw_status == "processing"
    assert last.job.error is not None
    assert "300 s" in last.job.error.message


@pytest.mark.parametrize(
    ("started", "has_date", "expected"),
    [
        (-200, True, 100),  # it had run for 200 s when it was first seen
        (-200, False, 300),  # no date to compare with: from the first sight
        (50, True, 300),  # a start in the future: two clocks are at odds
        (-4 * 86400, True, 300),  # a start before any job's life: the same
        (None, True, 300),
    ],
)
def test_the_start_is_taken_from_the_api_where_it_makes_sense(
    started: float | None,
    has_date: bool,  # noqa: FBT001 - parametrized
    expected: float,
) -> None:
    """`meta.started_at` is compared with the answer's own `Date`, so no two clocks are compared."""

    def respond(job_id: str, at: float) -> Answer:
        meta = {}
        if started is not None:
            meta["started_at"] = (EPOCH + timedelta(seconds=started)).isoformat()
        headers = {"date": format_datetime(EPOCH + timedelta(seconds=at), usegmt=True)}
        body = job_body(job_id, "processing", meta=meta)
        return reply(200, body, at=at, headers=headers if has_date else None)

    driver = Driver(respond, timeout=300)
    driver.add("a")
    driver.run()
    assert driver.statuses("a") == [JobStatus.PROCESSING, JobStatus.TIMED_OUT]
    assert expected <= driver.now <= expected + 5


def test_hours_in_a_long_queue_are_no_timeout() -> None:
    """As long as any job changes, waiting jobs may wait."""
    ids = [f"job-{number:03d}" for number in range(120)]

    def respond(job_id: str, at: float) -> Answer:
        # One after the other, 100 s each: more than three hours for the last.
        start = 100.0 * ids.index(job_id)
        return playing((0, "pending"), (start, "processing"), (start + 100, "completed"))(
            job_id, at
        )

    driver = Driver(respond, timeout=600)
    driver.add(*ids)
    driver.run()
    assert driver.now > 3 * 3600
    assert {driver.statuses(job_id)[-1] for job_id in ids} == {JobStatus.COMPLETED}


def test_a_queue_that_is_stuck_ends() -> None:
    """When no job has changed for the timeout, waiting jobs time out."""
    driver = Driver(pending, timeout=600)
    driver.add("a", "b")
    driver.run()
    assert driver.statuses("a") == driver.statuses("b") == [JobStatus.PENDING, JobStatus.TIMED_OUT]
    assert 600 <= driver.now <= 700
    error = driver.events[-1].job.error
    assert error is not None
    assert "600 s" in error.message


def test_a_job_that_comes_late_starts_the_wait_anew() -> None:
    """A stuck queue is timed from its last change, and a new job is one."""
    driver = Driver(pending, timeout=600)
    driver.add("a")
    driver.run(until=500)
    driver.now = 500.0
    driver.add("b")
    driver.run(until=1000)
    assert JobStatus.TIMED_OUT not in driver.statuses("a")
    driver.run()
    assert driver.statuses("b")[-1] is JobStatus.TIMED_OUT


def test_none_is_never() -> None:
    """Without a timeout a job may wait, run, or be in trouble for days."""

    def respond(job_id: str, at: float) -> Answer:
        answers = {"w": pending(job_id, at), "t": refusal(500, at=at), "s": no_reply(at=at)}
        return answers.get(job_id, reply(200, job_body(job_id, "processing"), at=at))

    driver = Driver(respond, timeout=None)
    driver.add("w", "r", "t", "s")
    driver.run(until=3 * 86400)
    assert driver.tracker.active == 4
    assert len(driver.polls) < 4 * 3 * 86400 / 20


def test_the_consumers_pauses_do_not_count() -> None:
    """Only time in which the watch could poll counts for a stuck queue or a silent host."""
    for respond in (pending, lambda _, at: no_reply(at=at)):
        driver = Driver(respond, timeout=600)
        driver.add("a")
        driver.run(until=300)
        driver.now += 5000
        driver.tracker.resume(5000)
        driver.run(until=driver.now + 200)
        assert JobStatus.TIMED_OUT not in driver.statuses("a")
        assert driver.tracker.active == 1


# ---------------------------------------------------------------- trouble with one job


@pytest.mark.parametrize("code", [408, 500, 503, 302])
def test_a_job_in_trouble_ends_after_the_timeout(code: int) -> None:
    """Other jobs are answered and this one never is: it times out, and the others continue."""

    def respond(job_id: str, at: float) -> Answer:
        if job_id == "bad":
            return refusal(code, at=at)
        return playing((0, "pending"), (1500, "processing"), (1900, "completed"))(job_id, at)

    driver = Driver(respond, timeout=900)
    driver.add("bad", "good")
    driver.run()
    (verdict,) = (event for event in driver.events if event.job_id == "bad")
    assert verdict.status is JobStatus.TIMED_OUT
    assert 900 <= verdict.observed_at <= 960
    assert verdict.job.error is not None
    assert "900 s" in verdict.job.error.message
    assert driver.tracker.tally.troubles >= 3
    assert driver.tracker.tally.retries == driver.tracker.tally.troubles - 1
    assert driver.tracker.tally.last_error is not None


def test_a_few_bad_answers_far_apart_give_no_job_up() -> None:
    """However long they take, it needs three failed polls in a row."""
    pacing = Pacing(max_rate=1 / 400)
    driver = Driver(lambda _, at: refusal(500, at=at), timeout=10, pacing=pacing)
    driver.add("a")
    driver.run()
    assert driver.statuses("a") == [JobStatus.TIMED_OUT]
    assert len(driver.polls) == 3
    assert driver.now >= 800 - 3 * LATENESS


def test_an_answer_ends_the_trouble() -> None:
    """One good answer ends a series of failures, and its clock starts anew."""
    life = playing((0, "pending"), (200, "staged"), (400, "processing"), (650, "completed"))
    polls = 0

    def respond(job_id: str, at: float) -> Answer:
        nonlocal polls
        polls += 1
        return refusal(500, at=at) if polls % 6 else life(job_id, at)

    driver = Driver(respond, timeout=300)
    driver.add("a")
    driver.run()
    assert driver.statuses("a")[-1] is JobStatus.COMPLETED
    assert driver.tracker.tally.troubles > 10


def test_429_never_loses_a_job_while_others_are_described() -> None:
    """A 429 says nothing about the job that was polled."""
    ends = {f"lucky-{number}": 500.0 * number for number in range(1, 11)}

    def respond(job_id: str, at: float) -> Answer:
        if job_id == "unlucky" and at < 4000:
            return refusal(429, at=at, headers={"retry-after": "5"})
        end = ends.get(job_id, 1.0)
        return playing((0, "pending"), (end, "completed"))(job_id, at)

    driver = Driver(respond, timeout=700)
    driver.add("unlucky", *ends)
    driver.run()
    assert {event.status for event in driver.events if event.status.is_terminal} == {
        JobStatus.COMPLETED
    }
    assert driver.statuses("unlucky") == [JobStatus.COMPLETED]
    assert driver.tracker.tally.rate_limited > 10


def test_429_in_a_body_slows_the_pace_too() -> None:
    """A refusal that comes with status 200 counts as one."""
    refused = {"code": 429, "message": "slow down"}

    def respond(job_id: str, at: float) -> Answer:
        if at < 300:
            return reply(200, refused, at=at)
        return reply(200, job_body(job_id, "completed"), at=at)

    driver = Driver(respond)
    driver.add("a", "b")
    driver.run()
    assert {event.status for event in driver.events} == {JobStatus.COMPLETED}
    assert 10 < driver.tracker.tally.rate_limited < 300


def test_429_for_every_job_is_a_timeout() -> None:
    """When no job at all gets an answer for the timeout, waiting longer can't help."""
    driver = Driver(lambda _, at: refusal(429, at=at, headers={"retry-after": "9"}), timeout=100)
    driver.add("a", "b")
    driver.run()
    assert {event.status for event in driver.events} == {JobStatus.TIMED_OUT}
    assert driver.now >= 100


# ---------------------------------------------------------------- the parts of a poll


def test_an_abandoned_poll_is_made_again() -> None:
    """Nothing was learned, and nothing is lost."""
    tracker = Tracker(pacing=Pacing(), timeout=None, pacer=pacer_for(Pacing()))
    tracker.add(0, "a")
    first = tracker.due(0)
    assert isinstance(first, Poll)
    assert tracker.due(0) == float("inf")
    tracker.abandon(5, first)
    assert tracker.due(5) == Poll("a")
    assert tracker.tally.polls == 0


def test_an_empty_tracker_has_nothing_to_do() -> None:
    """It waits for a job."""
    tracker = Tracker(pacing=Pacing(), timeout=None, pacer=pacer_for(Pacing()))
    assert tracker.due(0) == float("inf")
    assert tracker.active == 0


@pytest.mark.parametrize("verdict", [JobStatus.TIMED_OUT, JobStatus.NOT_FOUND])
def test_a_job_that_was_given_up_can_be_watched_again(verdict: JobStatus) -> None:
    """The verdict was a watch's and not the API's, so another watch polls it anew."""
    driver = Driver(playing((0, "processing"), (30, "completed")))
    driver.add(Job(job_id="a", status=verdict))
    driver.run()
    assert driver.statuses("a")[-1] is JobStatus.COMPLETED
    assert driver.events[0].previous is None


def running(job_id: str, at: float) -> Answer:
    """The answer about a job that runs for ever."""
    return reply(200, job_body(job_id, "processing"), at=at)


def test_a_removed_job_is_never_due() -> None:
    """Whether it waits for its time or is ready."""
    driver = Driver(running, timeout=None)
    driver.add("a", "b", "c")
    driver.run(until=10)
    driver.tracker.remove("a")
    driver.now = 1e4
    # One of the two that are left is asked about, the other is overdue with it.
    step = driver.tracker.due(driver.now)
    assert isinstance(step, Poll)
    (other,) = {"b", "c"} - {step.job_id}
    driver.tracker.remove(other)
    assert driver.tracker.due(driver.now + 1e4) == math.inf
    with pytest.raises(KeyError):
        driver.tracker.remove(other)


def test_the_answer_about_a_removed_job_makes_no_event() -> None:
    """A poll that was in flight when its job was removed counts only for the pace."""
    driver = Driver(running)
    driver.add("a")
    poll = driver.tracker.due(0.0)
    assert isinstance(poll, Poll)
    driver.tracker.remove("a")
    driver.add("a")
    seen = read_poll("a", reply(200, job_body("a", "completed"), at=1.0))
    assert driver.tracker.observe(1.0, seen) == []
    assert (driver.tracker.active, driver.tracker.tally.polls) == (1, 1)
    assert isinstance(driver.tracker.due(2.0), Poll)


def test_a_job_removed_twice_while_in_flight() -> None:
    """Added and polled again before the first answer: neither answer is news."""
    driver = Driver(pending)
    tracker, now = driver.tracker, 0.0
    for _ in range(2):
        driver.add("a")
        while not isinstance(step := tracker.due(now), Poll):
            now = step
        assert step.job_id == "a"
        tracker.remove("a")
    for _ in range(2):
        assert tracker.observe(now, read_poll("a", pending("a", now))) == []
    assert tracker.active == tracker.known == 0


def test_an_absurd_timestamp_does_not_date_a_change() -> None:
    """What was seen counts, and every time can be written."""
    body = job_body("a", "completed", meta={"ended_at": "0002-01-01T00:00:00Z"})
    headers = {"date": "Fri, 31 Dec 9999 23:59:59 GMT"}
    driver = Driver(lambda _, at: reply(200, body, at=at, headers=headers))
    driver.add("a")
    (event,) = driver.run()
    assert event.changed_between == (None, event.observed_at)


def test_a_removed_jobs_poll_may_be_abandoned() -> None:
    """The job isn't due again."""
    driver = Driver(running)
    driver.add("a")
    poll = driver.tracker.due(0.0)
    assert isinstance(poll, Poll)
    driver.tracker.remove("a")
    driver.tracker.abandon(1.0, poll)
    assert driver.tracker.due(100.0) == math.inf
    assert driver.tracker.tally.unseen == 0
