"""Running a command until it ends, fails, or a signal comes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

import trio

from legnext_stream._cli.exits import EXPECTED, UsageError, fail
from legnext_stream._cli.notices import noticing

# Windows has no SIGHUP.
_ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


async def run_to_exit(work: Callable[[], Awaitable[int]]) -> int:
    """Run a command to its end, or until a signal cancels it.

    Ctrl-C and its kin cancel the work as anything else would, so that it can clean up. A signal
    that is ignored on entry stays ignored: that is how `nohup` and a shell's `&` keep a command
    running.

    Returns:
        The exit status: that of `work`; that of an expected error, after its message was printed;
        or 128 plus the number of the signal.
    """
    status = received = 0
    scope = trio.CancelScope()

    async def listen(numbers: list[int], task_status: trio.TaskStatus[None]) -> None:
        nonlocal received
        with trio.open_signal_receiver(*numbers) as signals:
            task_status.started()
            # Goes on to the end: a second Ctrl-C must not interrupt the clean-up, which is short.
            while True:
                received = await anext(signals)
                scope.cancel()

    with noticing() as notices:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(notices.say_if_silent)
            if numbers := _ending_signals():
                await nursery.start(listen, numbers)
            with scope:
                try:
                    status = await work()
                except EXPECTED as error:
                    status = fail(error)
                except _Interrupted:
                    # `listen` has the signal, too, and cancels this.
                    await trio.sleep_forever()
            nursery.cancel_scope.cancel()
    return 128 + received if scope.cancelled_caught else status


class _Interrupted(BaseException):
    """A signal came during a blocking call."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the signals that end a command interrupt a blocking call in it, such as reading a FIFO.

    Otherwise they are only noted, and the call goes on. Where none are noted, nothing changes.
    """

    def interrupting(note: Callable[..., object]) -> Callable[..., NoReturn]:
        def interrupt(*signal_and_frame: object) -> NoReturn:
            note(*signal_and_frame)
            raise _Interrupted

        return interrupt

    before: dict[int, Callable[..., object]] = {}
    if trio.lowlevel.in_trio_run():
        for number in _ending_signals():
            handler = signal.getsignal(number)
            if callable(handler) and handler is not signal.default_int_handler:
                before[number] = handler
                signal.signal(number, interrupting(handler))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """The numbers of the signals that come before, between and after several runs of `run_to_exit`."""
    noted: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: noted.append(number))
        for number in _ending_signals()
    }
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending_signals() -> list[int]:
    """The signals that end the command: those that are not ignored."""
    return [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]


def need_key() -> None:
    """Check that there is an API key; raise a `UsageError` if there is none."""
    if not os.environ.get("LEGNEXT_API_KEY", "").strip():
        raise UsageError("no API key: set the environment variable LEGNEXT_API_KEY")


def need_stdout() -> TextIO:
    """Standard output; a `UsageError` if it is closed."""
    if sys.stdout is None:
        raise UsageError("can't write standard output: it is closed")
    return sys.stdout
