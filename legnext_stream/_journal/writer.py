"""Group commit: entries gather while the disk is at work, and go out together with the next write."""

from __future__ import annotations

import trio

from legnext_stream._journal.store import Entry, Store
from legnext_stream._util.threads import off_the_event_path


class Writer:
    """The way to a store from the tasks of a Trio run. One write at a time, in the order of `put`.

    Args:
        store: The file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries: list[Entry] = []
        self._taken = 0
        self._written = 0
        self._failure: Exception | None = None
        self._lock = trio.Lock()
        self._news = trio.Event()

    def put(self, entry: Entry) -> None:
        """Take in an entry; it is written soon."""
        self._entries.append(entry)
        self._taken += 1
        self._news.set()

    async def flush(self) -> None:
        """Wait until all that was put so far is on the disk.

        Raises:
            JournalError: It can't be written; nothing can be any more.
        """
        mine = self._taken
        while self._written < mine:
            async with self._lock:
                # While we waited for our turn, the one before us may have written ours too.
                if self._written < mine:
                    await self._write()

    async def keep_up(self) -> None:
        """Write what comes, for as long as it is not cancelled.

        Raises:
            JournalError: As `flush` does.
        """
        while True:
            await self._news.wait()
            self._news = trio.Event()
            await self.flush()

    async def _write(self) -> None:
        if self._failure is not None:
            raise self._failure
        entries = self._entries.copy()
        try:
            await off_the_event_path(lambda: self._store.write(entries))
        except Exception as error:
            # What comes later may build on what was lost, so nothing more goes in.
            self._failure = error
            raise
        del self._entries[: len(entries)]
        self._written += len(entries)
