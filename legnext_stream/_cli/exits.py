"""Exit statuses, and the messages on standard error that go with them."""

from __future__ import annotations

import contextlib
import enum
import sys

from legnext_stream._cli.words import printable
from legnext_stream.errors import (
    AuthenticationError,
    ConfigurationError,
    JournalError,
    LegnextError,
)

PROGRAM = "legnext-stream"


class Exit(enum.IntEnum):
    """The exit statuses. A signal gives 128 plus its number, as in a shell: 130 for Ctrl-C."""

    COMPLETED = 0
    """Every job completed."""
    INCOMPLETE = 1
    """Some job did not complete, or the API or the network ended the command."""
    USAGE = 2
    """The call or its environment is wrong: options, ids, file, journal, base URL, API key."""
    CLOSED_PIPE = 141
    """The program that read the output stopped reading. A shell shows SIGPIPE so."""


class UsageError(Exception):
    """The command can't run as it was called; the message says what to change."""


class OutputError(Exception):
    """The output can't be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"can't write the output: {error.strerror or error}")
        # Its reader has gone away, as `head` does; that needs no message.
        self.is_closed: bool = isinstance(error, BrokenPipeError)


EXPECTED = (UsageError, LegnextError, OutputError)
"""What may go wrong in a command. Any other exception is a bug, and shows its traceback."""


def fail(error: UsageError | LegnextError | OutputError) -> Exit:
    """Print the message of an error that ended the command, and return the exit status."""
    if isinstance(error, OutputError) and error.is_closed:
        return Exit.CLOSED_PIPE
    hint = " – is LEGNEXT_API_KEY the right key?" if isinstance(error, AuthenticationError) else ""
    complain(f"{error}{hint}")
    is_usage = isinstance(
        error, UsageError | ConfigurationError | AuthenticationError | JournalError
    )
    return Exit.USAGE if is_usage else Exit.INCOMPLETE


def nothing_in(source: str, noun: str) -> Exit:
    """Say that a file is empty, which is no mistake; return the exit status."""
    say(f"{source} has no {noun}, so nothing was done.")
    return Exit.COMPLETED


def complain(message: str) -> None:
    """Write an error message to standard error, on one line."""
    say(f"{PROGRAM}: {printable(message)}")


def say(text: str) -> None:
    """Write to standard error. Does nothing if it is closed."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - what the command has to say
