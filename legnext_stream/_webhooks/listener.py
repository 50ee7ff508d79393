"""One watch's ear at a receiver: it brings what has come, in whatever thread, to the watch's tracker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import trio

from legnext_stream._core.answers import reported
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.tracker import Tracker
from legnext_stream._webhooks.callback import Callback
from legnext_stream._webhooks.exchange import Exchange, Inbox

Deliver = Callable[[list[JobEvent], int], None]


class Ear:
    """Listens for one watch, from `open` to `close`. Of the watch's Trio run.

    Args:
        exchange: Where callbacks are handed over.
        tracker: Who takes them in.
        deliver: Takes the events that they make, and the size of what they were made of, bytes.
        wake: Has the watch call `take_in`.
    """

    def __init__(
        self, exchange: Exchange, tracker: Tracker, deliver: Deliver, wake: Callable[[], None]
    ) -> None:
        self._exchange = exchange
        self._tracker = tracker
        self._deliver = deliver
        self._wake = wake
        self._inbox: Inbox | None = None
        # When the first came of those that have not been taken in.
        self._came_at: float | None = None

    def open(self) -> None:
        """Begin to listen."""
        token = trio.lowlevel.current_trio_token()
        self._inbox = self._exchange.open(partial(_soon, token, self._something_came))

    def close(self) -> None:
        """Listen no more. May be called again."""
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            self._exchange.close(inbox)

    def _something_came(self) -> None:
        if self._came_at is None:
            self._came_at = trio.current_time()
        self._wake()

    def take_in(self) -> None:
        """Tell the tracker what has come: all of it, or a part and again when next woken."""
        if self._inbox is not None and self._came_at is not None:
            self._empty(self._inbox, self._came_at)
        for job_id in self._tracker.newcomers():
            callback = self._exchange.claim(job_id)
            if callback is not None:
                self._observe(trio.current_time(), callback)

    def _empty(self, inbox: Inbox, at: float) -> None:
        callbacks, hints, has_more = self._exchange.take(inbox)
        if not has_more:
            self._came_at = None
        for callback in callbacks:
            if self._tracker.knows(callback.job_id):
                self._exchange.claim(callback.job_id)
                self._observe(at, callback)
        for job_id in hints:
            self._tracker.hint(trio.current_time(), job_id)
        if has_more:
            self._wake()

    def _observe(self, came_at: float, callback: Callback) -> None:
        seen = reported(callback.job_id, callback.body, callback.status, came_at)
        self._deliver(self._tracker.observe(trio.current_time(), seen), callback.size)


def _soon(token: trio.lowlevel.TrioToken, do: Callable[[], None]) -> None:
    """Have something done in a Trio run, from any thread; once, however often it is asked for."""
    try:
        token.run_sync_soon(do, idempotent=True)
    except trio.RunFinishedError:
        return  # and the watch with it
