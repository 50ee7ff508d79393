"""Trio in a thread of its own, and calls into it from other threads.

A process has one such Trio run, from the first lease to the end of the last. A client or a stream
takes a lease to make calls. Its calls are cancelled when the lease ends: when it is told to, or
when its last reference is lost. A finalizer only posts a function to Trio, because the garbage
collector may run anywhere: in the Trio thread too, or while this very thread holds a lock.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Generic, TypeVar

import trio

from legnext_stream._bridges.jumps import Jumps, jumps_of
from legnext_stream.errors import ConfigurationError

T = TypeVar("T")

# How long the end of the interpreter waits for connections to be closed, seconds. Each stream allows
# itself less.
_LEAVING = 6.0


class Withdrawn(Exception):
    """A call has no outcome: it was cancelled, or its lease has ended. Users never see this error."""


class Call(Generic[T]):
    """An async function that is called on the Trio side for another thread.

    Attributes:
        outcome: Its result, its error, or `Withdrawn`, once it is done.
        is_called_off: Whether the caller has cancelled it. It may succeed all the same; it is done
            only when `outcome` is.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self.outcome: Future[T] = Future()
        self.is_called_off: bool = False
        self._work: Callable[[], Awaitable[T]] | None = work
        self._scope = trio.CancelScope()
        self._forget: Callable[[], None] = _do_nothing

    async def run(self) -> None:
        """Call the function. On the Trio side."""
        # Dropped, so that a call that is done keeps no stream alive.
        work, self._work = self._work, None
        assert work is not None  # noqa: S101 - a call runs once
        try:
            with self._scope:
                # No checkpoint in between: what was taken out of a buffer gets here.
                self.outcome.set_result(await work())
        except trio.Cancelled:
            raise  # the lease has ended; see `finally`
        except BaseException as error:  # noqa: BLE001 - raised again, in the thread that asked
            self.outcome.set_exception(_without_last(error))
        finally:
            self.withdraw()

    def when_done(self, forget: Callable[[], None]) -> None:
        """Have a function called once, when this is done.

        Not as a callback of `outcome`. A future keeps its callbacks, so it would be part of a
        reference cycle, and all that the frames of its error refer to would wait for the garbage
        collector.
        """
        self._forget = forget

    def withdraw(self) -> None:
        """Set the outcome to `Withdrawn`, unless there is one. From any thread, and several at once."""
        with contextlib.suppress(InvalidStateError):
            self.outcome.set_exception(Withdrawn())
        forget, self._forget = self._forget, _do_nothing
        forget()

    def cancel(self) -> None:
        """Cancel it. On the Trio side."""
        self._scope.cancel()


def _do_nothing() -> None:
    pass


def _without_last(error: BaseException) -> BaseException:
    """Return an error without the frame that has caught it.

    That frame refers to the call, and the call to the error: they would be a reference cycle. The
    frame must not have the traceback in a variable either, which is why this is a function.
    """
    trace = error.__traceback__
    assert trace is not None  # noqa: S101 - it was caught
    return error.with_traceback(trace.tb_next)


class _LeaseScope:
    """A lease's nursery on the Trio side, and what the lease holds open."""

    def __init__(self, inside: AbstractAsyncContextManager[object] | None) -> None:
        self._inside = nullcontext() if inside is None else inside
        self._nursery: trio.Nursery | None = None
        self._early: list[Call[object]] = []
        self._ending = trio.Event()
        self.ended: Future[None] = Future()

    async def run(self, leaves: Callable[[], None]) -> None:
        """Make calls until the end, which begins with a call of `leaves`."""
        async with self._inside, trio.open_nursery() as nursery:
            self._nursery = nursery
            # Not by `for`, whose variable would keep the last call, and its outcome, for good.
            while self._early:
                nursery.start_soon(self._early.pop(0).run)
            await self._ending.wait()
            leaves()
            nursery.cancel_scope.cancel()

    def begin(self, call: Call[object]) -> None:
        if self._ending.is_set() or self.ended.done():
            call.withdraw()
        elif self._nursery is None:
            self._early.append(call)
        else:
            self._nursery.start_soon(call.run)

    def end(self) -> None:
        self._ending.set()

    def close(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        for call in self._early:
            call.withdraw()


class _Run:
    """A Trio run in a thread. It ends when its last lease does."""

    def __init__(self) -> None:
        self.leases: int = 0
        # Reentrant, because a finalizer may post while this thread is posting.
        self._lock = threading.RLock()
        self._token: trio.lowlevel.TrioToken | None = None
        self._early: list[Callable[[], object]] = []
        self._is_over = False
        self._nursery: trio.Nursery | None = None
        self._unneeded = trio.Event()
        self._calls: set[Call[object]] = set()
        # The leases that are ending.
        self._leaving: set[_LeaseScope | None] = set()
        self._jumps: Jumps | None = None
        # A daemon: before it runs atexit callbacks, the interpreter waits for all other threads, and
        # this one ends in such a callback.
        self.thread = threading.Thread(target=self._work, name="legnext_stream", daemon=True)

    def post(self, function: Callable[[], object]) -> bool:
        """Have a function called on the Trio side, in the order of posting. Return whether it will be."""
        with self._lock:
            if self._token is None:
                if not self._is_over:
                    self._early.append(function)
                return not self._is_over
        try:
            self._token.run_sync_soon(function)
        except trio.RunFinishedError:
            return False
        return True

    def begin(self, scope: _LeaseScope, call: Call[object]) -> None:
        """Begin a call. From any thread."""
        self._calls.add(call)
        call.when_done(partial(self._forget, call))
        if not self.post(partial(self._begin, scope, call)):
            call.withdraw()

    def _begin(self, scope: _LeaseScope, call: Call[object]) -> None:
        self._let_jump()
        scope.begin(call)

    def _forget(self, call: Call[object]) -> None:
        self._calls.discard(call)
        self._let_jump()

    def _let_jump(self) -> None:
        """Let a virtual clock jump while code off Trio waits. On the Trio side, or after its end."""
        if self._jumps is not None:
            self._jumps.allow(bool(self._calls or self._leaving))

    def _leaves(self, scope: _LeaseScope | None) -> None:
        self._leaving.add(scope)
        self._let_jump()

    def open(self, scope: _LeaseScope) -> None:
        """Begin a lease. On the Trio side."""
        assert self._nursery is not None  # noqa: S101 - it is there before a posted function is called
        self._nursery.start_soon(self._run_scope, scope)

    async def _run_scope(self, scope: _LeaseScope) -> None:
        try:
            await scope.run(partial(self._leaves, scope))
        except Exception as error:  # noqa: BLE001 - it concerns this lease, not the others
            scope.ended.set_exception(error)
        finally:
            scope.close()
            self._leaving.discard(scope)
            self._let_jump()
            self._lease_ended()

    def _lease_ended(self) -> None:
        global _current  # noqa: PLW0603 - one run a process
        with _lock:
            self.leases -= 1
            if self.leases == 0:
                _current = None
                self._unneeded.set()

    def stop(self) -> None:
        """End all leases. On the Trio side."""
        self._unneeded.set()

    def _work(self) -> None:
        global _current  # noqa: PLW0603 - one run a process
        try:
            trio.run(self._main)
        finally:
            # In a regular end there are no calls left. After a bug that ended the run, no caller may
            # wait forever.
            with _lock:
                if _current is self:
                    _current = None
            with self._lock:
                self._is_over = True
            for call in list(self._calls):
                call.withdraw()

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._jumps = jumps_of(trio.lowlevel.current_clock())
            self._let_jump()
            with self._lock:
                self._token = trio.lowlevel.current_trio_token()
                while self._early:
                    self._token.run_sync_soon(self._early.pop(0))
            await self._unneeded.wait()
            self._leaves(None)
            nursery.cancel_scope.cancel()


class Lease:
    """Makes calls on the Trio side, inside of a context if one is given, until it is ended or lost."""

    def __init__(self, inside: AbstractAsyncContextManager[object] | None = None) -> None:
        self._process = os.getpid()
        self._scope = _LeaseScope(inside)
        self._run = _lease(self._scope)
        lost = weakref.finalize(self, self._run.post, self._scope.end)
        lost.atexit = False

    @property
    def is_inherited(self) -> bool:
        """Whether it belongs to the process that this one was forked from."""
        return os.getpid() != self._process

    def call(self, work: Callable[[], Awaitable[T]]) -> Call[T]:
        """Begin to call an async function on the Trio side.

        Raises:
            ConfigurationError: It is called after a fork, or on the Trio side itself.
        """
        self._check()
        call = Call(work)
        self._run.begin(self._scope, call)  # type: ignore[arg-type]  # Call is invariant
        return call

    def call_off(self, call: Call[T]) -> None:
        """Cancel a call. It is done when its outcome says so."""
        call.is_called_off = True
        self._run.post(call.cancel)

    def run_sync(self, function: Callable[[], T]) -> T:
        """Call a synchronous function on the Trio side, and wait for what it returns.

        Raises:
            Withdrawn: The lease has ended.
            ConfigurationError: It is called after a fork, or on the Trio side itself.
        """

        async def work() -> T:
            return function()

        return self.call(work).outcome.result()

    def end(self) -> Future[None]:
        """Cancel its calls and leave its context. The future is done when that is, or has the error."""
        if self.is_inherited or not self._run.post(self._scope.end):
            over: Future[None] = Future()
            over.set_result(None)
            return over
        return self._scope.ended

    def _check(self) -> None:
        if self.is_inherited:
            raise ConfigurationError(
                "this was opened before the process was forked, and belongs to the parent: open a new one"
            )
        if threading.current_thread() is self._run.thread:
            raise ConfigurationError(
                "this was called in the library's own thread, which would wait for itself"
            )


def _lease(scope: _LeaseScope) -> _Run:
    """Begin a lease in the process's Trio run, which is started if there is none."""
    global _current  # noqa: PLW0603 - one run a process
    with _lock:
        run = _current
        if run is None:
            run = _current = _Run()
            run.thread.start()
        run.leases += 1
        run.post(partial(run.open, scope))
    return run


_lock = threading.RLock()
_current: _Run | None = None


def _forget() -> None:
    """Start afresh in a forked child, which has none of its parent's threads."""
    global _lock, _current
    _lock, _current = threading.RLock(), None


@atexit.register
def _stop() -> None:
    """Close what the program left open, when the interpreter ends."""
    run = _current
    if run is not None and run.post(run.stop):
        run.thread.join(_LEAVING)


if hasattr(os, "register_at_fork"):  # pragma: no branch - the tests run where it is
    os.register_at_fork(after_in_child=_forget)
