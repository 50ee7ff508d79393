"""The callback listener of one watch: gives the callbacks that a receiver got to the watch's tracker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import trio

from legnext_stream._core.answers import reported
from legnext_stream._engine.extension import Extension
from legnext_stream._webhooks.callback import Callback
from legnext_stream._webhooks.exchange import Exchange, Inbox


class CallbackListener(Extension):
    """Listens to a receiver, by its exchange, for one watch, as long as that lasts."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._inbox: Inbox | None = None
        # When the first came of those that have not been taken in.
        self._came_at: float | None = None

    async def open(self) -> None:
        """Begin to listen."""
        self.watch.tracker.expect_callbacks()
        token = trio.lowlevel.current_trio_token()
        self._inbox = self._exchange.open(partial(_soon, token, self._something_came))

    def ended(self) -> None:
        """Stop listening. May be called again."""
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            self._exchange.close(inbox)

    def _something_came(self) -> None:
        if self._came_at is None:
            self._came_at = trio.current_time()
        self.watch.wake()

    def before_step(self) -> None:
        """Tell the tracker what has come: all of it, or a part and wake the watch for the rest."""
        if self._inbox is not None and self._came_at is not None:
            self._empty(self._inbox, self._came_at)
        for job_id in self.watch.tracker.newcomers():
            callback = self._exchange.claim(job_id)
            if callback is not None:
                self._observe(trio.current_time(), callback)

    def _empty(self, inbox: Inbox, at: float) -> None:
        tracker = self.watch.tracker
        callbacks, hints, has_more = self._exchange.take(inbox)
        if not has_more:
            self._came_at = None
        for callback in callbacks:
            if tracker.knows(callback.job_id):
                self._exchange.claim(callback.job_id)
                self._observe(at, callback)
        for job_id in hints:
            tracker.hint(trio.current_time(), job_id)
        if has_more:
            self.watch.wake()

    def _observe(self, came_at: float, callback: Callback) -> None:
        seen = reported(callback.job_id, callback.body, callback.status, came_at)
        events = self.watch.tracker.observe(trio.current_time(), seen)
        self.watch.deliver(events, callback.size)


def _soon(token: trio.lowlevel.TrioToken, do: Callable[[], None]) -> None:
    """Call something in a Trio run, from any thread; once, however often that is requested."""
    try:
        token.run_sync_soon(do, idempotent=True)
    except trio.RunFinishedError:
        return  # and the watch with it
