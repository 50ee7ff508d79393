"""Leases on the Trio thread: what begins, fails and ends it."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from unittest import mock

import pytest
import trio

from legnext_stream import ConfigurationError
from legnext_stream._bridges import trio_thread
from legnext_stream._bridges.trio_thread import Lease, Withdrawn


@pytest.fixture
def lease() -> Iterator[Lease]:
    """A lease that keeps the run."""
    lease = Lease()
    yield lease
    lease.end().result()
    lease._run.thread.join(10)
    assert not lease._run.thread.is_alive()


def test_a_run_ends_with_its_last_lease() -> None:
    """Then nothing more is done through it, and ending it again is no error."""
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
    """Nothing on the Trio side keeps what came of a call: the error knows the lease by its frames."""

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
    """What went wrong is told at its end; what was begun early has no outcome, others go on."""
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
    """As when there are too many open files: nobody waits forever, and the next one is tried anew."""
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
    """Who calls from there gets an error in place of a deadlock."""
    with pytest.raises(ConfigurationError, match="own thread"):
        lease.run_sync(lambda: lease.run_sync(trio.current_time))


def test_the_end_of_the_program_ends_the_run() -> None:
    """Whatever is still open; and again does nothing."""
    lease = Lease()
    waiting = lease.call(trio.sleep_forever)
    trio_thread._stop()
    assert not lease._run.thread.is_alive()
    with pytest.raises(Withdrawn):
        waiting.outcome.result()
    trio_thread._stop()


def test_a_child_has_nothing_of_its_parents(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a fork, which `test_programs` does in earnest."""
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
