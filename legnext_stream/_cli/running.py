"""Running a command: until it ends or a signal comes, and from what went wrong to an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TextIO

import trio

from legnext_stream._cli.exits import Exit, OutputError, UsageError, complain, explain, status_of
from legnext_stream._cli.signals import until_signal
from legnext_stream.errors import LegnextError


def run_to_exit(work: Callable[[], Awaitable[Exit]]) -> int:
    """Run `work` in Trio to its end, or until a signal ends it; return the exit status."""
    return trio.run(until_signal, partial(reporting, work))


async def reporting(work: Callable[[], Awaitable[Exit]]) -> int:
    """Run `work`; what may go wrong in a command is told in one line, and becomes an exit status."""
    try:
        return await work()
    except EXPECTED as error:
        return told(error)


EXPECTED = (UsageError, LegnextError, OutputError)
"""What may go wrong in a command; anything else is a bug."""


def told(error: UsageError | LegnextError | OutputError) -> Exit:
    """Tell of an error in one line, and return the exit status that goes with it."""
    if isinstance(error, LegnextError):
        complain(explain(error))
        return status_of(error)
    if isinstance(error, OutputError) and error.is_closed:
        return Exit.CLOSED_PIPE
    complain(str(error))
    return Exit.USAGE if isinstance(error, UsageError) else Exit.INCOMPLETE


def need_key() -> None:
    """See that there is an API key.

    Raises:
        UsageError: There is none.
    """
    if not os.environ.get("LEGNEXT_API_KEY", "").strip():
        raise UsageError("no API key: set the environment variable LEGNEXT_API_KEY")


def need_stdout() -> TextIO:
    """Standard output.

    Raises:
        UsageError: It is closed.
    """
    if sys.stdout is None:
        raise UsageError("can't write standard output: it is closed")
    return sys.stdout
