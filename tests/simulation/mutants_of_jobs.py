"""Mutants that break the events of jobs, their ends, and errors."""

from __future__ import annotations

from typing import Any, Final
from unittest.mock import patch

from msgspec.structs import replace

from legnext_stream._core import answers, tracker, watched
from legnext_stream._core.answers import Observation, PollMeaning
from legnext_stream._core.ended import EndedIds
from legnext_stream._core.model import decoding, lifecycle
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.schedule import Schedule
from legnext_stream._core.stats import Tally
from legnext_stream._core.timestamps import Timestamps
from legnext_stream._core.tracker import Tracker
from legnext_stream._engine.delivery import Buffer, Delivery
from tests.simulation.mutation import Mutants, Patch

MUTANTS: Final = Mutants()

# ---------------------------------------------------------------- events


@MUTANTS.mutant("some events are dropped", breaks="2 every job ends")
def _() -> list[Patch]:
    put, count = Buffer.put, 0

    def drop(buffer: Buffer, event: JobEvent, size: int = 0) -> None:
        nonlocal count
        count += 1
        if count % 5:
            put(buffer, event, size)

    return [patch.object(Buffer, "put", drop)]


@MUTANTS.mutant("some events are delivered twice", breaks="1 no repeats")
def _() -> list[Patch]:
    get, count = Buffer.get, 0

    async def again(buffer: Buffer) -> JobEvent:
        nonlocal count
        event = await get(buffer)
        count += 1
        if count % 5 == 0:
            buffer._events.setdefault(event.job_id, event)
            buffer._events.move_to_end(event.job_id, last=False)
        return event

    return [patch.object(Buffer, "get", again)]


@MUTANTS.mutant("failed jobs are treated as running", breaks="3 timed_out is justified")
def _() -> list[Patch]:
    decode = decoding.decode_status

    def blind(word: object) -> JobStatus | None:
        status = decode(word)
        return JobStatus.PROCESSING if status is JobStatus.FAILED else status

    return [patch.object(answers, "decode_status", blind)]


@MUTANTS.mutant("failures are reported as successes", breaks="2 the right terminal status")
def _() -> list[Patch]:
    decode = decoding.decode_status

    def glad(word: object) -> JobStatus | None:
        status = decode(word)
        return JobStatus.COMPLETED if status is JobStatus.FAILED else status

    return [patch.object(module, "decode_status", glad) for module in (answers, decoding)]


@MUTANTS.mutant("a status is misread", breaks="1 true and in order")
def _() -> list[Patch]:
    decode = decoding.decode_status

    def misread(word: object) -> JobStatus | None:
        status = decode(word)
        return JobStatus.STAGED if status is JobStatus.PENDING else status

    return [patch.object(answers, "decode_status", misread)]


@MUTANTS.mutant("outdated answers make events", breaks="1 never backwards")
def _() -> list[Patch]:
    def differs(status: JobStatus, of: JobStatus | None) -> bool:
        return status is not of

    return [patch.object(module, "is_ahead", differs) for module in (lifecycle, watched)]


@MUTANTS.mutant("jobs are polled after their end", breaks="2 one terminal event, then nothing")
def _() -> list[Patch]:
    emit = Tracker._emit
    # Each job is revived once: a watch that never ended would make a million polls.
    revived: set[str] = set()

    def revive(self: Tracker, now: float, job: Any, *rest: Any) -> JobEvent:  # noqa: ANN401 - passed on
        event = emit(self, now, job, *rest)
        ended = event.status in {JobStatus.COMPLETED, JobStatus.FAILED}
        if ended and event.job_id not in revived:
            revived.add(event.job_id)
            self._members.ended = EndedIds()
            self.add(now, job.job_id)
        return event

    return [patch.object(Tracker, "_emit", revive)]


@MUTANTS.mutant("merging keeps the older of two changes", breaks="2 every job ends")
def _() -> list[Patch]:
    def merge(older: JobEvent, newer: JobEvent) -> JobEvent:
        del newer
        return older

    return [patch("legnext_stream._engine.delivery.merge", merge)]


@MUTANTS.mutant(
    "merging loses the previously reported status", breaks="1 each event follows from the last"
)
def _() -> list[Patch]:
    def merge(older: JobEvent, newer: JobEvent) -> JobEvent:
        del older
        return newer

    return [patch("legnext_stream._engine.delivery.merge", merge)]


@MUTANTS.mutant("changes of one job are not merged", breaks="5 one undelivered change per job")
def _() -> list[Patch]:
    def put(buffer: Buffer, event: JobEvent, _size: int = 0) -> None:
        buffer._events[f"{event.job_id} {event.status} {event.observed_at}"] = event
        buffer._arrived.set()

    return [patch.object(Buffer, "put", put)]


@MUTANTS.mutant("changes are dated too early", breaks="1 not before it happened")
def _() -> list[Patch]:
    def early(*args: Any) -> tuple[float | None, float]:  # noqa: ANN401 - passed over
        return None, args[1] - 30.0

    return [patch.object(Timestamps, "changed_between", early)]


# ---------------------------------------------------------------- ends


@MUTANTS.mutant("the stream never ends", breaks="2 the stream ends")
def _() -> list[Patch]:
    return [patch.object(Delivery, "close", lambda *_args: None)]


@MUTANTS.mutant("the stream ends with its first job", breaks="2 every job ends")
def _() -> list[Patch]:
    active = Tracker.active

    def hasty(self: Tracker) -> int:
        count: int = active.__get__(self)
        return 0 if self._members.ended else count

    return [patch.object(Tracker, "active", property(hasty))]


@MUTANTS.mutant("a single 404 gives up a job", breaks="3 not_found is justified")
def _() -> list[Patch]:
    return [patch.object(tracker, "_MISSING_BELIEVED_AFTER", 0.0)]


@MUTANTS.mutant("temporary errors are treated as 404", breaks="3 not_found is justified")
def _() -> list[Patch]:
    read = answers.read_poll

    def harsh(job_id: str, answer: Any) -> Observation:  # noqa: ANN401 - passed on
        seen = read(job_id, answer)
        is_trouble = seen.meaning is PollMeaning.TROUBLED
        return replace(seen, meaning=PollMeaning.MISSING, recognised=True) if is_trouble else seen

    return [patch("legnext_stream._engine.engine.read_poll", harsh)]


@MUTANTS.mutant("jobs time out after half their timeout", breaks="3 timed_out is justified")
def _() -> list[Patch]:
    init = Tracker.__init__

    def impatient(self: Tracker, **settings: Any) -> None:  # noqa: ANN401 - passed on
        settings["timeout"] /= 2
        init(self, **settings)

    return [patch.object(Tracker, "__init__", impatient)]


@MUTANTS.mutant("failed polls are never retried", breaks="4 temporary errors are retried")
def _() -> list[Patch]:
    return [patch.object(Schedule, "failed", lambda *_args, **_settings: None)]


# ---------------------------------------------------------------- errors


@MUTANTS.mutant(
    "account-wide refusals are treated as temporary", breaks="3 account-wide errors are raised"
)
def _() -> list[Patch]:
    read = answers.read_poll

    def deaf(job_id: str, answer: Any) -> Observation:  # noqa: ANN401 - passed on
        seen = read(job_id, answer)
        is_denied = seen.meaning is PollMeaning.DENIED
        return replace(seen, meaning=PollMeaning.TROUBLED) if is_denied else seen

    return [patch("legnext_stream._engine.engine.read_poll", deaf)]


@MUTANTS.mutant("engine failures are swallowed", breaks="3 account-wide errors are raised")
def _() -> list[Patch]:
    close = Delivery.close
    return [patch.object(Delivery, "close", lambda self, _failure=None: close(self))]


@MUTANTS.mutant(
    "errors are raised only once", breaks="7 errors are raised again, closed streams stay closed"
)
def _() -> list[Patch]:
    get = Buffer.get

    async def once(buffer: Buffer) -> JobEvent:
        try:
            return await get(buffer)
        except Exception:
            buffer._failure = None
            raise

    return [patch.object(Buffer, "get", once)]


@MUTANTS.mutant("a job that is not found ends the watch", breaks="3 account-wide errors are raised")
def _() -> list[Patch]:
    missing = Tracker._on_missing

    def fatal(self: Tracker, now: float, job: Any, seen: Observation) -> list[JobEvent]:  # noqa: ANN401 - passed on
        received = missing(self, now, job, seen)
        if received and seen.error is not None:
            raise seen.error
        return received

    return [patch.object(Tracker, "_on_missing", fatal)]


@MUTANTS.mutant("temporary errors are not counted", breaks="4 temporary errors are counted")
def _() -> list[Patch]:
    count = Tally.count

    def silent(self: Tally, seen: Observation, *, is_retry: bool) -> None:
        before = replace(self)
        count(self, seen, is_retry=is_retry)
        self.troubles, self.rate_limited = before.troubles, before.rate_limited

    return [patch.object(Tally, "count", silent)]
