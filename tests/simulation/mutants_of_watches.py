"""Mutants that break the pace, leaving, the journal, and several consumers."""

from __future__ import annotations

import math
import random
from contextlib import nullcontext
from typing import Any, Final
from unittest.mock import patch

import attrs
import trio

from legnext_stream import _accounts, _client
from legnext_stream._core import answers
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pace.hints import NO_HINTS
from legnext_stream._engine.account import Account
from legnext_stream._engine.delivery import Buffer, Delivery
from legnext_stream._engine.engine import Engine
from legnext_stream._engine.stream import EventStream
from legnext_stream._http import Lanes
from legnext_stream._journal import JournalExtension
from tests.simulation.cases import Case
from tests.simulation.mutation import Mutants, Patch
from tests.simulation.trials import REPEATABLE

MUTANTS: Final = Mutants()

# ---------------------------------------------------------------- pace and limits


@MUTANTS.mutant("Retry-After is ignored", breaks="P Retry-After is obeyed")
def _() -> list[Patch]:
    return [patch.object(answers, "parse_hints", lambda *_args: NO_HINTS)]


@MUTANTS.mutant("a slow consumer does not slow polling", breaks="5 a slow consumer slows polling")
def _() -> list[Patch]:
    return [patch.object(Delivery, "is_full", property(lambda _self: False))]


def _has_slow_readers(case: Case) -> bool:
    """Whether a case has several consumers, one of them slow, and more jobs than a buffer's capacity."""
    is_small = case.capacity < sum(jobs.count for jobs in case.scenario.jobs)
    return is_small and any(
        session.others and any(reader.pause for reader in (session.reader, *session.others))
        for session in case.sessions
    )


@MUTANTS.mutant(
    "one of several slow consumers does not slow polling",
    breaks="5 a slow consumer slows polling",
    shows_in=_has_slow_readers,
)
def _() -> list[Patch]:
    open_one = Delivery.open

    def roomy(delivery: Delivery, capacity: float | None = None) -> Buffer:
        return open_one(delivery, math.inf if delivery._all() else capacity)

    return [patch.object(Delivery, "open", roomy)]


@MUTANTS.mutant(
    "one slow consumer delays all others",
    breaks="5 a slow consumer does not delay others",
    shows_in=_has_slow_readers,
)
def _() -> list[Patch]:
    def is_full(delivery: Delivery) -> bool:
        return any(buffer.is_full for buffer in delivery._all())

    return [patch.object(Delivery, "is_full", property(is_full))]


@MUTANTS.mutant(
    "requests in flight are not limited", breaks="5 requests in flight stay within the limit"
)
def _() -> list[Patch]:
    return [_otherwise(max_in_flight=1000)]


@MUTANTS.mutant("a job is polled again at once", breaks="P no job is polled too often")
def _() -> list[Patch]:
    return [_otherwise(min_interval=0.05, poll_cost=0.001)]


def _otherwise(**pacing: Any) -> Patch:  # noqa: ANN401 - settings
    """Open accounts with other pacing settings than those requested."""
    open_account = _accounts.open_account

    def opened(*given: Any, **settings: Any) -> Account:  # noqa: ANN401 - passed on
        settings["pacing"] = attrs.evolve(settings["pacing"], **pacing)
        return open_account(*given, **settings)

    return patch.object(_client, "open_account", opened)


@MUTANTS.mutant("waiting times are not seeded", breaks=REPEATABLE)
def _() -> list[Patch]:
    chance = random.Random()
    return [patch("legnext_stream._core.backoff.jitter", lambda *_args: chance.random())]


# ---------------------------------------------------------------- leaving


@MUTANTS.mutant("a lane is left open", breaks="6 leaving leaks nothing")
def _() -> list[Patch]:
    async def forget(_lanes: Lanes) -> None:
        await trio.lowlevel.checkpoint()

    return [patch.object(Lanes, "aclose", forget)]


@MUTANTS.mutant("polling continues after the stream is left", breaks="6 leaving stops polling")
def _() -> list[Patch]:
    def stop(engine: Engine) -> None:
        engine.finished.set()
        engine._released.set()

    return [patch.object(Engine, "stop", stop)]


@MUTANTS.mutant(
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


@MUTANTS.mutant("a cancelled wait loses its event", breaks="6 a cancelled wait loses nothing")
def _() -> list[Patch]:
    get = Buffer.get

    async def late(buffer: Buffer) -> JobEvent:
        event = await get(buffer)
        await trio.sleep(0.3)
        return event

    return [patch.object(Buffer, "get", late)]


@MUTANTS.mutant(
    "a closed stream can still be read",
    breaks="7 errors are raised again, closed streams stay closed",
)
def _() -> list[Patch]:
    start = EventStream._start

    def open_again(self: EventStream) -> None:
        self._is_closed = False
        start(self)

    return [patch.object(EventStream, "_start", open_again)]


@MUTANTS.mutant("two tasks may read at once", breaks="8 one reader at a time")
def _() -> list[Patch]:
    return [patch.object(EventStream, "_alone", lambda _self: nullcontext())]


# ---------------------------------------------------------------- journal, consumers, membership


@MUTANTS.mutant("acknowledgements are not written", breaks="J acknowledged events never come again")
def _() -> list[Patch]:
    return [patch.object(JournalExtension, "acknowledged", lambda *_args: None)]


@MUTANTS.mutant(
    "delivered events count as acknowledged", breaks="J unacknowledged events come again"
)
def _() -> list[Patch]:
    take = EventStream.__anext__

    async def hasty(self: EventStream) -> JobEvent:
        event = await take(self)
        self._engine.acknowledge(event)
        return event

    return [patch.object(EventStream, "__anext__", hasty)]


@MUTANTS.mutant(
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


@MUTANTS.mutant("observed ends are not stored", breaks="J ended jobs are not polled")
def _() -> list[Patch]:
    return [patch.object(JournalExtension, "observed", lambda *_args: None)]


@MUTANTS.mutant("only one consumer gets events", breaks="2 every job ends")
def _() -> list[Patch]:
    def put(delivery: Delivery, event: JobEvent, _size: int = 0) -> None:
        delivery._all()[0].put(event)

    return [patch.object(Delivery, "put", put)]


@MUTANTS.mutant(
    "changes of removed jobs are still delivered",
    breaks="M no events for removed jobs",
)
def _() -> list[Patch]:
    return [patch.object(Delivery, "discard", lambda *_args: None)]


@MUTANTS.mutant("a second consumer gets a different terminal status", breaks="R consumers agree")
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
