"""What is sent when: decisions about messages, as functions of settings and randomness.

Nothing here sends anything or has a clock.
"""

from __future__ import annotations

import attrs

from mockserver._serving.webhooks.settings import WebhookSettings
from mockserver._world.durations import seconds_at
from mockserver._world.randomness import Randomness


@attrs.frozen
class Message:
    """The message about one change of one job.

    Attributes:
        job_id: The job.
        status: The status that it has reached.
        number: How many messages there were about this job before.
        changed_at: When it reached the status, in seconds since the world's start.
        url: The URL to send it to.
        body: The body; all attempts have the same.
    """

    job_id: str
    status: str
    number: int
    changed_at: float
    url: str
    body: bytes


@attrs.frozen
class Attempt:
    """A planned attempt to deliver a message.

    Attributes:
        message: The message.
        at: When it is due, in seconds since the world's start.
        copy: 0, or 1 for the duplicate of a message that is sent twice.
        number: 1 for the first attempt of this copy, 2 for the first retry, and so on.
        is_lost: Whether it gets lost.
        overtaken_by: Until when it waits for a later message to overtake it, in seconds since the
            world's start; None if it doesn't wait.
    """

    message: Message
    at: float
    copy: int = 0
    number: int = 1
    is_lost: bool = False
    overtaken_by: float | None = None


def attempts_of(
    settings: WebhookSettings, randomness: Randomness, message: Message
) -> tuple[Attempt, ...]:
    """The first attempts of a message: one, or two if it is sent twice."""

    def share(purpose: str, copy: int = 0) -> float:
        return randomness.uniform("webhook", message.job_id, message.number, purpose, copy)

    at = message.changed_at + seconds_at(settings.delay, share("delay"))
    overtaken = share("overtaken") < settings.overtaken_share
    first = Attempt(
        message,
        at,
        is_lost=share("lost") < settings.lost_share,
        overtaken_by=at + settings.overtaken_within if overtaken else None,
    )
    if share("duplicate") >= settings.duplicate_share:
        return (first,)
    again_at = at + seconds_at(settings.duplicate_after, share("duplicate after"))
    second = Attempt(message, again_at, copy=1, is_lost=share("lost", 1) < settings.lost_share)
    return first, second


def retry_of(settings: WebhookSettings, attempt: Attempt, ended_at: float) -> Attempt | None:
    """The attempt that follows one that failed, which ended at `ended_at`; None after the last."""
    if attempt.number > len(settings.retries):
        return None
    return Attempt(
        attempt.message,
        ended_at + settings.retries[attempt.number - 1],
        copy=attempt.copy,
        number=attempt.number + 1,
    )


def lag_of(settings: WebhookSettings, randomness: Randomness, job_id: str) -> float:
    """How far status requests lag behind the messages about a job, in seconds."""
    if randomness.uniform("webhook", job_id, "early") >= settings.early_share:
        return 0.0
    return seconds_at(settings.early_by, randomness.uniform("webhook", job_id, "early by"))
