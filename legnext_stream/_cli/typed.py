"""The command line as it was typed, and lines that a user can type next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from legnext_stream._cli.exits import PROGRAM

ARGUMENTS: Final[ContextVar[tuple[str, ...]]] = ContextVar("ARGUMENTS", default=())
"""The arguments of the command that runs."""


def line(*words: object) -> str:
    """A line for the shell that calls this program with these arguments."""
    return shlex.join([PROGRAM, *map(str, words)])


def same_line(*more: object) -> str:
    """The line as it was typed, with `more` at its end."""
    return line(*ARGUMENTS.get(), *more)


def is_read_once(source: str) -> bool:
    """Whether a source can't be read again: standard input, or a pipe."""
    # A file that isn't there can be made.
    return source == "-" or (os.path.exists(source) and not os.path.isfile(source))  # noqa: PTH110, PTH113 - Path's raise


def same_line_without(source: str, *more: object) -> str:
    """The same, but without a source that can't be read again."""
    return line(*(word for word in ARGUMENTS.get() if word != source), *more)


def same_place() -> list[str]:
    """The arguments that name the API, as they were typed."""
    option, words = "--base-url", ARGUMENTS.get()
    places = [at for at, word in enumerate(words) if word.partition("=")[0] == option]
    return [word for at in places for word in words[at : at + (1 if "=" in words[at] else 2)]]


def by_id(ids: Sequence[str]) -> list[str]:
    """The arguments that name these jobs."""
    return [word for job_id in ids for word in ("--id", job_id)]
