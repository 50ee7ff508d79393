"""A watch's journal: what goes into it while the watch runs, and how a watch goes on from it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import attrs
import trio

from legnext_stream._core.model.decoding import decode_job
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import VERDICTS, Job, JobError, JobStatus
from legnext_stream._core.submitting import is_lasting
from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension
from legnext_stream._journal.entries import (
    Acknowledged,
    KeptEvent,
    Learned,
    Observed,
    Removed,
    Taken,
)
from legnext_stream._journal.ledger import Ledger
from legnext_stream._journal.prompts import Moved, Refused
from legnext_stream._journal.store import Store
from legnext_stream._journal.writer import Writer
from legnext_stream._log import journal_resumed
from legnext_stream._util.slices import Slices
from legnext_stream._util.threads import off_the_event_path
from legnext_stream.errors import JournalError

# What was learned is written at most this often, in seconds, and only if it has changed: a kill costs no
# more than that.
_LEARNED_EVERY = 10.0


class Keeper(Extension):
    """Keeps a watch's journal.

    Args:
        path: The file.
        account: Whose jobs are in it.
    """

    def __init__(self, path: Path, account: Account) -> None:
        self._path = path
        self._account = account
        # What the file has of it.
        self._kept_learned: dict[str, Mapping[str, object]] = {}
        # Seconds since 1970 when Trio's clock was at zero.
        self._offset = 0.0
        self._store: Store | None = None
        self._writer: Writer | None = None

    async def open(self) -> None:
        """Open the file.

        Raises:
            JournalInUseError: Another watch has it.
            ConfigurationError: It belongs to another host or account.
            JournalError: It can't be opened or read.
        """
        self._offset = time.time() - trio.current_time()
        # Kept inside the thread: were it only returned, a cancellation could lose an open file.
        await off_the_event_path(self._open)

    def _open(self) -> None:
        lanes = self._account.lanes
        self._store = Store.open(self._path, base_url=lanes.base_url, fingerprint=lanes.fingerprint)
        self._writer = Writer(self._store)

    @property
    def _opened(self) -> Store:
        assert self._store is not None  # noqa: S101 - for the type checker: `open` comes first
        return self._store

    @property
    def writer(self) -> Writer:
        """The way into the open file."""
        assert self._writer is not None  # noqa: S101 - for the type checker: `open` comes first
        return self._writer

    async def _learned(self, store: Store) -> None:
        for name in self._account.learned():
            state = await off_the_event_path(partial(store.learned, name))
            if state is not None:
                self._kept_learned[name] = state
                self._account.remember(name, state)

    async def restore(self) -> Sequence[JobEvent]:
        """Tell a new tracker what an earlier one was told, and return the ends that are still owed.

        Raises:
            JournalError: The file can't be read.
        """
        store, tracker = self._opened, self.watch.tracker
        await self._learned(store)
        ended = await off_the_event_path(lambda: list(store.ended()))
        unfinished = await off_the_event_path(store.unfinished)
        slices = Slices()
        for job_id in ended:
            tracker.restore_ended(job_id)
            await slices.done_one()
        owed = []
        for job in unfinished:
            if job.owed is None:
                tracker.restore(
                    trio.current_time(),
                    job.job_id,
                    status=job.status,
                    place=job.place,
                    words=job.words,
                )
            else:
                tracker.restore_ended(job.job_id)
                owed.append(self.event(job.owed, job.status))
            await slices.done_one()
        if tracker.known:
            journal_resumed(tracker.known, tracker.active)
        return owed

    def taken(self, item: str | Job) -> None:
        """An id has come in."""
        now = time.time()
        if isinstance(item, str):
            self.writer.put(Taken(item, now))
        elif item.status.is_terminal:
            self.writer.put(Taken(item.job_id, now))
        else:
            self.writer.put(Taken(item.job_id, now, item.status, _utf8(item.raw_status)))

    def removed(self, job_id: str) -> None:
        """A job is watched no longer."""
        self.writer.put(Removed(job_id))

    @property
    def ledger(self) -> Ledger:
        """The prompts of a batch in the open file."""
        return Ledger(self._opened, self.writer)

    def observed(self, event: JobEvent) -> None:
        """An event was made."""
        if event.status.is_terminal:
            kept = self._kept(event)
            if event.job_id:
                self.writer.put(Observed(kept))
            elif event.position is not None and is_lasting(event):
                self.writer.put(Refused(event.position, kept))

    def acknowledged(self, event: JobEvent) -> None:
        """The consumer is done with an event."""
        self.writer.put(Acknowledged(self._kept(event), trio.current_time() + self._offset))
        if event.position is not None and not event.job_id and is_lasting(event):
            self.writer.put(Moved(event.position, "ended"))

    async def flush(self) -> None:
        """Wait until all that the journal was told is on the disk.

        Raises:
            JournalError: It can't be written.
        """
        await self.writer.flush()

    async def run(self) -> None:
        """Write what comes, and now and then what was learned, until cancelled.

        Raises:
            JournalError: The file can't be written.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.writer.keep_up)
            while True:
                await trio.sleep(_LEARNED_EVERY)
                self._put_learned()

    def _put_learned(self) -> None:
        """Write what polling has taught since the last time, if anything: each write wakes the disk."""
        for name, state in self._account.learned().items():
            if state != self._kept_learned.get(name):
                self._kept_learned[name] = state
                self.writer.put(Learned(name, state))

    async def close(self) -> None:
        """Write the rest and close the file. Shielded; bounded by the disk."""
        if self._writer is None or self._store is None:
            return
        with trio.CancelScope(shield=True):
            try:
                self._put_learned()
                await self._writer.flush()
            except JournalError:
                # Whoever waited for an acknowledgement was told. The rest is found anew at a restart.
                pass
            finally:
                await off_the_event_path(self._store.close)  # noqa: ASYNC102 - bounded by the disk
        self._store = self._writer = None

    def _kept(self, event: JobEvent) -> KeptEvent:
        earliest, latest = event.changed_between
        error = event.job.error if event.status in VERDICTS else None
        return KeptEvent(
            job_id=event.job_id,
            status=event.status,
            raw_status=_utf8(event.job.raw_status),
            previous=event.previous,
            observed_at=event.observed_at + self._offset,
            changed_between=(
                None if earliest is None else earliest + self._offset,
                latest + self._offset,
            ),
            body=_without_secret(event.job.raw),
            code=0 if error is None else error.code,
            reason="" if error is None else _utf8(error.message),
        )

    def event(self, kept: KeptEvent, previous: JobStatus | None = None) -> JobEvent:
        """An event as it was made, from what the file has of it."""
        earliest, latest = kept.changed_between
        job = attrs.evolve(
            decode_job(kept.body),
            job_id=kept.job_id,
            status=kept.status,
            raw_status=kept.raw_status,
        )
        if kept.status in VERDICTS:
            job = attrs.evolve(job, error=JobError(code=kept.code, message=kept.reason))
        return JobEvent(
            job_id=kept.job_id,
            status=kept.status,
            previous=previous,
            job=job,
            observed_at=kept.observed_at - self._offset,
            changed_between=(
                None if earliest is None else earliest - self._offset,
                latest - self._offset,
            ),
        )


def _without_secret(body: Mapping[str, object]) -> Mapping[str, object]:
    """A job object without its `config`, where the secret of its webhook stands."""
    return {name: value for name, value in body.items() if name != "config"}


def _utf8(text: str) -> str:
    """A text from the wire, without what is no character and can't be written."""
    return text.encode("utf-8", "replace").decode()
