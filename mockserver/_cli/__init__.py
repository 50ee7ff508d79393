"""The command `legnext-mock`: the mock server as a process."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command with the arguments of this process, and exit.

    The status is 130 after Ctrl-C, 0 after SIGTERM, 1 if the server can't start, 2 if the arguments
    or the files that they name are wrong, and 141 if the reader of the output has gone away.
    """
    try:
        # Here, because Ctrl-C may come while it loads, and because packages may be missing.
        from mockserver._cli.app import run  # noqa: PLC0415 - see above

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Before or after the command itself, which handles signals.
        status = 130
    except BaseExceptionGroup as group:
        # The same, in a nursery.
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        status = 130
    except ModuleNotFoundError as error:
        print(  # noqa: T201 - a command's own voice
            f"legnext-mock: it needs the package {error.name}: pip install 'legnext-stream[mock]'",
            file=sys.stderr,
        )
        status = 1
    status = _flushed(status)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # What the interpreter still does would print a traceback.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
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
