"""How a journal hangs on a watch: what goes in while it runs, and how the next watch goes on from it."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Final

import attrs
import trio

from legnext_stream._core.model.decoding import decode_job
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import VERDICTS, Job, JobError, words_of
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.submitting import is_lasting
from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension
from legnext_stream._journal.group_commit import Claim, GroupCommit
from legnext_stream._journal.recorder import Recorder
from legnext_stream._journal.records import (
    Acknowledged,
    Claimed,
    Content,
    Learned,
    RecordedEvent,
    RecordedJob,
    RecordedPrompt,
    Removed,
    Reopened,
    Reported,
    Sending,
    Settled,
    Taken,
)
from legnext_stream._log import LOGGER
from legnext_stream._util.slices import Slices
from legnext_stream.errors import JournalError

# What was learned is written at most this often, seconds, and only if it has changed. A kill loses no
# more than that.
_LEARNED_EVERY: Final = 10.0
# A longer pause is written as soon as it begins, seconds; a shorter one ends before the next run begins.
_SHORT_PAUSE: Final = 1.0
# How long closing waits for a recorder that is unavailable, seconds.
_CLOSING: Final = 5.0


class JournalExtension(Extension):
    """Records what happens in a watch of an account's jobs."""

    def __init__(self, recorder: Recorder, account: Account) -> None:
        self._recorder = recorder
        self._account = account
        self._commit = GroupCommit(recorder, self._on_available)
        self._is_open = False
        # Seconds since 1970 when Trio's clock was at zero.
        self._offset = 0.0
        # How many events were reported of each unfinished job, if any.
        self._sequences: dict[str, int] = {}
        # What was learned, as it is recorded; and how long the recorded pause lasts, on Trio's clock.
        self._recorded: dict[str, Mapping[str, object]] = {}
        self._paused_until = -math.inf

    # -- Beginning and end

    async def open(self) -> None:
        """Open the recorder; see `Recorder.open` for what it raises."""
        self._offset = time.time() - trio.current_time()
        await self._recorder.open()
        self._is_open = True

    async def restore(self) -> Sequence[JobEvent]:
        """Have the account and the tracker go on; return the events that were not acknowledged."""
        for name in self._account.learned(self._wall_now):
            state = await self._recorder.learned(name)
            if state is not None:
                self._recorded[name] = state
                self._account.remember(name, state, self._wall_now)
        tracker, slices = self.watch.tracker, Slices()
        async with aclosing(self._recorder.ended()) as pages:
            async for ids in pages:
                for job_id in ids:
                    tracker.restore_ended(job_id)
                    await slices.done_one()
        events: list[JobEvent] = []
        async with aclosing(self._recorder.unfinished()) as pages_of_jobs:
            async for jobs in pages_of_jobs:
                for job in jobs:
                    self._restore(job)
                    events += map(self.event_of, job.unacknowledged)
                    await slices.done_one()
        if tracker.known:
            LOGGER.warning(
                "resumed from a journal: %d jobs, %d of them have not ended",
                tracker.known,
                tracker.active,
            )
        return events

    def _restore(self, job: RecordedJob) -> None:
        tracker = self.watch.tracker
        if job.status is not None and job.status.is_terminal:
            tracker.restore_ended(job.job_id)
            return
        if job.sequence:
            self._sequences[job.job_id] = job.sequence
        tracker.restore(
            trio.current_time(),
            job.job_id,
            status=job.status,
            place=job.place,
            words=job.words,
        )

    async def run(self) -> None:
        """Write what comes, and now and then what was learned, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._commit.run)
            while True:
                await trio.sleep(_LEARNED_EVERY)
                self._put_learned()

    def before_step(self) -> None:
        """Record a long pause as soon as it begins, so that the next run keeps to it after a kill, too."""
        now = trio.current_time()
        until = self._account.pacer.paused_until(now)
        if until > max(now, self._paused_until) + _SHORT_PAUSE:
            self._paused_until = until
            self._put_learned()

    def _put_learned(self) -> None:
        for name, state in self._account.learned(self._wall_now).items():
            if state != self._recorded.get(name):
                self._recorded[name] = state
                self._commit.put(Learned(name, state))

    def _on_available(self, is_available: bool) -> None:  # noqa: FBT001 - what is called is a callback
        if is_available:
            LOGGER.warning("the journal can be written again: polling and submitting go on")
            self.watch.delivery.resume()
        else:
            LOGGER.warning(
                "the journal can't be written for now: polling and submitting pause until it can"
            )
            self.watch.delivery.pause()

    async def close(self) -> None:
        """Write the rest and close the recorder. Shielded; bounded by the disk."""
        with trio.CancelScope(shield=True):
            try:
                if self._is_open:
                    await self._write_rest()
            finally:
                # Also after an `open` that was cancelled, when it had been opened already.
                await self._recorder.close()  # noqa: ASYNC102 - shielded, and bounded by the disk

    async def _write_rest(self) -> None:
        # An error was raised to the consumer when it waited for an acknowledgement. What else could not
        # be written the next watch finds out anew, except what became of submits.
        with suppress(JournalError), trio.move_on_after(_CLOSING):
            self._put_learned()
            await self._commit.flush()
            return
        with suppress(JournalError):
            await self._commit.settle()

    @property
    def _wall_now(self) -> float:
        return trio.current_time() + self._offset

    # -- Jobs and events

    def taken(self, item: str | Job) -> None:
        """A job has come in."""
        now = time.time()
        if isinstance(item, str):
            self._commit.put(Taken(item, now))
        elif item.status.is_terminal:
            self._commit.put(Taken(item.job_id, now))
        else:
            self._commit.put(Taken(item.job_id, now, item.status, _utf8(item.raw_status)))

    def removed(self, job_id: str) -> None:
        """A job is to be watched no longer."""
        self._sequences.pop(job_id, None)
        self._commit.put(Removed(job_id))

    def observed(self, event: JobEvent) -> None:
        """A new event was made: it is reported.

        Only an end is written at once. Other events go with the next record that is; if a kill comes
        before, the next poll finds out what has become of the job.
        """
        sequence, is_end = 1, event.status.is_terminal
        if event.job_id:
            sequence += self._sequences.pop(event.job_id, 0)
            if not is_end:
                self._sequences[event.job_id] = sequence
        self._commit.put(Reported(self._recorded_event(event, sequence)), is_urgent=is_end)

    def acknowledged(self, event: JobEvent) -> None:
        """The consumer is done with an event."""
        record = Acknowledged(
            job_id=event.job_id,
            status=event.status,
            raw_status=_utf8(event.job.raw_status),
            position=event.position,
            at=self._wall_now,
        )
        self._commit.put(record)

    async def flush(self) -> None:
        """Return when all that was put so far is recorded; see `GroupCommit.flush`."""
        await self._commit.flush()

    # -- Prompts, for the extension that submits them

    async def open_prompts(self) -> Sequence[RecordedPrompt]:
        """See `Recorder.open_prompts`."""
        return await self._recorder.open_prompts()

    async def unsent_prompts(self, after: int, limit: int) -> Sequence[RecordedPrompt]:
        """See `Recorder.unsent_prompts`; with all that was put so far."""
        await self._commit.flush()
        return await self._recorder.unsent_prompts(after, limit)

    def claim(self, prompt: Prompt) -> Claim:
        """A prompt has come in: its position is known after the next `flush`.

        Raises:
            TypeError: JSON can't hold it.
        """
        return self._commit.claim(Claimed(Content.of(prompt), time.time()))

    def sending(self, position: int) -> str:
        """A prompt is about to be submitted; `flush` before it is. Return the attempt."""
        attempt = secrets.token_hex(8)
        self._commit.put(Sending(position, attempt))
        return attempt

    def settled(self, position: int, attempt: str, job_id: str | None) -> None:
        """A submit has made a job, or surely none; `flush` before the job is watched."""
        settled = Settled(position=position, attempt=attempt, job_id=job_id, at=time.time())
        self._commit.put(settled)

    def reopen(self, position: int) -> None:
        """A prompt without a job is to be submitted again."""
        self._commit.put(Reopened(position))

    # -- Events as they are recorded

    def _recorded_event(self, event: JobEvent, sequence: int) -> RecordedEvent:
        error = event.job.error if event.status in VERDICTS else None
        return RecordedEvent(
            job_id=event.job_id,
            sequence=sequence,
            status=event.status,
            raw_status=_utf8(event.job.raw_status),
            previous=event.previous,
            observed_at=event.observed_at + self._offset,
            changed_between=_shifted(event.changed_between, self._offset),
            # Without its `config`, which has the secret of its webhook.
            body={name: value for name, value in event.job.raw.items() if name != "config"},
            code=0 if error is None else error.code,
            reason="" if error is None else _utf8(words_of(error)),
            position=None if event.job_id else event.position,
            is_lasting=not event.job_id and is_lasting(event),
        )

    def event_of(self, recorded: RecordedEvent) -> JobEvent:
        """Return an event as it was made, from what is recorded of it."""
        job = attrs.evolve(
            decode_job(recorded.body),
            job_id=recorded.job_id,
            status=recorded.status,
            raw_status=recorded.raw_status,
        )
        if recorded.status in VERDICTS:
            job = attrs.evolve(job, error=JobError(code=recorded.code, message=recorded.reason))
        return JobEvent(
            job_id=recorded.job_id,
            status=recorded.status,
            previous=recorded.previous,
            job=job,
            observed_at=recorded.observed_at - self._offset,
            changed_between=_shifted(recorded.changed_between, -self._offset),
            position=recorded.position,
        )


def _shifted(between: tuple[float | None, float], by: float) -> tuple[float | None, float]:
    earliest, latest = between
    return None if earliest is None else earliest + by, latest + by


def _utf8(text: str) -> str:
    """Replace what is no character: it can come over the wire, and can't be written."""
    return text.encode("utf-8", "replace").decode()
