"""The Trio thread and its leases: how they begin, fail and end."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from unittest import mock

import pytest
import trio
import trio.testing

from legnext_stream import ConfigurationError
from legnext_stream._bridges import trio_thread
from legnext_stream._bridges.trio_thread import Lease, Withdrawn


@pytest.fixture
def lease() -> Iterator[Lease]:
    """A lease that keeps the Trio run alive."""
    lease = Lease()
    yield lease
    lease.end().result()
    lease._run.thread.join(10)
    assert not lease._run.thread.is_alive()


def test_a_run_ends_with_its_last_lease() -> None:
    """It makes no further calls, and ending it again is no error."""
    one, other = Lease(), Lease()
    one.end().result()
    assert other.run_sync(trio.current_time) > 0
    with pytest.raises(Withdrawn):
        one.run_sync(trio.current_time)
    other.end().result()
    other._run.thread.join(10)
    with pytest.raises(Withdrawn):
        other.run_sync(trio.current_time)
    other.end().result()


def test_a_lease_that_is_lost_ends_though_its_first_call_failed() -> None:
    """Nothing on the Trio side keeps the error of a call, whose frames refer to the lease."""

    def fail(lease: Lease) -> None:
        lease.run_sync(lambda: 1 // 0)

    lease = Lease()
    run = lease._run
    with pytest.raises(ZeroDivisionError) as caught:
        fail(lease)
    del lease, caught
    run.thread.join(10)
    assert not run.thread.is_alive()


def test_what_a_lease_is_for_cannot_be_opened(lease: Lease) -> None:
    """Its end raises the error, its early calls have no outcome, and other leases continue."""
    gate = threading.Event()

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        await trio.to_thread.run_sync(gate.wait)
        if gate.is_set():
            raise ZeroDivisionError
        yield

    failing = Lease(broken())
    early = failing.call(trio.sleep_forever)
    lease.run_sync(trio.current_time)
    gate.set()
    with pytest.raises(Withdrawn):
        early.outcome.result()
    with pytest.raises(ZeroDivisionError):
        failing.end().result()
    assert lease.run_sync(trio.current_time) > 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_run_that_cannot_begin() -> None:
    """For example with too many open files: no caller waits forever, and the next lease starts a new run."""
    gate = threading.Event()

    def run(_: object) -> None:
        gate.wait()
        raise OSError(24, "Too many open files")

    with mock.patch.object(trio, "run", run):
        lease = Lease()
        early = lease.call(trio.sleep_forever)
        gate.set()
        with pytest.raises(Withdrawn):
            early.outcome.result()
        lease._run.thread.join(10)
    with pytest.raises(Withdrawn):
        lease.run_sync(trio.current_time)
    lease.end().result()
    another = Lease()
    assert another.run_sync(trio.current_time) > 0
    another.end().result()


def test_its_own_thread_is_not_to_wait_for_itself(lease: Lease) -> None:
    """A call from that thread raises an error instead of deadlocking."""
    with pytest.raises(ConfigurationError, match="own thread"):
        lease.run_sync(lambda: lease.run_sync(trio.current_time))


def test_the_end_of_the_program_ends_the_run() -> None:
    """It closes what is open; a second call does nothing."""
    lease = Lease()
    waiting = lease.call(trio.sleep_forever)
    trio_thread._stop()
    assert not lease._run.thread.is_alive()
    with pytest.raises(Withdrawn):
        waiting.outcome.result()
    trio_thread._stop()


def test_a_child_has_nothing_of_its_parents(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a fork; `test_programs` really forks."""
    with monkeypatch.context() as patch:
        patch.setattr(trio_thread, "_lock", trio_thread._lock)
        patch.setattr(trio_thread, "_current", trio_thread._current)
        patch.setattr(os, "getpid", lambda: -1)
        trio_thread._forget()
        assert trio_thread._current is None
        with pytest.raises(ConfigurationError, match="forked"):
            lease.run_sync(trio.current_time)
        lease.end().result()
    assert lease.run_sync(trio.current_time) > 0


def test_a_call_that_was_never_run_can_be_withdrawn_twice() -> None:
    """Its caller gets `Withdrawn`, and the second time changes nothing."""

    async def work() -> None:
        raise AssertionError

    call = trio_thread.Call(work)
    call.withdraw()
    call.withdraw()
    with pytest.raises(trio_thread.Withdrawn):
        call.outcome.result()


def _run_with(clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Trio thread run with this clock."""
    real_run = trio.run
    monkeypatch.setattr(trio, "run", lambda main: real_run(main, clock=clock))


def test_a_clock_that_jumps_stands_still_between_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """It jumps during calls, and while a lease ends; not while nothing is waited for."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    _run_with(clock, monkeypatch)
    closed = list[float]()

    @asynccontextmanager
    async def slow_to_close() -> AsyncIterator[None]:
        yield
        await trio.sleep(50)
        closed.append(trio.current_time())

    async def in_the_background() -> None:
        trio.lowlevel.spawn_system_task(trio.sleep, 1000)

    lease = Lease(slow_to_close())
    lease.call(in_the_background).outcome.result()
    times = [lease.run_sync(trio.current_time) for _ in range(20)]
    assert times == [0.0] * 20
    lease.call(partial(trio.sleep, 3)).outcome.result()
    assert lease.run_sync(trio.current_time) == 3.0
    assert clock.autojump_threshold == float("inf")
    lease.end().result()
    lease._run.thread.join(10)
    assert closed == [53.0]


def test_a_clock_that_does_not_jump_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that moves the clock itself goes on doing so."""
    clock = trio.testing.MockClock()
    _run_with(clock, monkeypatch)
    lease = Lease()

    async def jump() -> None:
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(3)

    sleep = lease.call(partial(trio.sleep, 3))
    lease.call(jump).outcome.result()
    sleep.outcome.result()
    clock.autojump_threshold = 7
    assert lease.run_sync(trio.current_time) == 3.0
    assert clock.autojump_threshold == 7
    lease.end().result()


def test_a_run_that_is_stopped_may_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the interpreter's end, what is still open is closed in virtual time too."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    _run_with(clock, monkeypatch)

    @asynccontextmanager
    async def slow_to_close() -> AsyncIterator[None]:
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(5)

    lease = Lease(slow_to_close())
    lease.run_sync(lambda: None)
    lease._run.post(lease._run.stop)
    lease._run.thread.join(10)
    assert not lease._run.thread.is_alive()
    assert clock.current_time() == 5.0
