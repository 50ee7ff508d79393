"""Trio in a thread of its own, and how to have it do something from any other thread.

One Trio run serves a whole process, from when somebody first needs it until nobody does. Who needs
it takes a lease; what is called through a lease ends with it, and a lease ends when it is ended or
its last reference is lost. Nothing but posting a function to Trio happens in a finalizer, for the
garbage collector may run anywhere: in the Trio thread too, or while this very thread holds a lock.
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

from legnext_stream.errors import ConfigurationError

T = TypeVar("T")

# How long the end of the interpreter waits for connections to be closed, seconds. What is closed
# bounds itself to less.
_LEAVING = 6.0


class Withdrawn(Exception):
    """A call has no outcome: it was called off, or its lease has ended. Never leaves the bridges."""


class Call(Generic[T]):
    """Something that is done on the Trio side for somebody outside.

    Args:
        work: What to do, on the Trio side.

    Attributes:
        outcome: What came of it, once it has come: a result, an error, or `Withdrawn`.
        is_called_off: Whether whoever asked for it has called it off. It may have an outcome all
            the same, and is settled only when `outcome` says so.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self.outcome: Future[T] = Future()
        self.is_called_off: bool = False
        self._work: Callable[[], Awaitable[T]] | None = work
        self._scope = trio.CancelScope()
        self._forget: Callable[[], None] = _nobody

    async def carry_out(self) -> None:
        """Do it. On the Trio side."""
        # Let go of, so that a stream is not kept by a call that is over.
        work, self._work = self._work, None
        assert work is not None  # noqa: S101 - a call is carried out once
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

    def when_settled(self, forget: Callable[[], None]) -> None:
        """Have this called once, by whoever settles it.

        Not by the outcome, which keeps what it calls: it would hold itself, and the error in it all
        that the error's frames refer to, until the garbage collector runs.
        """
        self._forget = forget

    def withdraw(self) -> None:
        """Say that there is no outcome, unless there is one. From any thread, and several at once."""
        with contextlib.suppress(InvalidStateError):
            self.outcome.set_exception(Withdrawn())
        forget, self._forget = self._forget, _nobody
        forget()

    def cancel(self) -> None:
        """Cancel it. On the Trio side."""
        self._scope.cancel()


def _nobody() -> None:
    """Nobody is to be told."""


def _without_last(error: BaseException) -> BaseException:
    """An error without the frame that has caught it.

    That frame refers to the call, the call to the error: it would hold itself. Nor may that frame
    have the traceback in a variable, which is why this is a function.
    """
    trace = error.__traceback__
    assert trace is not None  # noqa: S101 - it was caught
    return error.with_traceback(trace.tb_next)


class _Room:
    """What a lease has on the Trio side: a nursery of its own."""

    def __init__(self, inside: AbstractAsyncContextManager[object] | None) -> None:
        self._inside = nullcontext() if inside is None else inside
        self._nursery: trio.Nursery | None = None
        self._early: list[Call[object]] = []
        self._ending = trio.Event()
        self.ended: Future[None] = Future()

    async def live(self) -> None:
        async with self._inside, trio.open_nursery() as nursery:
            self._nursery = nursery
            # Not by `for`, whose variable would keep a call, and what came of it, for good.
            while self._early:
                nursery.start_soon(self._early.pop(0).carry_out)
            await self._ending.wait()
            nursery.cancel_scope.cancel()

    def begin(self, call: Call[object]) -> None:
        if self._ending.is_set() or self.ended.done():
            call.withdraw()
        elif self._nursery is None:
            self._early.append(call)
        else:
            self._nursery.start_soon(call.carry_out)

    def end(self) -> None:
        self._ending.set()

    def close(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        for call in self._early:
            call.withdraw()


class _Run:
    """One Trio run, in one thread. It ends by itself when the last lease has."""

    def __init__(self) -> None:
        self.leases: int = 0
        # Reentrant, for a finalizer may post while this thread is posting.
        self._lock = threading.RLock()
        self._token: trio.lowlevel.TrioToken | None = None
        self._early: list[Callable[[], object]] = []
        self._is_over = False
        self._nursery: trio.Nursery | None = None
        self._unneeded = trio.Event()
        self._calls: set[Call[object]] = set()
        # A daemon, for the interpreter waits for others before it runs what is registered to be run
        # at its end, and nobody would end this one.
        self.thread = threading.Thread(target=self._work, name="legnext_stream", daemon=True)

    def post(self, function: Callable[[], object]) -> bool:
        """Have a function called on the Trio side, soon and in order; whether it will be."""
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

    def begin(self, room: _Room, call: Call[object]) -> None:
        """Begin a call. From any thread."""
        self._calls.add(call)
        call.when_settled(partial(self._calls.discard, call))
        if not self.post(partial(room.begin, call)):
            call.withdraw()

    def let_in(self, room: _Room) -> None:
        """Open a lease's room. On the Trio side."""
        assert self._nursery is not None  # noqa: S101 - it is there before anything posted is called
        self._nursery.start_soon(self._house, room)

    async def _house(self, room: _Room) -> None:
        try:
            await room.live()
        except Exception as error:  # noqa: BLE001 - it concerns this lease, not the others
            room.ended.set_exception(error)
        finally:
            room.close()
            self.leave()

    def leave(self) -> None:
        """A lease less. On the Trio side."""
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
            # In order, nobody waits by now. After a bug that ended the run, nobody waits forever.
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
            with self._lock:
                self._token = trio.lowlevel.current_trio_token()
                while self._early:
                    self._token.run_sync_soon(self._early.pop(0))
            await self._unneeded.wait()
            nursery.cancel_scope.cancel()


class Lease:
    """The right to have things done on the Trio side, until it is ended or lost.

    Args:
        inside: Is entered on the Trio side before anything is done, and left after it.
    """

    def __init__(self, inside: AbstractAsyncContextManager[object] | None = None) -> None:
        self._process = os.getpid()
        self._room = _Room(inside)
        self._run = _enter(self._room)
        lost = weakref.finalize(self, self._run.post, self._room.end)
        lost.atexit = False

    @property
    def is_inherited(self) -> bool:
        """Whether it belongs to the process that this one was forked from."""
        return os.getpid() != self._process

    def call(self, work: Callable[[], Awaitable[T]]) -> Call[T]:
        """Begin something on the Trio side.

        Raises:
            ConfigurationError: It is called after a fork, or on the Trio side itself.
        """
        self._check()
        call = Call(work)
        self._run.begin(self._room, call)  # type: ignore[arg-type]
        return call

    def call_off(self, call: Call[T]) -> None:
        """Cancel a call. It is settled when its outcome says so."""
        call.is_called_off = True
        self._run.post(call.cancel)

    def at_once(self, function: Callable[[], T]) -> T:
        """Call a function that doesn't wait on the Trio side, and wait for what it returns.

        Raises:
            Withdrawn: The lease has ended.
            ConfigurationError: It is called after a fork, or on the Trio side itself.
        """

        async def work() -> T:
            return function()

        return self.call(work).outcome.result()

    def end(self) -> Future[None]:
        """End what was begun through it; the result says when that is done, or what went wrong."""
        if self.is_inherited or not self._run.post(self._room.end):
            over: Future[None] = Future()
            over.set_result(None)
            return over
        return self._room.ended

    def _check(self) -> None:
        if self.is_inherited:
            raise ConfigurationError(
                "this was opened before the process was forked, and lives on in the parent: open a new one"
            )
        if threading.current_thread() is self._run.thread:
            raise ConfigurationError(
                "this was called in the library's own thread, which would wait for itself"
            )


def _enter(room: _Room) -> _Run:
    """Open a room in the process's run, which is begun if there is none."""
    global _current  # noqa: PLW0603 - one run a process
    with _lock:
        run = _current
        if run is None:
            run = _current = _Run()
            run.thread.start()
        run.leases += 1
        run.post(partial(run.let_in, room))
    return run


_lock = threading.RLock()
_current: _Run | None = None


def _forget() -> None:
    """A child has neither its parent's threads nor what their locks guarded."""
    global _lock, _current
    _lock, _current = threading.RLock(), None


@atexit.register
def _stop() -> None:
    """Close what the program has left open."""
    run = _current
    if run is not None and run.post(run.stop):
        run.thread.join(_LEAVING)


if hasattr(os, "register_at_fork"):  # pragma: no branch - the tests run where it is
    os.register_at_fork(after_in_child=_forget)
