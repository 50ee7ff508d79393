"""The first moments of the command `legnext-stream`, in which it imports this package.

This package must import this module first. It takes a fifth of a second to import the rest, and until
then nothing else can handle Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final, NoReturn

_COMMAND: Final = "legnext-stream"
_MODULE: Final = "legnext_stream"


def end_quietly(*_: object) -> NoReturn:
    """End the process as a shell expects after Ctrl-C. There is nothing yet to clean up."""
    os._exit(130)


def is_command(arguments: list[str], original: list[str]) -> bool:
    """Whether this process is the command, not a program that uses the library.

    The two are `sys.argv` and `sys.orig_argv`.
    """
    program = arguments[0] if arguments else ""
    if program != "-m":
        return os.path.basename(program).removesuffix(".exe") == _COMMAND  # noqa: PTH119 - pathlib takes long to import
    # Python looks for the module to run, which it does only once, and imports its package before.
    after = original.index("-m") + 1 if "-m" in original else len(original)
    return original[after : after + 1] == [_MODULE]


if (
    is_command(sys.argv, sys.orig_argv)
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, end_quietly)
