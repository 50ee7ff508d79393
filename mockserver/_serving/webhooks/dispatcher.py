"""Turns the world's changes into messages, and says which attempt at delivery is to be made when.

It knows no clock and sends nothing: time is an argument, and what came of an attempt is told to it.
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
    from mockserver._world import ChangeFeed, JobChange


@attrs.frozen
class DispatcherState:
    """What a dispatcher holds at one time.

    Attributes:
        at: The time, in seconds since the world's start.
        attempts: The attempts that are to be made, those under way among them.
        told: How many messages there were about each job that hasn't ended.
    """

    at: float
    attempts: tuple[Attempt, ...]
    told: Mapping[str, int]


class Dispatcher:
    """What is to be told of one world's jobs, from the world's start on.

    Args:
        service: The world, and how its jobs are written.
        settings: What is told, and what goes wrong.

    Attributes:
        settings: The same; may be replaced, for messages that aren't planned yet.
        feed: The changes that haven't been looked at.
    """

    def __init__(self, service: Service, settings: WebhookSettings) -> None:
        self.settings: WebhookSettings = settings
        self._service = service
        self.feed: ChangeFeed = service.world.follow()
        self._outbox = Outbox()
        self._under_way: list[Attempt] = []
        self._told: dict[str, int] = {}

    def collect(self, t: float) -> None:
        """Plan what there is to tell of the changes up to `t`.

        Args:
            t: In seconds since the world's start.
        """
        for change in self.feed.take(t):
            if self._is_told(change.status):
                message = self._message(change)
                self._told[change.job_id] = message.number + 1
                randomness = self._service.world.randomness
                self._outbox.add(attempts_of(self.settings, randomness, message))
            if change.status in TERMINAL:
                self._told.pop(change.job_id, None)

    def _is_told(self, status: str) -> bool:
        return status in self.settings.statuses or (
            status == "processing" and self._service.quirks.webhook_on_processing
        )

    def _message(self, change: JobChange) -> Message:
        service = self._service
        job = service.world.job(change.job_id, change.at)
        return Message(
            job_id=change.job_id,
            status=change.status,
            number=self._told.get(change.job_id, 0),
            changed_at=change.at,
            url=job.callback,
            body=body_of(job, change.at, service.epoch, service.quirks, service.results_at),
        )

    def take(self, t: float) -> Attempt | None:
        """The next attempt that is due by `t`, which is now under way; None if there is none."""
        attempt = self._outbox.take(t)
        if attempt is not None:
            self._under_way.append(attempt)
        return attempt

    def conclude(self, attempt: Attempt, t: float, *, is_over: bool) -> None:
        """Take note that an attempt ended at `t`.

        Args:
            attempt: The attempt.
            t: When, in seconds since the world's start.
            is_over: Whether this copy needs no other attempt.
        """
        self._under_way.remove(attempt)
        if not attempt.is_lost:
            self._outbox.release(attempt, t)
        if not is_over:
            retry = retry_of(self.settings, attempt, t)
            self._outbox.add(() if retry is None else (retry,))

    def put_back(self) -> None:
        """Have the attempts that are under way made again: nobody carries them out any more."""
        self._outbox.add(self._under_way)
        self._under_way = []

    def next_at(self) -> float:
        """Before when there is nothing to do, in seconds since the world's start."""
        return min(self.feed.next_at(), self._outbox.next_at())

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be told any more, unless something is done to the world."""
        return not self._under_way and self.next_at() == math.inf

    def state(self, t: float) -> DispatcherState:
        """What it holds at `t`, the present."""
        self.collect(t)
        attempts = (*self._under_way, *self._outbox.attempts())
        return DispatcherState(t, attempts, dict(self._told))

    def go_on_from(self, state: DispatcherState) -> None:
        """Begin with a state, the world having been put back to its time."""
        # All that had changed by then has been told, or is among the attempts.
        self.feed.take(state.at)
        self._told = dict(state.told)
        self._outbox.add(state.attempts)

    def close(self) -> None:
        """Look at the world no more."""
        self._service.world.unfollow(self.feed)
        self.feed.on_news = None
