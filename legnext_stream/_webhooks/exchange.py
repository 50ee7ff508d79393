"""From the thread of a server to those of the watches: callbacks and hints are handed over here.

Nothing is lost between a callback that comes and an id that comes at the same time in another thread:
a callback is kept first and handed to the watches then, and a watch knows a job first and looks among
what is kept then. So at least one of the two finds the other; if both do, the watch passes over the
second. Whatever is dropped for the sake of bounds is as good as a lost callback: polling finds out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from legnext_stream._webhooks.callback import Callback
from legnext_stream._webhooks.waiting import Waiting

# What a watch that is held up by its consumer has not taken in yet.
_MOST: Final = 10_000
_MOST_BYTES: Final = 16 * 2**20
# A watch takes in so many at a time, so that others get their turn.
_AT_ONCE: Final = 100


class Inbox:
    """What has come for one watch. Its exchange guards it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake: Callable[[], None] = wake
        self._callbacks: deque[Callback] = deque()
        self._bytes = 0
        self._hints: dict[str, None] = {}

    def put(self, callback: Callback) -> None:
        """A callback has come."""
        self._callbacks.append(callback)
        self._bytes += callback.size
        while len(self._callbacks) > _MOST or self._bytes > _MOST_BYTES:
            self._bytes -= self._callbacks.popleft().size

    def put_hint(self, job_id: str) -> None:
        """Somebody says that something has become of a job."""
        if len(self._hints) < _MOST:
            self._hints[job_id] = None

    def take(self) -> tuple[list[Callback], list[str], bool]:
        """The next of the callbacks, the next of the hints, and whether there are more."""
        callbacks = [self._callbacks.popleft() for _ in range(min(_AT_ONCE, len(self._callbacks)))]
        self._bytes -= sum(callback.size for callback in callbacks)
        hints = list(self._hints)[:_AT_ONCE]
        for job_id in hints:
            del self._hints[job_id]
        return callbacks, hints, bool(self._callbacks or self._hints)


class Exchange:
    """Hands what comes in one thread to watches in any other.

    Args:
        now: Gives the time, seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._waiting = Waiting()
        self._inboxes: list[Inbox] = []
        self._forgotten = 0

    @property
    def forgotten(self) -> int:
        """How many callbacks have waited for a watch in vain."""
        return self._forgotten

    def open(self, wake: Callable[[], None]) -> Inbox:
        """An inbox for a watch.

        Args:
            wake: Called, in any thread, when something has come. It must not raise.
        """
        inbox = Inbox(wake)
        with self._lock:
            self._inboxes.append(inbox)
        return inbox

    def close(self, inbox: Inbox) -> None:
        """A watch has ended."""
        with self._lock:
            self._inboxes.remove(inbox)

    def hand_over(self, callback: Callback) -> None:
        """A verified callback has come."""
        with self._lock:
            self._forgotten += self._waiting.keep(self._now(), callback)
            for inbox in self._inboxes:
                inbox.put(callback)
            woken = list(self._inboxes)
        for inbox in woken:
            inbox.wake()

    def hint(self, job_id: str) -> None:
        """A callback has come that nobody has signed."""
        with self._lock:
            for inbox in self._inboxes:
                inbox.put_hint(job_id)
            woken = list(self._inboxes)
        for inbox in woken:
            inbox.wake()

    def take(self, inbox: Inbox) -> tuple[list[Callback], list[str], bool]:
        """What is in an inbox; see `Inbox.take`."""
        with self._lock:
            return inbox.take()

    def claim(self, job_id: str) -> Callback | None:
        """A watch has a job: the callback that waits for it, if any, waits no longer."""
        with self._lock:
            return self._waiting.take(job_id)
