"""A recorder that keeps everything in memory: the model that others are compared with. No disk, no threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, assert_never

import attrs
import trio

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal.recorder import Outcome, Written
from legnext_stream._journal.records import (
    Acknowledged,
    Claimed,
    Learned,
    LoggedEvent,
    Place,
    Record,
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
from legnext_stream.errors import JournalError, JournalInUseError


@attrs.define
class _Job:
    status: JobStatus | None
    place: JobStatus | None
    words: tuple[str, ...]
    sequence: int = 0
    is_ended: bool = False
    # The numbers of its events that are not acknowledged.
    unacknowledged: list[int] = attrs.field(factory=list)


@attrs.define(eq=False)
class Records:
    """What recorders keep, one after the other: it stands for the file of a journal.

    Attributes:
        owner: The recorder that owns them, or None.
    """

    owner: object = None
    jobs: dict[str, _Job] = attrs.field(factory=dict)
    log: dict[int, LoggedEvent] = attrs.field(factory=dict)
    logged: int = 0
    learned: dict[str, Mapping[str, Any]] = attrs.field(factory=dict)
    prompts: dict[int, RecordedPrompt] = attrs.field(factory=dict)
    attempts: dict[int, str] = attrs.field(factory=dict)
    positions: dict[tuple[bytes, int], int] = attrs.field(factory=dict)


class MemoryRecorder:
    """Keeps records in memory.

    Args:
        records: Those that an earlier recorder has kept; by default none.
        takes_over: Whether to take them from a recorder that still owns them, which is then fenced.
    """

    def __init__(self, records: Records | None = None, *, takes_over: bool = False) -> None:
        self.records: Records = Records() if records is None else records
        self._takes_over = takes_over
        self._last = 0, Written(Outcome.DONE)
        # How often this run has been given each prompt.
        self._given = Counter[bytes]()

    async def open(self) -> None:
        """See `Recorder.open`."""
        await trio.lowlevel.checkpoint()
        if self.records.owner is not None and not self._takes_over:
            raise JournalInUseError("the records are in use by another watch")
        self.records.owner = self

    async def close(self) -> None:
        """See `Recorder.close`."""
        if self.records.owner is self:
            self.records.owner = None
        await trio.lowlevel.cancel_shielded_checkpoint()

    # -- Writing

    async def write(self, number: int, records: Sequence[Record]) -> Written:
        """See `Recorder.write`."""
        await trio.lowlevel.checkpoint()
        last, written = self._last
        if number == last:
            return written
        if self.records.owner is not self:
            written = Written(Outcome.FENCED)
        elif number != last + 1 or self._has_gap(records):
            written = Written(Outcome.GAP)
        else:
            places = [self._write(record) for record in records]
            written = Written(Outcome.DONE, [place for place in places if place is not None])
            self._last = number, written
            return written
        for record in records:
            if isinstance(record, Settled):
                self._write(record)
        return written

    def _has_gap(self, records: Sequence[Record]) -> bool:
        """Whether an event among them is not the next one of its job."""
        sequences = {job_id: job.sequence for job_id, job in self.records.jobs.items()}
        for record in records:
            match record:
                case Taken(job_id) | Settled(job_id=str(job_id)):
                    sequences.setdefault(job_id, 0)
                case Removed(job_id):
                    sequences.pop(job_id, None)
                case Reported(RecordedEvent(job_id=job_id, sequence=sequence)) if job_id:
                    if sequence > sequences.get(job_id, -1) + 1:
                        return True
                    sequences[job_id] = max(sequence, sequences[job_id])
                case _:
                    pass
        return False

    def _write(self, record: Record) -> Place | None:
        kept = self.records
        match record:
            case Taken():
                self._take(record)
            case Reported(event):
                self._report(event)
            case Acknowledged():
                self._acknowledge(record)
            case Removed(job_id):
                job = kept.jobs.pop(job_id, None)
                for number in () if job is None else job.unacknowledged:
                    del kept.log[number]
            case Learned(name, state):
                kept.learned[name] = state
            case Claimed():
                return self._claim(record)
            case Sending(position, attempt):
                self._move(position, state="sending", refusal=None)
                kept.attempts[position] = attempt
            case Settled():
                self._settle(record)
            case Reopened(position):
                self._move(position, state="unsent", refusal=None)
            case _:
                assert_never(record)
        return None

    def _take(self, record: Taken) -> None:
        is_unknown = record.status is JobStatus.UNKNOWN
        job = _Job(
            record.status,
            None if is_unknown else record.status,
            (record.raw_status,) if is_unknown else (),
        )
        self.records.jobs.setdefault(record.job_id, job)

    def _report(self, event: RecordedEvent) -> None:
        kept, number = self.records, self.records.logged + 1
        if event.job_id:
            job = kept.jobs[event.job_id]
            if event.sequence <= job.sequence:
                return
            job.sequence = event.sequence
            job.unacknowledged.append(number)
            if event.status is JobStatus.UNKNOWN:
                job.words += (event.raw_status,)
            else:
                job.place = event.status
        elif event.is_lasting and event.position is not None:
            self._move(event.position, state="refused", refusal=event)
        kept.logged = number
        kept.log[number] = LoggedEvent(number, attrs.evolve(event, is_lasting=False), None)

    def _acknowledge(self, record: Acknowledged) -> None:
        kept = self.records
        if record.job_id:
            job = kept.jobs.get(record.job_id)
            waiting = [] if job is None else job.unacknowledged
            told = [
                (kept.log[number].event.status, kept.log[number].event.raw_status)
                for number in waiting
            ]
            if job is None or (record.status, record.raw_status) not in told:
                return
            count = told.index((record.status, record.raw_status)) + 1
            done, job.unacknowledged = waiting[:count], waiting[count:]
            job.status, job.is_ended = record.status, record.status.is_terminal
        else:
            done = [
                logged.number
                for logged in kept.log.values()
                if logged.event.position == record.position and logged.acknowledged_at is None
            ]
            if record.position is not None and kept.prompts[record.position].state == "refused":
                self._move(record.position, state="ended", refusal=None)
        for number in done:
            kept.log[number] = attrs.evolve(kept.log[number], acknowledged_at=record.at)

    def _claim(self, record: Claimed) -> Place:
        kept, identity = self.records, record.content.identity
        self._given[identity] += 1
        key = identity, self._given[identity]
        known = kept.positions.get(key)
        if known is not None:
            return Place(known, is_new=False)
        position = kept.positions[key] = len(kept.positions) + 1
        kept.prompts[position] = RecordedPrompt(
            position=position, prompt=record.content.prompt(), state="unsent"
        )
        return Place(position, is_new=True)

    def _settle(self, record: Settled) -> None:
        kept, position = self.records, record.position
        if kept.prompts[position].state != "sending" or kept.attempts[position] != record.attempt:
            return
        if record.job_id is None:
            self._move(position, state="unsent", refusal=None)
        else:
            self._move(position, state="submitted", job_id=record.job_id)
            self._take(Taken(record.job_id, record.at))

    def _move(self, position: int, **changes: Any) -> None:  # noqa: ANN401 - a prompt's fields
        kept = self.records.prompts
        kept[position] = attrs.evolve(kept[position], **changes)

    # -- Reading

    async def ended(self) -> AsyncGenerator[Sequence[str], None]:
        """See `Recorder.ended`."""
        await self._reading()
        yield [job_id for job_id, job in self.records.jobs.items() if job.is_ended]

    async def unfinished(self) -> AsyncGenerator[Sequence[RecordedJob], None]:
        """See `Recorder.unfinished`."""
        await self._reading()
        log = self.records.log
        jobs = []
        for job_id, job in self.records.jobs.items():
            if not job.is_ended:
                events = [log[number].event for number in job.unacknowledged]
                jobs.append(
                    RecordedJob(
                        job_id=job_id,
                        sequence=job.sequence,
                        status=events[-1].status if events else job.status,
                        place=job.place,
                        words=job.words,
                        unacknowledged=events,
                    )
                )
        yield jobs

    async def learned(self, name: str) -> Mapping[str, Any] | None:
        """See `Recorder.learned`."""
        await self._reading()
        return self.records.learned.get(name)

    async def unsent_prompts(self, after: int, limit: int) -> Sequence[RecordedPrompt]:
        """See `Recorder.unsent_prompts`."""
        await self._reading()
        prompts = self.records.prompts.values()
        return [one for one in prompts if one.state == "unsent" and one.position > after][:limit]

    async def open_prompts(self) -> Sequence[RecordedPrompt]:
        """See `Recorder.open_prompts`."""
        await self._reading()
        return [one for one in self.records.prompts.values() if self._is_open(one)]

    def _is_open(self, prompt: RecordedPrompt) -> bool:
        if prompt.state == "submitted":
            job = self.records.jobs.get(prompt.job_id)
            return job is not None and not job.is_ended
        return prompt.state in {"sending", "refused"}

    async def read_events(self, after: int, limit: int) -> Sequence[LoggedEvent]:
        """See `Recorder.read_events`."""
        await self._reading()
        return [logged for logged in self.records.log.values() if logged.number > after][:limit]

    async def _reading(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.records.owner is None:
            raise JournalError("the records are not open")
