"""Where the display of a watch goes, and the kinds of display: a live picture, or lines of a log."""

from __future__ import annotations

import math
import os
import stat
import sys
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.drawing import draw
from legnext_stream._cli.progress import View, progress_line


class Display:
    """Shows nothing. Subclasses show a watch while their context is open."""

    interval: float = math.inf
    """How often to call `show`, in seconds; infinite for never."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def show(self, view: View) -> None:
        """Show the watch as it is now."""


class LogLines(Display):
    """A line of progress every few seconds, for a log or a terminal that can't be drawn on."""

    interval: float = 2.0

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def show(self, view: View) -> None:
        """Write one line."""
        await write_all(self._fd, f"{progress_line(view)}\n".encode())


class LivePicture(Display):
    """A picture that is redrawn in place, and removed at the end."""

    interval: float = 0.125

    def __init__(self, console: Console) -> None:
        self._console = console
        self._size = console.size
        self._live = Live(
            console=console,
            # This task redraws it: a refresh thread would know nothing of cancellation.
            auto_refresh=False,
            transient=True,
            vertical_overflow="crop",
            redirect_stdout=False,
            # What is said meanwhile comes above the picture, unless it goes elsewhere.
            redirect_stderr=sys.stderr is not None and sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    async def show(self, view: View) -> None:
        """Draw it for the terminal's current size."""
        size = self._console.size
        if size != self._size:
            # The terminal has wrapped or scrolled the old picture: where it began isn't known now.
            self._console.clear()
            self._size = size
        # One row is for the cursor.
        self._live.update(draw(view, size.width, size.height - 1), refresh=True)


def choose_outputs(
    *, wants_json: bool, stdout: TextIO, stderr: TextIO | None
) -> tuple[int | None, TextIO | None]:
    """Choose a display for a terminal, and JSON lines for anything else or if they are asked for.

    When the JSON lines go to a file, the display goes to standard error if that is a terminal. When
    they go to a pipe it doesn't: the program that reads them may write to the same terminal.

    Returns:
        The descriptor for JSON lines, and the stream for the display; None for no output.
    """
    if stdout.isatty() and not wants_json:
        return None, stdout
    fd = stdout.fileno()
    is_file = stat.S_ISREG(os.fstat(fd).st_mode)
    return fd, stderr if is_file and stderr is not None and stderr.isatty() else None


def display_for(stream: TextIO | None, *, is_typed_on: bool = False) -> Display:
    """The best display for a stream. `is_typed_on` is for a terminal on which ids are typed."""
    if stream is None:
        return Display()
    console = Console(file=stream)
    can_be_drawn_on = (
        stream.isatty()
        and not console.is_dumb_terminal
        and not is_typed_on
        and console.encoding.lower().startswith("utf")
    )
    return LivePicture(console) if can_be_drawn_on else LogLines(stream.fileno())
