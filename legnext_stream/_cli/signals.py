"""Ending on Ctrl-C and its kin as on anything else: by cancelling, so that all is put in order."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio

# Windows has no SIGHUP.
_ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


async def until_signal(work: Callable[[], Awaitable[int]]) -> int:
    """Run `work` to its end, or until a signal cancels it.

    A signal that is ignored on entry stays ignored: that is how `nohup` and a shell's `&` say that
    the command is to go on.

    Args:
        work: Returns the exit status.

    Returns:
        What `work` returned, or 128 + the number of the signal: 130 for Ctrl-C.
    """
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    if not heard:
        return await work()
    status = received = 0
    scope = trio.CancelScope()

    async def listen(task_status: trio.TaskStatus[None]) -> None:
        nonlocal received
        with trio.open_signal_receiver(*heard) as signals:
            task_status.started()
            # To the end: what is being put in order takes no further signal, and not long.
            while True:
                received = await anext(signals)
                scope.cancel()

    async with trio.open_nursery() as nursery:
        await nursery.start(listen)
        with scope:
            status = await work()
        nursery.cancel_scope.cancel()
    return 128 + received if scope.cancelled_caught else status


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """Note the signals that come between several runs of `until_signal`, or as one begins or ends.

    Yields:
        Their numbers; empty as long as none has come.
    """
    noted: list[int] = []
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {n: signal.signal(n, lambda number, _: noted.append(number)) for n in heard}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
