"""Mutants: deliberately broken versions of the library, which the judges must detect.

Each mutant breaks one thing, by patching the library while it is applied.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, Final
from unittest.mock import patch

import attrs
import trio
from msgspec.structs import replace

from legnext_stream import _accounts, _client
from legnext_stream._core import answers, tracker, watched
from legnext_stream._core.answers import Observation, PollMeaning
from legnext_stream._core.ended import EndedIds
from legnext_stream._core.model import decoding, lifecycle
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pace.hints import NO_HINTS
from legnext_stream._core.schedule import Schedule
from legnext_stream._core.timestamps import Timestamps
from legnext_stream._core.tracker import Tracker
from legnext_stream._engine.account import Account
from legnext_stream._engine.delivery import Buffer, Delivery
from legnext_stream._engine.engine import Engine
from legnext_stream._engine.stream import EventStream
from legnext_stream._http import Lanes
from legnext_stream._journal import JournalExtension
from tests.simulation.cases import Case
from tests.simulation.trials import REPEATABLE

Patch = AbstractContextManager[Any]


@attrs.frozen
class Mutant:
    """A deliberate bug.

    Attributes:
        name: What is broken.
        patches: Returns the patches that break it.
        breaks: The clause that it violates, perhaps among others.
        shows_in: Whether the bug can show in a case at all.
    """

    name: str
    patches: Callable[[], list[Patch]]
    breaks: str
    shows_in: Callable[[Case], bool]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A context in which the library is broken."""
        with ExitStack() as stack:
            for each in self.patches():
                stack.enter_context(each)
            yield


MUTANTS: Final[list[Mutant]] = []
"""All mutants."""


_Patches = Callable[[], list[Patch]]


def _mutant(
    name: str, *, breaks: str, shows_in: Callable[[Case], bool] = lambda _case: True
) -> Callable[[_Patches], _Patches]:
    def register(patches: _Patches) -> _Patches:
        MUTANTS.append(Mutant(name, patches, breaks, shows_in))
        return patches

    return register


# ---------------------------------------------------------------- events


@_mutant("some events are dropped", breaks="2 every job ends")
def _() -> list[Patch]:
    put, count = Buffer.put, 0

    def drop(buffer: Buffer, event: JobEvent, size: int = 0) -> None:
        nonlocal count
        count += 1
        if count % 5:
            put(buffer, event, size)

    return [patch.object(Buffer, "put", drop)]


@_mutant("some events are delivered twice", breaks="1 no repeats")
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


@_mutant("failed jobs are treated as running", breaks="3 timed_out is justified")
def _() -> list[Patch]:
    decode = decoding.decode_status

    def blind(word: object) -> JobStatus | None:
        status = decode(word)
        return JobStatus.PROCESSING if status is JobStatus.FAILED else status

    return [patch.object(answers, "decode_status", blind)]


@_mutant("failures are reported as successes", breaks="2 the right terminal status")
def _() -> list[Patch]:
    decode = decoding.decode_status

    def glad(word: object) -> JobStatus | None:
        status = decode(word)
        return JobStatus.COMPLETED if status is JobStatus.FAILED else status

    return [patch.object(module, "decode_status", glad) for module in (answers, decoding)]


@_mutant("a status is misread", breaks="1 true and in order")
def _() -> list[Patch]:
    decode = decoding.decode_status

    def misread(word: object) -> JobStatus | None:
        status = decode(word)
        return JobStatus.STAGED if status is JobStatus.PENDING else status

    return [patch.object(answers, "decode_status", misread)]


@_mutant("outdated answers make events", breaks="1 never backwards")
def _() -> list[Patch]:
    def differs(status: JobStatus, of: JobStatus | None) -> bool:
        return status is not of

    return [patch.object(module, "is_ahead", differs) for module in (lifecycle, watched)]


@_mutant("jobs are polled after their end", breaks="2 one terminal event, then nothing")
def _() -> list[Patch]:
    emit = Tracker._emit

    def revive(self: Tracker, now: float, job: Any, *rest: Any) -> JobEvent:  # noqa: ANN401 - passed on
        event = emit(self, now, job, *rest)
        if event.status in {JobStatus.COMPLETED, JobStatus.FAILED}:
            self._members.ended = EndedIds()
            self.add(now, job.job_id)
        return event

    return [patch.object(Tracker, "_emit", revive)]


@_mutant("merging keeps the older of two changes", breaks="2 every job ends")
def _() -> list[Patch]:
    def merge(older: JobEvent, newer: JobEvent) -> JobEvent:
        del newer
        return older

    return [patch("legnext_stream._engine.delivery.merge", merge)]


@_mutant(
    "merging loses the previously reported status", breaks="1 each event follows from the last"
)
def _() -> list[Patch]:
    def merge(older: JobEvent, newer: JobEvent) -> JobEvent:
        del older
        return newer

    return [patch("legnext_stream._engine.delivery.merge", merge)]


@_mutant("changes of one job are not merged", breaks="5 one undelivered change per job")
def _() -> list[Patch]:
    def put(buffer: Buffer, event: JobEvent, _size: int = 0) -> None:
        buffer._events[f"{event.job_id} {event.status} {event.observed_at}"] = event
        buffer._arrived.set()

    return [patch.object(Buffer, "put", put)]


@_mutant("changes are dated too early", breaks="1 not before it happened")
def _() -> list[Patch]:
    def early(*args: Any) -> tuple[float | None, float]:  # noqa: ANN401 - passed over
        return None, args[1] - 30.0

    return [patch.object(Timestamps, "changed_between", early)]


# ---------------------------------------------------------------- ends


@_mutant("the stream never ends", breaks="2 the stream ends")
def _() -> list[Patch]:
    return [patch.object(Delivery, "close", lambda *_args: None)]


@_mutant("the stream ends with its first job", breaks="2 every job ends")
def _() -> list[Patch]:
    active = Tracker.active

    def hasty(self: Tracker) -> int:
        count: int = active.__get__(self)
        return 0 if self._members.ended else count

    return [patch.object(Tracker, "active", property(hasty))]


@_mutant("a single 404 gives up a job", breaks="3 not_found is justified")
def _() -> list[Patch]:
    return [patch.object(tracker, "_MISSING_BELIEVED_AFTER", 0.0)]


@_mutant("temporary errors are treated as 404", breaks="3 not_found is justified")
def _() -> list[Patch]:
    read = answers.read_poll

    def harsh(job_id: str, answer: Any) -> Observation:  # noqa: ANN401 - passed on
        seen = read(job_id, answer)
        is_trouble = seen.meaning is PollMeaning.TROUBLED
        return replace(seen, meaning=PollMeaning.MISSING, recognised=True) if is_trouble else seen

    return [patch("legnext_stream._engine.engine.read_poll", harsh)]


@_mutant("jobs time out after half their timeout", breaks="3 timed_out is justified")
def _() -> list[Patch]:
    init = Tracker.__init__

    def impatient(self: Tracker, **settings: Any) -> None:  # noqa: ANN401 - passed on
        settings["timeout"] /= 2
        init(self, **settings)

    return [patch.object(Tracker, "__init__", impatient)]


@_mutant("failed polls are never retried", breaks="4 temporary errors are retried")
def _() -> list[Patch]:
    return [patch.object(Schedule, "failed", lambda *_args, **_settings: None)]


# ---------------------------------------------------------------- errors


@_mutant(
    "account-wide refusals are treated as temporary", breaks="3 account-wide errors are raised"
)
def _() -> list[Patch]:
    read = answers.read_poll

    def deaf(job_id: str, answer: Any) -> Observation:  # noqa: ANN401 - passed on
        seen = read(job_id, answer)
        is_denied = seen.meaning is PollMeaning.DENIED
        return replace(seen, meaning=PollMeaning.TROUBLED) if is_denied else seen

    return [patch("legnext_stream._engine.engine.read_poll", deaf)]


@_mutant("engine failures are swallowed", breaks="3 account-wide errors are raised")
def _() -> list[Patch]:
    close = Delivery.close
    return [patch.object(Delivery, "close", lambda self, _failure=None: close(self))]


@_mutant(
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


@_mutant("a job that is not found ends the watch", breaks="3 account-wide errors are raised")
def _() -> list[Patch]:
    missing = Tracker._on_missing

    def fatal(self: Tracker, now: float, job: Any, seen: Observation) -> list[JobEvent]:  # noqa: ANN401 - passed on
        received = missing(self, now, job, seen)
        if received and seen.error is not None:
            raise seen.error
        return received

    return [patch.object(Tracker, "_on_missing", fatal)]


@_mutant("temporary errors are not counted", breaks="4 temporary errors are counted")
def _() -> list[Patch]:
    count = Tracker._count

    def silent(self: Tracker, job: Any, seen: Observation) -> None:  # noqa: ANN401 - passed on
        before = replace(self.tally)
        count(self, job, seen)
        self.tally.troubles, self.tally.rate_limited = before.troubles, before.rate_limited

    return [patch.object(Tracker, "_count", silent)]


# ---------------------------------------------------------------- pace and limits


@_mutant("Retry-After is ignored", breaks="P Retry-After is obeyed")
def _() -> list[Patch]:
    return [patch.object(answers, "parse_hints", lambda *_args: NO_HINTS)]


@_mutant("a slow consumer does not slow polling", breaks="5 a slow consumer slows polling")
def _() -> list[Patch]:
    return [patch.object(Delivery, "is_full", property(lambda _self: False))]


def _has_slow_readers(case: Case) -> bool:
    """Whether a case has several consumers, one of them slow, and more jobs than a buffer's capacity."""
    is_small = case.capacity < sum(jobs.count for jobs in case.scenario.jobs)
    return is_small and any(
        session.others and any(reader.pause for reader in (session.reader, *session.others))
        for session in case.sessions
    )


@_mutant(
    "one of several slow consumers does not slow polling",
    breaks="5 a slow consumer slows polling",
    shows_in=_has_slow_readers,
)
def _() -> list[Patch]:
    open_one = Delivery.open

    def roomy(delivery: Delivery, capacity: float | None = None) -> Buffer:
        return open_one(delivery, math.inf if delivery._all() else capacity)

    return [patch.object(Delivery, "open", roomy)]


@_mutant(
    "one slow consumer delays all others",
    breaks="5 a slow consumer does not delay others",
    shows_in=_has_slow_readers,
)
def _() -> list[Patch]:
    def is_full(delivery: Delivery) -> bool:
        return any(buffer.is_full for buffer in delivery._all())

    return [patch.object(Delivery, "is_full", property(is_full))]


@_mutant("requests in flight are not limited", breaks="5 requests in flight stay within the limit")
def _() -> list[Patch]:
    return [_otherwise(max_in_flight=1000)]


@_mutant("a job is polled again at once", breaks="P no job is polled too often")
def _() -> list[Patch]:
    return [_otherwise(min_interval=0.05, poll_cost=0.001)]


def _otherwise(**pacing: Any) -> Patch:  # noqa: ANN401 - settings
    """Open accounts with other pacing settings than those requested."""
    open_account = _accounts.open_account

    def opened(*given: Any, **settings: Any) -> Account:  # noqa: ANN401 - passed on
        settings["pacing"] = attrs.evolve(settings["pacing"], **pacing)
        return open_account(*given, **settings)

    return patch.object(_client, "open_account", opened)


@_mutant("waiting times are not seeded", breaks=REPEATABLE)
def _() -> list[Patch]:
    chance = random.Random()
    return [patch("legnext_stream._core.backoff.jitter", lambda *_args: chance.random())]


# ---------------------------------------------------------------- leaving


@_mutant("a lane is left open", breaks="6 leaving leaks nothing")
def _() -> list[Patch]:
    async def forget(_lanes: Lanes) -> None:
        await trio.lowlevel.checkpoint()

    return [patch.object(Lanes, "aclose", forget)]


@_mutant("polling continues after the stream is left", breaks="6 leaving stops polling")
def _() -> list[Patch]:
    def stop(engine: Engine) -> None:
        engine.finished.set()
        engine._released.set()

    return [patch.object(Engine, "stop", stop)]


@_mutant(
    "exceptions from the body are wrapped in a group",
    breaks="6 an exception in the body comes out unchanged",
)
def _() -> list[Patch]:
    leave = EventStream.__aexit__

    async def grouped(self: EventStream, kind: Any, error: Any, traceback: Any) -> None:  # noqa: ANN401 - passed on
        await leave(self, kind, error, traceback)
        if isinstance(error, Exception):
            raise ExceptionGroup("in the stream", [error])

    return [patch.object(EventStream, "__aexit__", grouped)]


@_mutant("a cancelled wait loses its event", breaks="6 a cancelled wait loses nothing")
def _() -> list[Patch]:
    get = Buffer.get

    async def late(buffer: Buffer) -> JobEvent:
        event = await get(buffer)
        await trio.sleep(0.3)
        return event

    return [patch.object(Buffer, "get", late)]


@_mutant(
    "a closed stream can still be read",
    breaks="7 errors are raised again, closed streams stay closed",
)
def _() -> list[Patch]:
    start = EventStream._start

    def open_again(self: EventStream) -> None:
        self._is_closed = False
        start(self)

    return [patch.object(EventStream, "_start", open_again)]


@_mutant("two tasks may read at once", breaks="8 one reader at a time")
def _() -> list[Patch]:
    return [patch.object(EventStream, "_alone", lambda _self: nullcontext())]


# ---------------------------------------------------------------- journal, consumers, membership


@_mutant("acknowledgements are not written", breaks="J acknowledged events never come again")
def _() -> list[Patch]:
    return [patch.object(JournalExtension, "acknowledged", lambda *_args: None)]


@_mutant("delivered events count as acknowledged", breaks="J unacknowledged events come again")
def _() -> list[Patch]:
    take = EventStream.__anext__

    async def hasty(self: EventStream) -> JobEvent:
        event = await take(self)
        self._engine.acknowledge(event)
        return event

    return [patch.object(EventStream, "__anext__", hasty)]


@_mutant(
    "delivered events count as acknowledged, except terminal ones",
    breaks="J unacknowledged events come again",
)
def _() -> list[Patch]:
    take = EventStream.__anext__

    async def hasty(self: EventStream) -> JobEvent:
        event = await take(self)
        if not event.status.is_terminal:
            self._engine.acknowledge(event)
        return event

    return [patch.object(EventStream, "__anext__", hasty)]


@_mutant("observed ends are not stored", breaks="J ended jobs are not polled")
def _() -> list[Patch]:
    return [patch.object(JournalExtension, "observed", lambda *_args: None)]


@_mutant("only one consumer gets events", breaks="2 every job ends")
def _() -> list[Patch]:
    def put(delivery: Delivery, event: JobEvent, _size: int = 0) -> None:
        delivery._all()[0].put(event)

    return [patch.object(Delivery, "put", put)]


@_mutant(
    "changes of removed jobs are still delivered",
    breaks="M no events for removed jobs",
)
def _() -> list[Patch]:
    return [patch.object(Delivery, "discard", lambda *_args: None)]


@_mutant("a second consumer gets a different terminal status", breaks="R consumers agree")
def _() -> list[Patch]:
    def put(delivery: Delivery, event: JobEvent, _size: int = 0) -> None:
        first, *others = delivery._all()
        first.put(event)
        if event.status is JobStatus.COMPLETED:
            job = attrs.evolve(event.job, status=JobStatus.FAILED)
            event = attrs.evolve(event, status=JobStatus.FAILED, job=job)
        for other in others:
            other.put(event)

    return [patch.object(Delivery, "put", put)]
