"""The command `legnext-stream`. Importing the library imports none of this."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from legnext_stream._startup import end_quietly


def main() -> NoReturn:
    """Run the command with the arguments of this process, and exit; see `exits` for the statuses."""
    try:
        # Until here, Ctrl-C ended the process: see `_startup`.
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        from legnext_stream._cli.app import run  # noqa: PLC0415 - Ctrl-C may come while it loads

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Before or after the command itself, which handles signals.
        status = 130
    except BaseExceptionGroup as group:
        # The same, in a nursery.
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        status = 130
    status = _flushed(status)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # What the interpreter still does would print a traceback.
        signal.signal(signal.SIGINT, end_quietly)
    sys.exit(status)


def _flushed(status: int) -> int:
    """The exit status, once all output is written.

    The interpreter would do that, but with a traceback, and would exit with 120 if standard error
    can't be written.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if stream is sys.stdout:
                status = status or (141 if isinstance(error, BrokenPipeError) else 1)
    return status
