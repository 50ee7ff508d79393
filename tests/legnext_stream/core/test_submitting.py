"""When the next submit may go, and what becomes of a prompt without a job."""

from __future__ import annotations

import math
import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import JobError, JobStatus, Prompt
from legnext_stream._core.answers import Answer, NoReply, read_submit
from legnext_stream._core.submitting import (
    BROKE_FOR,
    FIRST_TRIAL,
    LONGEST_ALONE,
    LONGEST_TRIAL,
    Slots,
    Trouble,
    event_without_job,
    is_lasting,
    job_error,
)
from legnext_stream.errors import (
    AuthenticationError,
    ConfigurationError,
    HostUnreachableError,
    ServerError,
    UnexpectedAnswerError,
)
from tests.legnext_stream.support import job_body, no_reply, refusal, reply


def test_an_error_in_the_form_of_a_job() -> None:
    """The API's own words if there are any, with the status of the answer as the code."""
    error = read_submit(refusal(403)).error
    assert error is not None
    assert job_error(error) == JobError(code=403, message="refused with 403")
    error = read_submit(no_reply()).error
    assert error is not None
    assert job_error(error).code == 0
    assert "ReadTimeout" in job_error(error).message
    error = read_submit(reply(200, b"<html>")).error
    assert isinstance(error, UnexpectedAnswerError)
    assert "not a job" in job_error(error).message


# ---------------------------------------------------------------- how many at once


def test_without_a_refusal_there_is_no_limit_but_the_callers() -> None:
    """As many as the caller allows, and then one more when one has ended."""
    slots = Slots(most=3)
    assert [slots.start(0), slots.start(0), slots.start(0)] == [1, 2, 3]
    assert slots.due(5, 0) == math.inf
    slots.ended()
    assert slots.due(5, 0) == 5
    assert slots.due(5, 1) == math.inf


def test_a_refusal_waits_for_an_end() -> None:
    """After a refusal, the number of jobs is the limit: the next submit waits for an end."""
    slots = Slots()
    nth = slots.start(6)
    assert slots.limited(10, nth, 6) is False, "it may have been the rate"
    assert slots.room == 6
    assert slots.due(10, 6) == 10 + FIRST_TRIAL, "and now and then a trial"
    assert slots.due(10.5, 5) == 10.5, "at once"


def test_trials_become_rarer_while_they_are_refused() -> None:
    """A refusal that the number of jobs explains is no matter of the rate."""
    slots = Slots()
    slots.limited(0, slots.start(6), 6)
    now, waits = 0.0, []
    for _ in range(8):
        at = slots.due(now, 6)
        waits.append(at - now)
        now = at
        assert slots.limited(now, slots.start(6), 6) is True
    assert waits == [2, 4, 8, 16, 32, LONGEST_TRIAL, LONGEST_TRIAL, LONGEST_TRIAL]


def test_trials_without_jobs_of_ours_are_not_so_rare() -> None:
    """If other jobs take all the room, no end of ours can show when there is some."""
    slots = Slots()
    now = 0.0
    for _ in range(8):
        slots.limited(now, slots.start(0), 0)
        now = slots.due(now, 0)
    assert slots.due(now, 0) <= now + LONGEST_ALONE


def test_a_trial_that_is_accepted_finds_more_room() -> None:
    """It was the rate, or the account accepts more: the room grows in doubling steps."""
    slots = Slots()
    slots.limited(0, slots.start(6), 6)
    unfinished, now, rooms = 6, slots.due(0, 6), []
    for _ in range(12):
        assert slots.due(now, unfinished) == now
        slots.made(slots.start(unfinished), now)
        unfinished += 1
        rooms.append(slots.room)
    assert rooms == [7, 9, 9, 13, 13, 13, 13, 21, 21, 21, 21, 21]


def test_several_refused_at_once_are_one_limit() -> None:
    """Of ten in flight the last four are refused: six is the limit, and only one may be the rate's."""
    slots = Slots()
    nths = [slots.start(0) for _ in range(10)]
    for unfinished, nth in enumerate(nths[:6]):
        slots.made(nth, unfinished)
    explained = [slots.limited(1, nth, 6) for nth in nths[6:]]
    assert explained == [False, True, True, True]
    assert slots.room == 6
    assert slots.due(1, 5) == 1
    slots.start(5)
    assert slots.due(1, 5) == math.inf, "a trial only when nothing is in flight"


def test_a_retry_after_is_obeyed() -> None:
    """Nothing goes before its time, even if a job of ours ends."""
    slots = Slots()
    slots.limited(0, slots.start(6), 6, retry_after=30)
    assert slots.due(1, 5) == 30
    assert slots.due(31, 5) == 31


@given(
    slots=st.integers(1, 12),
    count=st.integers(1, 60),
    rate=st.floats(0.2, 20) | st.none(),
    delay=st.floats(0, 20),
    seed=st.integers(0, 1000),
)
def test_every_prompt_gets_in_and_refusals_are_few(
    slots: int, count: int, rate: float | None, delay: float, seed: int
) -> None:
    """Whatever number and rate an account accepts, every prompt becomes a job, with few refusals."""
    rng = random.Random(seed)
    plan, now, made, refused, last = Slots(), 0.0, 0, 0, -math.inf
    running: list[float] = []  # when each ends
    seen: deque[float] = deque()  # when that is seen
    while made < count:
        running = [end for end in running if end > now]
        seen = deque(sorted(at for at in seen if at > now))
        at = plan.due(now, len(seen))
        if at > now:
            now = min(at, seen[0]) if seen else at
            assert now < math.inf, "it never goes on"
            continue
        nth = plan.start(len(seen))
        is_too_fast = rate is not None and now - last < 1 / rate
        if len(running) >= slots or is_too_fast:
            plan.limited(now, nth, len(seen))
            refused += 1
        else:
            last = now
            made += 1
            end = now + rng.uniform(5, 60)
            running.append(end)
            seen.append(end + delay)
            plan.made(nth, now)
            now += 0.05
    assert refused <= 10 + 2 * count + now / FIRST_TRIAL
    if rate is None:
        assert refused <= 10 + count + now / 10


# ---------------------------------------------------------------- trouble


def trouble(*, submit_again: bool = False, patience: float | None = 600) -> Trouble:
    """The `Trouble` of a batch."""
    return Trouble(patience, submit_again=submit_again)


def step_after(plan: Trouble, answer: Answer, *, now: float = 0, attempt: int = 1) -> object:
    """What to do after an answer at `now` to a prompt first submitted at 0."""
    said = read_submit(answer)
    plan.observe(now, answer, said)
    return plan.step(now, said, 0, attempt, "key")


def test_a_429_is_repeated_without_limit() -> None:
    """No prompt is lost to a rate limit."""
    assert step_after(trouble(), refusal(429), now=1e9, attempt=10**6) == 1e9


@pytest.mark.parametrize("code", [302, 400, 403, 404, 413, 422])
def test_a_refusal_concerns_its_prompt_alone(code: int) -> None:
    """It ends, and the next one may be submitted."""
    plan = trouble()
    assert step_after(plan, refusal(code)) is JobStatus.NOT_SUBMITTED
    assert plan.refusal(0) is None


def test_without_credits_nothing_is_submitted_for_a_while() -> None:
    """Prompts then end with 402; after the pause one is tried, and a job ends the pause."""
    plan = trouble()
    assert step_after(plan, refusal(402), now=10) is JobStatus.NOT_SUBMITTED
    why = plan.refusal(30)
    assert why is not None
    assert (why.code, why.message) == (402, "the account had no credits left 20 s ago")
    assert plan.refusal(10 + BROKE_FOR) is None
    step_after(plan, refusal(402), now=100)
    made = reply(200, job_body("a", "pending"))
    plan.observe(101, made, read_submit(made))
    assert plan.refusal(101) is None


def test_a_key_that_is_not_accepted_ends_everything() -> None:
    """It concerns all prompts."""
    with pytest.raises(AuthenticationError):
        step_after(trouble(), refusal(401))


@pytest.mark.parametrize("answer", [refusal(500), refusal(408), no_reply(), reply(200, b"?")])
def test_what_may_have_made_a_job_is_not_repeated(answer: Answer) -> None:
    """Unless the caller chose so, and then until the timeout."""
    assert step_after(trouble(), answer) is JobStatus.SUBMIT_UNKNOWN
    again = step_after(trouble(submit_again=True), answer, now=599)
    assert isinstance(again, float)
    assert 599 < again < 601
    late = step_after(trouble(submit_again=True), answer, now=600)
    assert late is JobStatus.SUBMIT_UNKNOWN
    never = step_after(trouble(submit_again=True, patience=None), answer, now=1e6)
    assert isinstance(never, float)


def test_what_was_not_sent_is_repeated() -> None:
    """Until the timeout; then the host is unreachable, or the prompt can't be sent."""
    plan, unsent = trouble(), no_reply(was_sent=False)
    waits = [step_after(plan, unsent, attempt=attempt) for attempt in range(1, 8)]
    assert all(isinstance(wait, float) and 0 < wait < 16 for wait in waits)
    with pytest.raises(
        HostUnreachableError, match=r"nothing could be submitted for 600 s: .*Timeout"
    ):
        step_after(plan, unsent, now=600)
    plan.observe(300, refusal(400), read_submit(refusal(400)))
    assert step_after(plan, unsent, now=600) is JobStatus.NOT_SUBMITTED


def test_a_certificate_ends_everything_unless_the_host_has_answered() -> None:
    """Before any answer it is a fault of the configuration; later it is tried again."""
    plan, untrusted = trouble(), NoReply("no", 0.0, 1.0, was_sent=False, is_untrusted=True)
    with pytest.raises(ConfigurationError):
        step_after(plan, untrusted)
    plan.observe(0, refusal(429), read_submit(refusal(429)))
    assert isinstance(step_after(plan, untrusted, now=1), float)


def test_which_ends_are_for_good() -> None:
    """Invalid prompts, and submits that may have made a job; a later run repeats the rest."""

    def ended(status: JobStatus, code: int) -> bool:
        event = event_without_job(
            2.0,
            since=None,
            status=status,
            error=JobError(code=code),
            prompt=Prompt("a"),
            position=3,
        )
        assert (event.job_id, event.position, event.changed_between) == ("", 3, (None, 2.0))
        assert event.status.is_terminal
        return is_lasting(event)

    assert ended(JobStatus.SUBMIT_UNKNOWN, 0)
    assert [ended(JobStatus.NOT_SUBMITTED, code) for code in (400, 403, 413, 422)] == [True] * 4
    assert not any(ended(JobStatus.NOT_SUBMITTED, code) for code in (0, 402, 404))


def test_a_503_is_named() -> None:
    """The error says what was answered."""
    error = read_submit(refusal(503)).error
    assert isinstance(error, ServerError)
    assert "503" in str(error)
