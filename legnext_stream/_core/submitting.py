"""Submitting a batch: what an answer to a submit means, and when the next one may go.

How many jobs an account runs at once is documented nowhere, and one that has as many either lets the
others wait or refuses them with 429: the same answer as for too many requests a second. So after a refusal as many
jobs as there were are believed to be all that the account takes: the next submit waits for the end of
one of them, which makes room for it at once, and only now and then one is sent all the same, a feeler.
Feelers that are let in say that it was the rate, or that there is more room; those that are refused
become rarer.
"""

from __future__ import annotations

import math
from typing import Final

import attrs

from legnext_stream._core import backoff
from legnext_stream._core.answers import (
    Answer,
    Reply,
    SubmitAnswer,
    SubmitMeaning,
    meaning_of_code,
)
from legnext_stream._core.model.decoding import decode_body, decode_refusal
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job, JobError, JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream.errors import HostUnreachableError, LegnextError

MOST_AT_ONCE: Final = 1000
"""Unfinished jobs of a batch at most, if nobody says otherwise: enough to keep every account busy, and
what can be watched without running far ahead of whoever reads the events."""

BROKE_FOR: Final = 60.0
"""Seconds for which nothing is submitted after a 402."""

FIRST_FEELER: Final = 2.0
"""Seconds after which a submit is tried again although the account is believed to be full."""

LONGEST_FEELER: Final = 60.0
"""To where that doubles while it is refused again."""

LONGEST_ALONE: Final = 15.0
"""The same while none of our jobs is unfinished: no end of ours can tell when there is room."""


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
) -> JobEvent:
    """The event of a prompt that has no job.

    Args:
        now: The time, seconds.
        since: When it was first submitted, seconds; None if it never was, or that is not known.
        status: `SUBMIT_UNKNOWN` or `NOT_SUBMITTED`.
        error: Why.
        prompt: The prompt.
        position: Its place in the batch.
    """
    return JobEvent(
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
    """Whether a prompt without a job is done with, and not to be submitted by a later run."""
    error = event.job.error
    return event.status is JobStatus.SUBMIT_UNKNOWN or (
        error is not None and meaning_of_code(error.code).submit is SubmitMeaning.INVALID
    )


class Trouble:
    """What goes wrong with the submits of a batch, and what is to be done about it.

    Args:
        patience: How long a submit that can't be sent is tried again, seconds; None for ever.
        submit_again: Whether it is also tried again where it was sent and not answered.
    """

    def __init__(self, patience: float | None, *, submit_again: bool) -> None:
        self._patience = math.inf if patience is None else patience
        self._submit_again = submit_again
        self._heard_at = -math.inf
        self._broke_until = -math.inf

    def observe(self, now: float, answer: Answer, said: SubmitAnswer) -> None:
        """Take in an answer.

        Raises:
            AuthenticationError: The key is not let in.
        """
        if isinstance(answer, Reply):
            self._heard_at = now
        if said.meaning is SubmitMeaning.DENIED and said.error is not None:
            raise said.error
        if said.meaning is SubmitMeaning.BROKE:
            self._broke_until = now + BROKE_FOR
        elif said.meaning is SubmitMeaning.MADE:
            self._broke_until = -math.inf

    def refusal(self, now: float) -> JobError | None:
        """Why a prompt is not even submitted now; None if it may be."""
        if now >= self._broke_until:
            return None
        ago = max(0.0, now - (self._broke_until - BROKE_FOR))
        return JobError(code=402, message=f"the account had no credits left {ago:.0f} s ago")

    def step(
        self, now: float, said: SubmitAnswer, since: float, attempt: int, key: str
    ) -> float | JobStatus:
        """When a prompt that has no job has another turn, seconds; or how it ends.

        Args:
            now: The time, seconds.
            said: The answer to its last submit, which was not denied.
            since: When it was first submitted, seconds.
            attempt: How often it was submitted.
            key: What the jitter of a wait is drawn from.

        Raises:
            HostUnreachableError: Nothing could be sent for as long as may be, of any prompt.
        """
        meaning = said.meaning
        if meaning is SubmitMeaning.LIMITED:
            return now
        is_over = now - since >= self._patience
        if meaning is SubmitMeaning.UNSENT:
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
    """How many of a batch's jobs may be unfinished, and so when the next submit may start.

    Args:
        most: So many at most, whatever the account allows.

    Attributes:
        room: How many unfinished jobs of ours the account is believed to take; None while nothing
            speaks for a limit.
        under_way: Submits that have started and not ended.
    """

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._most = most
        self.room: int | None = None
        self.under_way: int = 0
        self._not_before = -math.inf
        self._feeler_at = -math.inf
        self._feeler_gap = FIRST_FEELER
        self._step = 1

    def due(self, now: float, unfinished: int) -> float:
        """When the next submit may start, seconds; infinite until a job or a submit has ended.

        Args:
            now: The time, seconds.
            unfinished: Jobs of ours that have not ended, as far as we know.
        """
        at_once = unfinished + self.under_way
        if at_once >= self._most:
            return math.inf
        at = now
        if self.room is not None and at_once >= self.room:
            if self.under_way:
                return math.inf
            at = self._feeler_at
        return max(at, self._not_before, now)

    def start(self, unfinished: int) -> int:
        """A submit starts; returns the how-manieth at once its job would be."""
        self.under_way += 1
        return unfinished + self.under_way

    def ended(self) -> None:
        """A submit has ended in a way that says nothing of the limit."""
        self.under_way -= 1

    def made(self, nth: int, now: float) -> None:
        """A submit has made the `nth` job at once."""
        self.under_way -= 1
        if self.room is not None and nth > self.room:
            # So it was the rate, or one of ours had ended unseen, or there is more room than there was:
            # the faster the more of them are let in.
            self.room = nth - 1 + self._step
            self._step *= 2
            self._feeler_gap = FIRST_FEELER
            self._feeler_at = now

    def limited(self, now: float, nth: int, unfinished: int, told: float = 0.0) -> bool:
        """A submit was refused that would have made the `nth` job at once.

        Args:
            now: The time, seconds.
            nth: As `start` returned it.
            unfinished: Jobs of ours that have not ended, as far as we know.
            told: The seconds after which the answer asked to come back.

        Returns:
            Whether the number at once explains it; else it may have been the rate.
        """
        self.under_way -= 1
        self._step = 1
        room = self.room
        is_explained = room is not None and nth >= room
        if now >= self._feeler_at and is_explained:
            self._feeler_gap *= 2
        # Those before it are jobs, or were refused for the same reason; and what there is, fits.
        self.room = max(nth - 1 if room is None else min(room, nth - 1), unfinished)
        longest = LONGEST_FEELER if self.room else LONGEST_ALONE
        self._feeler_gap = min(self._feeler_gap, longest)
        self._feeler_at = now + max(self._feeler_gap, told)
        self._not_before = max(self._not_before, now + told)
        return is_explained
