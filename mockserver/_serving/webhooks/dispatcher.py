"""Makes messages of the world's changes, and decides which attempt to deliver is due when.

It has no clock and sends nothing: time and the results of attempts are arguments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from mockserver._serving.webhooks.outbox import Outbox
from mockserver._serving.webhooks.planning import Attempt, Message, attempts_of, retry_of
from mockserver._serving.webhooks.wire import body_of
from mockserver._world.scripts import TERMINAL

if TYPE_CHECKING:
    from mockserver._serving.service import Service
    from mockserver._serving.webhooks.settings import WebhookSettings
    from mockserver._world.feed import ChangeFeed
    from mockserver._world.truth import JobChange


@attrs.frozen
class DispatcherState:
    """The attempts to be made, those in progress among them, and the counts of messages by job."""

    at: float
    attempts: tuple[Attempt, ...]
    reported: Mapping[str, int]


class Dispatcher:
    """The messages about the jobs of one world, from the world's start on.

    Its settings can be replaced, for messages that aren't planned yet.
    """

    def __init__(self, service: Service, settings: WebhookSettings) -> None:
        self.settings: WebhookSettings = settings
        self._service = service
        self.feed: ChangeFeed = service.world.follow()
        self._outbox = Outbox()
        self._in_progress: list[Attempt] = []
        self._reported: dict[str, int] = {}

    def collect(self, t: float) -> None:
        """Plan the messages about the changes until `t`, in seconds since the world's start."""
        for change in self.feed.take(t):
            if self._is_reported(change.status):
                message = self._message(change)
                self._reported[change.job_id] = message.number + 1
                randomness = self._service.world.randomness
                self._outbox.add(attempts_of(self.settings, randomness, message))
            if change.status in TERMINAL:
                self._reported.pop(change.job_id, None)

    def _is_reported(self, status: str) -> bool:
        return status in self.settings.statuses or (
            status == "processing" and self._service.quirks.webhook_on_processing
        )

    def _message(self, change: JobChange) -> Message:
        service = self._service
        job = service.world.job(change.job_id, change.at)
        return Message(
            job_id=change.job_id,
            status=change.status,
            number=self._reported.get(change.job_id, 0),
            changed_at=change.at,
            url=job.callback,
            body=body_of(job, change.at, service.epoch, service.quirks, service.results_at),
        )

    def take(self, t: float) -> Attempt | None:
        """Take the next attempt that is due by `t`, which is then in progress; None if there is none."""
        attempt = self._outbox.take(t)
        if attempt is not None:
            self._in_progress.append(attempt)
        return attempt

    def conclude(self, attempt: Attempt, t: float, *, is_over: bool) -> None:
        """Record that an attempt ended at `t`, and whether its copy needs no further attempt."""
        self._in_progress.remove(attempt)
        if not attempt.is_lost:
            self._outbox.release(attempt, t)
        if not is_over:
            retry = retry_of(self.settings, attempt, t)
            self._outbox.add(() if retry is None else (retry,))

    def put_back(self) -> None:
        """Make the attempts in progress due again, as they were interrupted."""
        self._outbox.add(self._in_progress)
        self._in_progress = []

    def next_at(self) -> float:
        """The time until which there is nothing to do, in seconds since the world's start."""
        return min(self.feed.next_at(), self._outbox.next_at())

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to report, unless the world is changed."""
        return not self._in_progress and self.next_at() == math.inf

    def state(self, t: float) -> DispatcherState:
        """Its state at `t`, the present."""
        self.collect(t)
        attempts = (*self._in_progress, *self._outbox.attempts())
        return DispatcherState(t, attempts, dict(self._reported))

    def go_on_from(self, state: DispatcherState) -> None:
        """Begin with a state, after the world has returned to its time."""
        # The changes until then have been reported, or are among the attempts.
        self.feed.take(state.at)
        self._reported = dict(state.reported)
        self._outbox.add(state.attempts)

    def close(self) -> None:
        """Stop following the world."""
        self._service.world.unfollow(self.feed)
        self.feed.on_news = None
