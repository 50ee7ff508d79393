"""Group commit: records that come while a write is under way go out together with the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import trio

from legnext_stream._core.backoff import REQUESTS
from legnext_stream._journal.recorder import Outcome, Recorder, Written
from legnext_stream._journal.records import Claimed, Place, Record, Settled
from legnext_stream.errors import JournalError, JournalInUseError

# How a watch that has lost its records ends: what is recorded stays, what is in memory is dropped.
_LOST: Final = {
    Outcome.FENCED: (
        JournalInUseError,
        "another watch has taken the journal over: this one has ended, and that one goes on",
    ),
    Outcome.GAP: (
        JournalError,
        "the journal lacks what this watch wrote before; start it again, to go on from what there is",
    ),
}


@attrs.define(eq=False)
class Claim:
    """A prompt that asks for its position."""

    place: Place | None = None  # the answer, once the claim is flushed


class GroupCommit:
    """The way of a Trio run to a recorder: one write at a time, in the order of `put`.

    `on_available` is called with False when nothing can be written for now, and then with True.
    """

    def __init__(self, recorder: Recorder, on_available: Callable[[bool], None]) -> None:
        self._recorder = recorder
        self._on_available = on_available
        self._records: list[Record] = []
        self._claims: list[Claim] = []
        # The batch that is being written: it stays the same until the answer is known.
        self._batch: list[Record] = []
        self._number = 0
        self._put = 0
        self._written = 0
        self._is_available = True
        self._failure: Exception | None = None
        self._turn = trio.Lock()
        self._news = trio.Event()

    def put(self, record: Record, *, is_urgent: bool = True) -> None:
        """Take in a record. One that isn't urgent waits for the next that is, or for `flush`."""
        self._records.append(record)
        self._put += 1
        if is_urgent:
            self._news.set()

    def claim(self, record: Claimed) -> Claim:
        """Take in a claim; its place is known after the next `flush`."""
        claim = Claim()
        self._claims.append(claim)
        self.put(record)
        return claim

    async def flush(self) -> None:
        """Return when all that was put so far is recorded.

        Raises:
            JournalError: It can't be, and nothing can be any more.
        """
        mine = self._put
        while self._written < mine:
            async with self._turn:
                # The call that had its turn before may have written ours, too.
                if self._written < mine:
                    await self._write()

    async def run(self) -> None:
        """Write what comes, until cancelled; raises what `flush` does."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            await self.flush()

    async def settle(self) -> None:
        """After a failure, write what is known by now of submits: that counts all the same."""
        records = (*self._batch, *self._records)
        settled = [record for record in records if isinstance(record, Settled)]
        if settled:
            await self._recorder.write(self._number + 1, settled)

    async def _write(self) -> None:
        if self._failure is not None:
            raise self._failure
        if not self._batch:
            self._batch, self._records = self._records, []
            self._number += 1
        try:
            written = await self._answer()
            if written.outcome is not Outcome.DONE:
                kind, message = _LOST[written.outcome]
                raise kind(message)  # noqa: TRY301 - kept like those that `write` raises
        except Exception as error:
            # What comes later may build on what was lost, so nothing more goes in.
            self._failure = error
            raise
        for claim, place in zip(self._claims, written.places, strict=False):
            claim.place = place
        del self._claims[: len(written.places)]
        self._written += len(self._batch)
        self._batch = []

    async def _answer(self) -> Written:
        """Write the batch, again and again while the recorder is unavailable."""
        attempt = 0
        while True:
            attempt += 1
            written = await self._recorder.write(self._number, self._batch)
            is_available = written.outcome is not Outcome.UNAVAILABLE
            if is_available is not self._is_available:
                self._is_available = is_available
                self._on_available(is_available)
            if is_available:
                return written
            await trio.sleep(REQUESTS.wait(attempt, "journal"))
