"""From the server's thread to those of the watches: callbacks and hints are passed on here.

A callback and an id may come at the same time, in two threads. A callback is first kept and then put
into the inboxes; a watch first knows a job and then looks among the kept callbacks. So at least one of the
two finds the other; if both do, the watch ignores the second. A callback that is dropped to keep within
bounds is as good as one that was lost on the way: polling finds out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from legnext_stream._webhooks.callback import Callback
from legnext_stream._webhooks.waiting import Waiting

# Callbacks in the inbox of a watch at most: its consumer may be slow.
_MOST: Final = 10_000
_MOST_BYTES: Final = 16 * 2**20
# Callbacks that a watch takes at a time, so that other tasks run in between.
_AT_ONCE: Final = 100


class Inbox:
    """The callbacks for one watch. The exchange's lock protects it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake: Callable[[], None] = wake
        self._callbacks: deque[Callback] = deque()
        self._bytes = 0
        self._hints: dict[str, None] = {}

    def put(self, callback: Callback) -> None:
        """Add a callback."""
        self._callbacks.append(callback)
        self._bytes += callback.size
        while len(self._callbacks) > _MOST or self._bytes > _MOST_BYTES:
            self._bytes -= self._callbacks.popleft().size

    def put_hint(self, job_id: str) -> None:
        """Add a hint that the status of a job may have changed."""
        if len(self._hints) < _MOST:
            self._hints[job_id] = None

    def take(self) -> tuple[list[Callback], list[str], bool]:
        """Remove and return some callbacks and some hints, and whether there are more."""
        callbacks = [self._callbacks.popleft() for _ in range(min(_AT_ONCE, len(self._callbacks)))]
        self._bytes -= sum(callback.size for callback in callbacks)
        hints = list(self._hints)[:_AT_ONCE]
        for job_id in hints:
            del self._hints[job_id]
        return callbacks, hints, bool(self._callbacks or self._hints)


class Exchange:
    """Passes callbacks from the server's thread to watches in other threads. `now` returns seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._waiting = Waiting()
        self._inboxes: list[Inbox] = []
        # The number of callbacks that waited for a watch in vain.
        self.forgotten: int = 0

    def open(self, wake: Callable[[], None]) -> Inbox:
        """Make an inbox for a watch. `wake` is called in any thread when it got something; must not raise."""
        inbox = Inbox(wake)
        with self._lock:
            self._inboxes.append(inbox)
        return inbox

    def close(self, inbox: Inbox) -> None:
        """Close the inbox of a watch that has ended."""
        with self._lock:
            self._inboxes.remove(inbox)

    def put(self, callback: Callback) -> None:
        """Pass a verified callback to all watches, and keep it for one that is still to come."""
        with self._lock:
            self.forgotten += self._waiting.keep(self._now(), callback)
            for inbox in self._inboxes:
                inbox.put(callback)
        self._wake_all()

    def hint(self, job_id: str) -> None:
        """Pass the hint of an unsigned callback to all watches."""
        with self._lock:
            for inbox in self._inboxes:
                inbox.put_hint(job_id)
        self._wake_all()

    def _wake_all(self) -> None:
        for inbox in list(self._inboxes):
            inbox.wake()

    def take(self, inbox: Inbox) -> tuple[list[Callback], list[str], bool]:
        """Take from an inbox; see `Inbox.take`."""
        with self._lock:
            return inbox.take()

    def claim(self, job_id: str) -> Callback | None:
        """Remove and return the kept callback about a job, which a watch has now; None if there is none."""
        with self._lock:
            return self._waiting.take(job_id)
