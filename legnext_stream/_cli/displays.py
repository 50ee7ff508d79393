"""What shows a watch while it goes on: a live picture, lines of a log, or nothing."""

from __future__ import annotations

import math
import os
import stat
from types import TracebackType
from typing import Protocol, Self, TextIO

import attrs
from rich.console import Console
from rich.live import Live

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.drawing import draw
from legnext_stream._cli.progress import View
from legnext_stream._cli.wording import progress_line


class Display(Protocol):
    """Shows views of a watch for as long as its context is open.

    Attributes:
        interval: How often it wants one, in seconds; infinite for never.
    """

    @property
    def interval(self) -> float:
        """How often it wants a view, in seconds; infinite for never."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    async def show(self, view: View) -> None:
        """Show how the watch is now."""
        ...


class _NothingToRestore:
    """The context of a display that leaves the terminal as it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        pass


class NoDisplay(_NothingToRestore):
    """Shows nothing."""

    interval: float = math.inf

    async def show(self, view: View) -> None:
        """Show nothing."""


class LogLines(_NothingToRestore):
    """A line of progress every few seconds, for a log or a terminal that can't be drawn on."""

    interval: float = 2.0

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def show(self, view: View) -> None:
        """Write one line."""
        line = progress_line(view) + "\n"
        await write_all(self._fd, line.encode())


class LivePicture:
    """A picture that is drawn anew in its place, and taken away at the end."""

    interval: float = 0.125

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = console.width
        self._live = Live(
            console=console,
            # Drawn when we say so, by this task: a thread would have to be told of cancellation.
            auto_refresh=False,
            transient=True,
            vertical_overflow="crop",
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._live.stop()

    async def show(self, view: View) -> None:
        """Draw it, for the width that the terminal has now."""
        width = self._console.width
        if width != self._width:
            # The terminal has wrapped what was drawn, and nobody can say where it begins now.
            self._console.clear()
            self._width = width
        self._live.update(draw(view, width), refresh=True)


@attrs.frozen
class Outputs:
    """Where a watch is to be told of.

    Attributes:
        events_to: The descriptor for JSON lines, or None.
        display_on: The stream for the display, or None.
    """

    events_to: int | None
    display_on: TextIO | None


def choose_outputs(*, wants_json: bool, stdout: TextIO, stderr: TextIO | None) -> Outputs:
    """A display on a terminal; JSON lines in a pipe, or where they are asked for.

    When the JSON lines go to a file, a terminal on standard error gets the display. When they go
    into a pipe it does not: what reads them may be writing to the same terminal.
    """
    if stdout.isatty() and not wants_json:
        return Outputs(None, stdout)
    fd = stdout.fileno()
    is_file = stat.S_ISREG(os.fstat(fd).st_mode)
    watched = stderr if is_file and stderr is not None and stderr.isatty() else None
    return Outputs(fd, watched)


def display_for(stream: TextIO | None, *, is_typed_on: bool = False) -> Display:
    """The best display a stream can have.

    Args:
        stream: Where to show it, or None for nowhere.
        is_typed_on: Whether ids are typed on the same terminal, which a picture would disturb.
    """
    if stream is None:
        return NoDisplay()
    console = Console(file=stream)
    can_be_drawn_on = (
        stream.isatty()
        and not console.is_dumb_terminal
        and not is_typed_on
        and console.encoding.lower().startswith("utf")
    )
    return LivePicture(console) if can_be_drawn_on else LogLines(stream.fileno())
