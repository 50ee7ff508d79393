"""Submitting a batch: when the next submit may go, and what becomes of a prompt without a job.

How many jobs an account runs at once isn't documented. If there are as many, the API either lets
further jobs wait, or refuses them with 429, as it does for too many requests a second. So after a
refusal, the number of unfinished jobs is taken for all that the account accepts. The next submit waits
for the end of one of them, which makes room at once; only now and then a trial submit goes earlier.
A trial that is accepted shows that it was the rate, or that there is more room. Trials that are
refused become rarer.
"""

from __future__ import annotations

import math
from typing import Final

import attrs

from legnext_stream._core import backoff
from legnext_stream._core.answers import (
    Answer,
    NoReply,
    Reply,
    SubmitAnswer,
    SubmitMeaning,
    meaning_of_code,
)
from legnext_stream._core.model.decoding import decode_body, decode_refusal
from legnext_stream._core.model.events import JobEvent, PromptEvent
from legnext_stream._core.model.jobs import Job, JobError, JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream.errors import HostUnreachableError, LegnextError

MOST_AT_ONCE: Final = 1000
"""How many unfinished jobs a batch has at most by default: enough to keep any account busy, and few
enough not to get far ahead of the consumer of the events."""

BROKE_FOR: Final = 60.0
"""How long nothing is submitted after a 402, in seconds."""

FIRST_TRIAL: Final = 2.0
"""After how many seconds a submit is tried although the account seems to be full."""

LONGEST_TRIAL: Final = 60.0
"""Up to where that doubles while trials are refused."""

LONGEST_ALONE: Final = 15.0
"""The same while no job of ours is unfinished, so that no end of ours can show that there is room."""


def job_error(error: LegnextError) -> JobError:
    """An exception in the form in which a job has its error."""
    body = None if error.content is None else decode_body(error.content)
    refusal, code = decode_refusal(body), error.status_code or 0
    if refusal is None:
        return JobError(code=code, message=error.message)
    return attrs.evolve(refusal, code=code)


def event_without_job(
    now: float,
    *,
    since: float | None,
    status: JobStatus,
    error: JobError,
    prompt: Prompt,
    position: int,
) -> PromptEvent:
    """The event of a prompt that has no job.

    It was first submitted at `since`; None if it never was, or if that isn't known.
    """
    return PromptEvent(
        job_id="",
        status=status,
        previous=None,
        job=Job(job_id="", status=status, task_type=prompt.task_type, error=error),
        observed_at=now,
        changed_between=(since, now),
        prompt=prompt,
        position=position,
    )


def is_lasting(event: JobEvent) -> bool:
    """Whether a prompt without a job has ended for good: a later run doesn't submit it either."""
    error = event.job.error
    return event.status is JobStatus.SUBMIT_UNKNOWN or (
        error is not None and meaning_of_code(error.code).submit is SubmitMeaning.INVALID
    )


class Trouble:
    """What goes wrong with the submits of a batch, and what to do about it.

    A submit that can't be sent is repeated for `timeout` seconds; one that was sent and not answered
    only if it is to be submitted again.
    """

    def __init__(self, timeout: float | None, *, submit_again: bool) -> None:
        self._timeout = math.inf if timeout is None else timeout
        self._submit_again = submit_again
        self._heard_at = -math.inf
        self._broke_until = -math.inf

    def observe(self, now: float, answer: Answer, said: SubmitAnswer) -> None:
        """Take in an answer.

        Raises:
            AuthenticationError: The API key is not accepted.
            ConfigurationError: The host's certificate can't be verified, and it has never answered.
        """
        if isinstance(answer, Reply):
            self._heard_at = now
        if said.meaning is SubmitMeaning.DENIED and said.error is not None:
            may_pass = isinstance(answer, NoReply) and self._heard_at > -math.inf
            if not may_pass:
                raise said.error
        if said.meaning is SubmitMeaning.BROKE:
            self._broke_until = now + BROKE_FOR
        elif said.meaning is SubmitMeaning.MADE:
            self._broke_until = -math.inf

    def refusal(self, now: float) -> JobError | None:
        """Why a prompt can't be submitted now; None if it can."""
        if now >= self._broke_until:
            return None
        ago = max(0.0, now - (self._broke_until - BROKE_FOR))
        return JobError(code=402, message=f"the account had no credits left {ago:.0f} s ago")

    def step(
        self, now: float, said: SubmitAnswer, since: float, attempt: int, key: str
    ) -> float | JobStatus:
        """When to submit a prompt again that has no job; or the status with which it ends.

        It was first submitted at `since`, and `attempt` times in all. The jitter of a wait is drawn from `key`.

        Raises:
            HostUnreachableError: No submit of any prompt could be sent for the whole timeout.
        """
        meaning = said.meaning
        if meaning is SubmitMeaning.LIMITED:
            return now
        is_over = now - since >= self._timeout
        # After a certificate that can't be verified, too, nothing was sent.
        if meaning in {SubmitMeaning.UNSENT, SubmitMeaning.DENIED}:
            if not is_over:
                return now + backoff.REQUESTS.wait(attempt, key)
            if self._heard_at < since:
                silent = f"nothing could be submitted for {now - since:.0f} s"
                raise HostUnreachableError(f"{silent}: {said.error}")
        if meaning is not SubmitMeaning.UNKNOWN:
            return JobStatus.NOT_SUBMITTED
        if self._submit_again and not is_over:
            return now + backoff.REQUESTS.wait(attempt, key)
        return JobStatus.SUBMIT_UNKNOWN


class Slots:
    """How many of a batch's jobs may be unfinished, and so when the next submit may start."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._most = most
        # How many unfinished jobs of ours the account seems to accept; None while nothing suggests
        # a limit.
        self.room: int | None = None
        self.in_flight: int = 0  # submits that have started and not ended
        self._not_before = -math.inf
        self._trial_at = -math.inf
        self._trial_gap = FIRST_TRIAL
        self._step = 1

    def due(self, now: float, unfinished: int) -> float:
        """When the next submit may start, in seconds; inf until a job or a submit has ended.

        `unfinished` is how many jobs of ours have not ended, as far as is known.
        """
        at_once = unfinished + self.in_flight
        if at_once >= self._most:
            return math.inf
        at = now
        if self.room is not None and at_once >= self.room:
            if self.in_flight:
                return math.inf
            at = self._trial_at
        return max(at, self._not_before, now)

    def start(self, unfinished: int) -> int:
        """A submit starts; return how many jobs and submits there are then, itself included."""
        self.in_flight += 1
        return unfinished + self.in_flight

    def ended(self) -> None:
        """A submit has ended in a way that says nothing about the limit."""
        self.in_flight -= 1

    def made(self, nth: int, now: float) -> None:
        """A submit has made a job; `nth` is what `start` returned."""
        self.in_flight -= 1
        if self.room is not None and nth > self.room:
            # It was the rate, or one of ours had ended unseen, or there is more room now. Each trial
            # that is accepted allows twice as many more.
            self.room = nth - 1 + self._step
            self._step *= 2
            self._trial_gap = FIRST_TRIAL
            self._trial_at = now

    def limited(self, now: float, nth: int, unfinished: int, retry_after: float = 0.0) -> bool:
        """A submit was answered 429; `nth` is what `start` returned, and `unfinished` as for `due`.

        Returns whether the number of jobs explains it; otherwise it may have been the rate.
        """
        self.in_flight -= 1
        self._step = 1
        room = self.room
        is_explained = room is not None and nth >= room
        if now >= self._trial_at and is_explained:
            self._trial_gap *= 2
        # Earlier ones are jobs, or were refused for the same reason; and jobs that exist have room.
        self.room = max(nth - 1 if room is None else min(room, nth - 1), unfinished)
        longest = LONGEST_TRIAL if self.room else LONGEST_ALONE
        self._trial_gap = min(self._trial_gap, longest)
        self._trial_at = now + max(self._trial_gap, retry_after)
        self._not_before = max(self._not_before, now + retry_after)
        return is_explained
