"""Run a case in virtual time, and record everything that happens."""

from __future__ import annotations

import gc
import itertools
import math
import tempfile
import warnings
import weakref
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import httpcore
import trio
import trio.testing

from legnext_stream import LegnextClient, Pacing
from legnext_stream._engine.delivery import Subscription
from legnext_stream._engine.stream import EventStream
from legnext_stream._journal import SqliteRecorder
from legnext_stream.errors import JournalError
from mockserver import MockLegnext, run_virtual
from mockserver._serving.network import MemoryBackend, MemoryTransport
from tests.legnext_stream.support import KEY, URL
from tests.simulation.cases import Action, Case, Reader
from tests.simulation.outcome import Outcome, Reading, Received, SessionResult

# A watch that has not ended after this many seconds never will.
_HORIZON: Final = 24 * 3600.0
# An impatient reader stops cancelling after this many waits, so that a watch that never ends is cheap.
_WAITS: Final = 500
# How long a client stays open after its stream was left, seconds.
_LINGER: Final = 60.0
# The calendar time at the start of a case, seconds since 1970.
_CALENDAR: Final = 1.8e9
# Journals are in memory if possible; only the order of writes matters here.
_FOLDER: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - see above


class BodyError(Exception):
    """The exception that the body of a watch raises."""


class _Connections(httpcore.AsyncNetworkBackend):
    """Counts the connections to a mock."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend
        self.now_open = 0
        self.most_open = 0
        self.refused = 0

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, and count the connection."""
        try:
            stream = await self._backend.connect_tcp(
                host, port, timeout, local_address, socket_options
            )
        except httpcore.ConnectError:
            self.refused += 1
            raise
        self.now_open += 1
        self.most_open = max(self.most_open, self.now_open)
        close, is_open = stream.aclose, True

        async def count_and_close() -> None:
            nonlocal is_open
            self.now_open -= is_open
            is_open = False
            await close()

        stream.aclose = count_and_close  # type: ignore[method-assign] # one stream's, counted
        return stream


class _Tasks(trio.abc.Instrument):
    """Counts the running tasks of the library."""

    def __init__(self) -> None:
        self.living: set[trio.lowlevel.Task] = set()

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        """Count a new task."""
        if task.name.startswith("legnext_stream"):
            self.living.add(task)

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        """Count one task less."""
        self.living.discard(task)


class _Waiting:
    """Whether a task is waiting for the next event of a stream, and whether that is over for good."""

    def __init__(self) -> None:
        self.is_waiting = False
        self.is_over = False

    def __enter__(self) -> None:
        self.is_waiting = True

    def __exit__(self, *_: object) -> None:
        self.is_waiting = False


class Run:
    """One run of a case.

    Args:
        case: The case.
        folder: The folder for its journal.
    """

    def __init__(self, case: Case, folder: Path) -> None:
        self._case = case
        self._path = folder / "batch.db" if case.has_journal else None
        self._mock: MockLegnext = case.scenario.mock()
        if case.outage is not None and case.outage.rule is not None:
            # The outage comes before all other rules, so that no other answer is possible.
            rules = self._mock.faults.rules
            self._mock.faults.clear()
            for rule in (case.outage.rule, *rules):
                self._mock.faults.add(rule.fault, name=rule.name or None, when=rule.when)
        self._faults = {rule.name: rule.fault for rule in self._mock.faults.rules}
        self._connections = _Connections(
            MemoryBackend(self._mock._serve_stream, 0.0, self._mock._door.admit)
        )
        self._tasks = _Tasks()
        self._order = itertools.count(1)
        self._ids = [
            *self._mock.truth,
            *(f"nobody-{number}" for number in range(case.unknown_ids)),
        ]
        self._removed: set[str] = set()
        self._results: list[SessionResult] = []
        self._log = bytearray()
        self._has_outage = case.outage is not None

    def go(self) -> Outcome:
        """Run it and return the outcome."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            seconds = run_virtual(self._main, instruments=[self._tasks])
        mock = self._mock
        return Outcome(
            case=self._case,
            results=self._results,
            truth=dict(mock.truth),
            requests=list(mock.requests),
            faults=self._faults,
            refused=self._connections.refused,
            seconds=seconds,
            crashes=list(mock.crashes),
            warnings=[str(each.message) for each in warned],
            journal=mock.requests.dump(),
            log=bytes(self._log),
        )

    async def _main(self) -> float:
        for number, session in enumerate(self._case.sessions):
            result = SessionResult(session, number, trio.current_time())
            self._results.append(result)
            with trio.move_on_after(_HORIZON) as horizon:
                await self._run_session(result)
            result.never_ended = horizon.cancelled_caught
            await trio.sleep(session.pause_after)
        return trio.current_time()

    async def _run_session(self, result: SessionResult) -> None:
        transport = MemoryTransport(self._connections)
        pacing = Pacing(max_in_flight=self._case.max_in_flight)
        self._connections.most_open = 0
        async with trio.open_nursery() as nursery:
            async with LegnextClient(KEY, URL, transport, pacing=pacing) as client:
                await self._watch(client, result, nursery)
                # If polling continues now, the judges notice.
                await trio.sleep(_LINGER)
            result.open_after = self._connections.now_open
            result.most_open = self._connections.most_open
            result.tasks_after = len(self._tasks.living)
        self._end_outage(result)

    def _end_outage(self, result: SessionResult) -> None:
        """End the outage once it has ended a watch."""
        if result.main.error is not None:
            self._has_outage = False
            if "outage" in {rule.name for rule in self._mock.faults.rules}:
                self._mock.faults.remove("outage")

    # ---------------------------------------------------------------- one watch

    async def _watch(
        self, client: LegnextClient, result: SessionResult, nursery: trio.Nursery
    ) -> None:
        leave, raised = result.session.leave, BodyError()
        stream = client.watch(self._ids_for(result), timeout=self._case.timeout, journal=self._path)
        cancelled_after = leave.after if leave.how == "cancel" else math.inf
        try:
            with trio.move_on_after(cancelled_after):
                if leave.how == "lose":
                    await self._use(stream, result, nursery)
                else:
                    async with stream:
                        await self._use(stream, result, nursery)
                        if leave.how == "raise":
                            raise raised  # noqa: TRY301 - this is the body that raises
        except Exception as error:  # noqa: BLE001 - the judges check what came out
            result.came_out = None if error is raised else repr(error)
        if leave.how != "lose" or result.main.has_ended or result.main.error is not None:
            result.stats = stream.stats
            await self._check_after_close(stream, result)
        del stream
        if leave.how == "lose":
            gc.collect()
        await trio.testing.wait_all_tasks_blocked()
        result.left = trio.current_time()

    def _ids_for(self, result: SessionResult) -> Any:  # noqa: ANN401 - as many types as `watch` takes
        """Return the ids for a watch: a list, or an async iterator."""
        last = result.number == len(self._case.sessions) - 1
        if not (result.session.passes_ids or last):
            return ()
        ids = [job_id for job_id in self._ids if job_id not in self._removed]
        result.asked += ids
        if not self._case.interval or last:
            return ids
        return self._one_by_one(ids)

    async def _one_by_one(self, ids: list[str]) -> AsyncIterator[str]:
        for job_id in ids:
            # A job that the journal had, and that has been removed, must not be added again.
            if job_id not in self._removed:
                yield job_id
            await trio.sleep(self._case.interval)

    async def _use(self, stream: EventStream, result: SessionResult, nursery: trio.Nursery) -> None:
        for number, reader in enumerate(result.session.others, 1):
            reading = Reading(f"reader {number}")
            result.others.append(reading)
            subscription = stream.subscribe(reader.policy)
            nursery.start_soon(self._follow, subscription, reader, reading)
        waiting = _Waiting()
        nursery.start_soon(self._do, weakref.ref(stream), result, waiting)
        try:
            await self._read(stream, result, waiting)
        finally:
            waiting.is_over = True
        if result.main.has_ended or result.main.error is not None:
            await self._check_after_end(stream, result)

    async def _read(self, stream: EventStream, result: SessionResult, waiting: _Waiting) -> None:
        """Iterate over a stream until it is to be left."""
        reader, leave, reading = result.session.reader, result.session.leave, result.main
        counts = leave.how in {"break", "raise", "lose"}
        while not counts or len(reading.received) < leave.after:
            before = reading.received[-1] if reading.received else None
            if before is not None and before.acked == "no":
                before.acked = "perhaps"
            with waiting:
                is_received = await self._next(stream, reader, reading)
            if before is not None and (is_received or reading.has_ended):
                before.acked = "yes"
            if not is_received:
                return
            if reader.acks:
                reading.received[-1].acked = "perhaps"
                try:
                    await stream.ack()
                except JournalError as error:
                    reading.error = error
                    return
                reading.received[-1].acked = "yes"
            await trio.sleep(reader.pause)

    async def _follow(self, subscription: Subscription, reader: Reader, reading: Reading) -> None:
        while await self._next(subscription, reader, reading):  # noqa: ASYNC110 - it sleeps for the time that reading takes
            await trio.sleep(reader.pause)

    async def _next(
        self, events: EventStream | Subscription, reader: Reader, reading: Reading
    ) -> bool:
        """Wait for an event as this reader does; return whether there was one."""
        for number in itertools.count():
            patience = reader.impatience if number < _WAITS else None
            try:
                with trio.move_on_after(math.inf if patience is None else patience):
                    event = await anext(events)
                    received = Received(next(self._order), trio.current_time(), event)
                    reading.received.append(received)
                    self._log += (
                        f"{received.order} {reading.name} {received.at} {event!r}\n".encode()
                    )
                    return True
            except StopAsyncIteration:
                reading.has_ended = True
                return False
            except Exception as error:  # noqa: BLE001 - the judges check what the loop raises
                reading.error = error
                return False
        raise AssertionError

    async def _check_after_end(self, stream: EventStream, result: SessionResult) -> None:
        """Record what the loop does after its end, or after an error."""
        try:
            await anext(stream)
        except StopAsyncIteration:
            result.again["ended"] = "the end"
        except Exception as error:  # noqa: BLE001 - it is recorded
            result.again["ended"] = "the error" if error is result.main.error else repr(error)
        else:
            result.again["ended"] = "an event"

    async def _check_after_close(self, stream: EventStream, result: SessionResult) -> None:
        """Record what `aclose` and the loop do after the watch."""
        await stream.aclose()
        await stream.aclose()
        try:
            await anext(stream)
        except Exception as error:  # noqa: BLE001 - it is recorded
            result.again["closed"] = type(error).__name__
        else:
            result.again["closed"] = "an event"

    # ---------------------------------------------------------------- actions

    async def _do(
        self, lost: weakref.ref[EventStream], result: SessionResult, waiting: _Waiting
    ) -> None:
        for action in result.session.actions:
            await trio.sleep_until(result.began + action.at)
            stream = lost()
            if stream is None or waiting.is_over:
                return
            await self._do_one(stream, action, result, waiting)
            del stream

    async def _do_one(
        self, stream: EventStream, action: Action, result: SessionResult, waiting: _Waiting
    ) -> None:
        match action.what:
            case "add":
                ids = self._mock.add_jobs(action.number)
                try:
                    stream.add(ids)
                except Exception as error:  # noqa: BLE001 - it is recorded
                    result.again["add"] = type(error).__name__
                    return
                self._ids += ids
                result.asked += ids
            case "remove":
                # Remove the latest job that can be removed: most of its events are still to come.
                for job_id in self._ids[-action.number :: -1]:
                    with suppress(KeyError):  # it has ended, or not been added yet
                        stream.remove(job_id)
                        result.removed[job_id] = next(self._order)
                        self._removed.add(job_id)
                        break
            case "intrude" if waiting.is_waiting:
                try:
                    await anext(stream)
                except Exception as error:  # noqa: BLE001 - it is recorded
                    result.intrusions.append(type(error).__name__)
                else:
                    result.intrusions.append("an event")
            case _:
                pass

    # ---------------------------------------------------------------- patches

    @contextmanager
    def patches(self) -> Iterator[None]:
        """Patch the library to use this case's calendar, buffer capacity and disk."""
        calendar = SimpleNamespace(time=lambda: _CALENDAR + trio.current_time())
        write, outage = SqliteRecorder._write, self._case.outage
        full_from = outage.at if outage is not None and outage.kind == "disk" else math.inf

        def write_or_fail(recorder: SqliteRecorder, *arguments: Any) -> Any:  # noqa: ANN401 - passed on
            if self._has_outage and trio.current_time() >= full_from:
                raise JournalError(f"can't write the journal {self._path}: disk full")
            return write(recorder, *arguments)

        with (
            patch("legnext_stream._journal.extension.time", calendar),
            patch("legnext_stream._journal.sqlite.time", calendar),
            patch("legnext_stream._http.responses.time", calendar),
            patch("legnext_stream._engine.delivery.CAPACITY", self._case.capacity),
            patch.object(SqliteRecorder, "_write", write_or_fail),
        ):
            yield


def run(case: Case) -> Outcome:
    """Run a case once, from beginning to end."""
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        this = Run(case, Path(folder))
        with this.patches():
            return this.go()
