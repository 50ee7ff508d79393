"""Runs a case in virtual time, and writes down all that happens."""

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
from legnext_stream._journal import Store
from legnext_stream.errors import JournalError
from mockserver import MockLegnext, run_virtual
from mockserver._serving.network import MemoryBackend, MemoryTransport
from tests.legnext_stream.support import KEY, URL
from tests.simulation.cases import Case, Deed, Reader
from tests.simulation.outcome import Outcome, Reading, Sat, Told

# A watch that has not ended after so many seconds never will.
_HORIZON: Final = 24 * 3600.0
# Who cancels a wait again and again stops doing so at last, so that a watch that never ends is cheap.
_WAITS: Final = 500
# How long a client is kept open after its stream was left, seconds.
_LINGER: Final = 60.0
# Where the calendar stands at a case's start, seconds since 1970.
_CALENDAR: Final = 1.8e9
# A journal is written to memory where that can be had: it is the order of writes that matters here.
_FOLDER: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - see above


class BodyError(Exception):
    """What the body of a watch raises."""


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
        """Connect, and count."""
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
    """Counts the tasks of the library that are alive."""

    def __init__(self) -> None:
        self.living: set[trio.lowlevel.Task] = set()

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        """One more."""
        if task.name.startswith("legnext_stream"):
            self.living.add(task)

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        """One less."""
        self.living.discard(task)


class _Asking:
    """Whether somebody waits for a stream's next event just now; and whether nobody will again."""

    def __init__(self) -> None:
        self.is_asking = False
        self.is_over = False

    def __enter__(self) -> None:
        self.is_asking = True

    def __exit__(self, *_: object) -> None:
        self.is_asking = False


class Run:
    """One run of a case.

    Args:
        case: The case.
        folder: Where its journal lies.
    """

    def __init__(self, case: Case, folder: Path) -> None:
        self._case = case
        self._path = folder / "batch.db" if case.has_journal else None
        self._mock: MockLegnext = case.scenario.mock()
        if case.doom is not None and case.doom.rule is not None:
            # Before all others, so that nothing else is answered.
            rules = self._mock.faults.rules
            self._mock.faults.clear()
            for rule in (case.doom.rule, *rules):
                self._mock.faults.add(rule.fault, name=rule.name or None, when=rule.when)
        self._faults = {rule.name: rule.fault for rule in self._mock.faults.rules}
        self._connections = _Connections(
            MemoryBackend(self._mock._serve_stream, 0.0, self._mock._door.admit)
        )
        self._tasks = _Tasks()
        self._order = itertools.count(1)
        self._ids = [*self._mock.truth, *(f"nobody-{number}" for number in range(case.nobody))]
        self._removed: set[str] = set()
        self._sats: list[Sat] = []
        self._log = bytearray()
        self._is_doomed = case.doom is not None

    def go(self) -> Outcome:
        """Run it."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            seconds = run_virtual(self._main, instruments=[self._tasks])
        mock = self._mock
        return Outcome(
            case=self._case,
            sats=self._sats,
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
        for number, sitting in enumerate(self._case.sittings):
            sat = Sat(sitting, number, trio.current_time())
            self._sats.append(sat)
            with trio.move_on_after(_HORIZON) as horizon:
                await self._sit(sat)
            sat.never_ended = horizon.cancelled_caught
            await trio.sleep(sitting.rest)
        return trio.current_time()

    async def _sit(self, sat: Sat) -> None:
        transport = MemoryTransport(self._connections)
        pacing = Pacing(max_in_flight=self._case.max_in_flight)
        self._connections.most_open = 0
        async with trio.open_nursery() as nursery:
            async with LegnextClient(KEY, URL, transport, pacing=pacing) as client:
                await self._watch(client, sat, nursery)
                # Whoever goes on asking now, with the client still open, is found out.
                await trio.sleep(_LINGER)
            sat.open_after = self._connections.now_open
            sat.most_open = self._connections.most_open
            sat.tasks_after = len(self._tasks.living)
        self._lift_doom(sat)

    def _lift_doom(self, sat: Sat) -> None:
        """What concerned all jobs was seen to, once it has ended a watch."""
        if sat.main.error is not None:
            self._is_doomed = False
            if "doom" in {rule.name for rule in self._mock.faults.rules}:
                self._mock.faults.remove("doom")

    # ---------------------------------------------------------------- one watch

    async def _watch(self, client: LegnextClient, sat: Sat, nursery: trio.Nursery) -> None:
        leave, raised = sat.sitting.leave, BodyError()
        stream = client.watch(self._bring(sat), timeout=self._case.timeout, journal=self._path)
        cancelled_after = leave.after if leave.how == "cancel" else math.inf
        try:
            with trio.move_on_after(cancelled_after):
                if leave.how == "lose":
                    await self._use(stream, sat, nursery)
                else:
                    async with stream:
                        await self._use(stream, sat, nursery)
                        if leave.how == "raise":
                            raise raised  # noqa: TRY301 - this is the body that raises
        except Exception as error:  # noqa: BLE001 - whatever came out is what is judged
            sat.came_out = None if error is raised else repr(error)
        if leave.how != "lose" or sat.main.has_ended or sat.main.error is not None:
            sat.stats = stream.stats
            await self._ask_again(stream, sat)
        del stream
        if leave.how == "lose":
            gc.collect()
        await trio.testing.wait_all_tasks_blocked()
        sat.left = trio.current_time()

    def _bring(self, sat: Sat) -> Any:  # noqa: ANN401 - as various as `watch` takes
        """The ids that a watch is given: a list, or one by one."""
        last = sat.number == len(self._case.sittings) - 1
        if not (sat.sitting.brings_ids or last):
            return ()
        ids = [job_id for job_id in self._ids if job_id not in self._removed]
        sat.asked += ids
        if not self._case.come or last:
            return ids
        return self._one_by_one(ids)

    async def _one_by_one(self, ids: list[str]) -> AsyncIterator[str]:
        for job_id in ids:
            # What was removed meanwhile (the journal had it) would be taken for a job to add.
            if job_id not in self._removed:
                yield job_id
            await trio.sleep(self._case.come)

    async def _use(self, stream: EventStream, sat: Sat, nursery: trio.Nursery) -> None:
        for number, reader in enumerate(sat.sitting.others, 1):
            reading = Reading(f"reader {number}")
            sat.others.append(reading)
            subscription = stream.subscribe(reader.policy)
            nursery.start_soon(self._follow, subscription, reader, reading)
        asking = _Asking()
        nursery.start_soon(self._do, weakref.ref(stream), sat, asking)
        try:
            await self._read(stream, sat, asking)
        finally:
            asking.is_over = True
        if sat.main.has_ended or sat.main.error is not None:
            await self._ask_on(stream, sat)

    async def _read(self, stream: EventStream, sat: Sat, asking: _Asking) -> None:
        """Iterate a stream until it is to be left."""
        reader, leave, reading = sat.sitting.reader, sat.sitting.leave, sat.main
        counts = leave.how in {"break", "raise", "lose"}
        while not counts or len(reading.told) < leave.after:
            before = reading.told[-1] if reading.told else None
            if before is not None and before.acked == "no":
                before.acked = "perhaps"
            with asking:
                is_told = await self._next(stream, reader, reading)
            if before is not None and (is_told or reading.has_ended):
                before.acked = "yes"
            if not is_told:
                return
            if reader.acks:
                reading.told[-1].acked = "perhaps"
                try:
                    await stream.ack()
                except JournalError as error:
                    reading.error = error
                    return
                reading.told[-1].acked = "yes"
            await trio.sleep(reader.pause)

    async def _follow(self, subscription: Subscription, reader: Reader, reading: Reading) -> None:
        while await self._next(subscription, reader, reading):  # noqa: ASYNC110 - reading takes so long
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
                    told = Told(next(self._order), trio.current_time(), event)
                    reading.told.append(told)
                    self._log += f"{told.order} {reading.name} {told.at} {event!r}\n".encode()
                    return True
            except StopAsyncIteration:
                reading.has_ended = True
                return False
            except Exception as error:  # noqa: BLE001 - whatever the loop raises is what is judged
                reading.error = error
                return False
        raise AssertionError

    async def _ask_on(self, stream: EventStream, sat: Sat) -> None:
        """See what the loop does after its end, or after an error."""
        try:
            await anext(stream)
        except StopAsyncIteration:
            sat.again["ended"] = "the end"
        except Exception as error:  # noqa: BLE001 - it is written down
            sat.again["ended"] = "the error" if error is sat.main.error else repr(error)
        else:
            sat.again["ended"] = "an event"

    async def _ask_again(self, stream: EventStream, sat: Sat) -> None:
        """See what `aclose` and the loop do when all is over."""
        await stream.aclose()
        await stream.aclose()
        try:
            await anext(stream)
        except Exception as error:  # noqa: BLE001 - it is written down
            sat.again["closed"] = type(error).__name__
        else:
            sat.again["closed"] = "an event"

    # ---------------------------------------------------------------- what is done to it

    async def _do(self, lost: weakref.ref[EventStream], sat: Sat, asking: _Asking) -> None:
        for deed in sat.sitting.deeds:
            await trio.sleep_until(sat.began + deed.at)
            stream = lost()
            if stream is None or asking.is_over:
                return
            await self._do_one(stream, deed, sat, asking)
            del stream

    async def _do_one(self, stream: EventStream, deed: Deed, sat: Sat, asking: _Asking) -> None:
        match deed.what:
            case "add":
                ids = self._mock.add_jobs(deed.number)
                try:
                    stream.add(ids)
                except Exception as error:  # noqa: BLE001 - it is written down
                    sat.again["add"] = type(error).__name__
                    return
                self._ids += ids
                sat.asked += ids
            case "remove":
                # The first that can be, from the latest on: of those most is still untold.
                for job_id in self._ids[-deed.number :: -1]:
                    with suppress(KeyError):  # it has ended, or not come in yet
                        stream.remove(job_id)
                        sat.removed[job_id] = next(self._order)
                        self._removed.add(job_id)
                        break
            case "intrude" if asking.is_asking:
                try:
                    await anext(stream)
                except Exception as error:  # noqa: BLE001 - it is written down
                    sat.intrusions.append(type(error).__name__)
                else:
                    sat.intrusions.append("an event")
            case _:
                pass

    # ---------------------------------------------------------------- its surroundings

    @contextmanager
    def surroundings(self) -> Iterator[None]:
        """Have the library run by this case's calendar, with its room, and on its disk."""
        calendar = SimpleNamespace(time=lambda: _CALENDAR + trio.current_time())
        write, doom = Store.write, self._case.doom
        full_from = doom.at if doom is not None and doom.kind == "disk" else math.inf

        def write_or_fail(store: Store, entries: Any) -> None:  # noqa: ANN401 - the store's own
            if self._is_doomed and trio.current_time() >= full_from:
                raise JournalError(f"can't write the journal {store.path}: disk full")
            write(store, entries)

        with (
            patch("legnext_stream._journal.keeper.time", calendar),
            patch("legnext_stream._journal.store.time", calendar),
            patch("legnext_stream._http.responses.time", calendar),
            patch("legnext_stream._engine.delivery.CAPACITY", self._case.room),
            patch.object(Store, "write", write_or_fail),
        ):
            yield


def run(case: Case) -> Outcome:
    """Run a case once, from its beginning to its end."""
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        this = Run(case, Path(folder))
        with this.surroundings():
            return this.go()
