"""The mailboxes of all who follow one watch: each gets every event, and none holds up another."""

from __future__ import annotations

import weakref
from typing import Final

import trio

from legnext_stream._core.model.events import JobEvent
from legnext_stream._engine.mailbox import Mailbox

UNDELIVERED: Final = 1000
"""Undelivered events with which a mailbox is full: enough to ride out a reader's pause, and not so
many that what it reads is stale."""


class Mailroom:
    """Hands each event to every mailbox.

    Whoever makes events stops making them while *nobody* has room. So one who is slow, or has
    stopped reading, doesn't slow the others: in its mailbox the changes of a job are merged, and it
    holds no more than one event a job.
    """

    def __init__(self) -> None:
        # Weakly, so that a mailbox goes with its reader.
        self._mailboxes: list[weakref.ref[Mailbox]] = []
        self._room = trio.Event()
        self._is_closed = False
        self._failure: Exception | None = None

    def open(self, capacity: float) -> Mailbox:
        """A new mailbox, for the events from now on.

        Args:
            capacity: How many jobs may have an undelivered event before it is full; see `Mailbox`.
        """
        mailbox = Mailbox(capacity, self._room_was_made)
        self._mailboxes.append(weakref.ref(mailbox, self._leave))
        if self._is_closed:
            mailbox.close(self._failure)
        return mailbox

    def _leave(self, gone: weakref.ref[Mailbox]) -> None:
        # By whatever thread collects garbage: no more than this may be done here.
        self._mailboxes.remove(gone)

    def _all(self) -> list[Mailbox]:
        return [mailbox for ref in self._mailboxes if (mailbox := ref()) is not None]

    def put(self, event: JobEvent, size: int = 0) -> None:
        """Hand out an event.

        Args:
            event: The event.
            size: That of the answer it was made of, bytes.
        """
        for mailbox in self._all():
            mailbox.put(event, size)

    def discard(self, job_id: str) -> None:
        """Take back what is undelivered of a job."""
        for mailbox in self._all():
            mailbox.discard(job_id)

    def close(self, failure: Exception | None = None) -> None:
        """Nothing more will come: see `Mailbox.close`."""
        self._is_closed, self._failure = True, failure
        for mailbox in self._all():
            mailbox.close(failure)

    @property
    def is_full(self) -> bool:
        """Whether nobody has room."""
        return all(mailbox.is_full for mailbox in self._all())

    async def wait_for_room(self) -> None:
        """Wait until somebody has room."""
        while self.is_full:
            # Several may wait, all for the same event: a new one must not hide it from the others.
            if self._room.is_set():
                self._room = trio.Event()
            await self._room.wait()

    def _room_was_made(self) -> None:
        self._room.set()
