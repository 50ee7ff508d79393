"""What the exit status says, and the words that go with it on standard error.

Statuses: see `Exit`. A script can rely on this: with 0 there is nothing to look after, with 1 some
job or the API is to be looked at, with 2 the call or its environment has to be mended first.
"""

from __future__ import annotations

import contextlib
import enum
import sys

from legnext_stream.errors import AuthenticationError, ConfigurationError, LegnextError

PROGRAM = "legnext-stream"


class Exit(enum.IntEnum):
    """The exit statuses. A signal adds its number to 128, as shells do: 130 for Ctrl-C."""

    COMPLETED = 0
    """Every job completed."""
    INCOMPLETE = 1
    """Some job did not complete, or the API ended the watch."""
    USAGE = 2
    """The call or its environment is wrong: options, ids, file, base URL, API key."""
    CLOSED_PIPE = 141
    """Whoever read the output stopped reading; what the shell shows for SIGPIPE."""


class UsageError(Exception):
    """The call can't work as it was made; the message says what to change."""


class OutputError(Exception):
    """The output can't be written.

    Attributes:
        is_closed: Whether its reader has just gone away, as `head` does: no error to speak of.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"can't write the output: {error.strerror or error}")
        self.is_closed: bool = isinstance(error, BrokenPipeError)


def status_of(error: LegnextError) -> Exit:
    """The status for an error that ended a watch as a whole."""
    if isinstance(error, ConfigurationError | AuthenticationError):
        return Exit.USAGE
    return Exit.INCOMPLETE


def explain(error: LegnextError) -> str:
    """An error that ended a watch as a whole, in words for whoever typed the command."""
    if isinstance(error, AuthenticationError):
        return f"{error} – is LEGNEXT_API_KEY the right key?"
    return str(error)


def printable(text: str) -> str:
    """A text from outside as it may go to a terminal: on one line, and with no control characters."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def complain(message: str) -> None:
    """Say on standard error what is wrong, in one line."""
    say(f"{PROGRAM}: {printable(message)}")


def say(text: str) -> None:
    """Write to standard error, if there is one and somebody reads it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command's own voice
