"""The choice of a display, and what the displays write."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
import trio
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from legnext_stream import JobStatus
from legnext_stream._cli.displays import (
    Display,
    LivePicture,
    LogLines,
    choose_outputs,
    display_for,
)
from tests.legnext_stream.cli.support import a_view


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A stream to a common terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = os.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor, not a path
        yield stream
    os.close(ours)


@pytest.fixture
def pipe() -> Iterator[TextIO]:
    """A stream into a pipe."""
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor, not a path
        yield stream
    os.close(reading)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[TextIO]:
    """A stream into a file."""
    with (tmp_path / "out").open("w") as stream:
        yield stream


def test_a_terminal_gets_the_display(terminal: TextIO, pipe: TextIO) -> None:
    """A terminal gets the display, or with --json only JSON."""
    chosen = choose_outputs(wants_json=False, stdout=terminal, stderr=pipe)
    assert chosen == (None, terminal)
    chosen = choose_outputs(wants_json=True, stdout=terminal, stderr=terminal)
    assert chosen == (terminal.fileno(), None)


def test_a_pipe_gets_json(pipe: TextIO, terminal: TextIO) -> None:
    """The terminal is left to the program that reads the pipe."""
    chosen = choose_outputs(wants_json=False, stdout=pipe, stderr=terminal)
    assert chosen == (pipe.fileno(), None)


def test_a_file_gets_json_and_the_terminal_the_display(
    file: TextIO, terminal: TextIO, pipe: TextIO
) -> None:
    """While the events go to a file, standard error shows the display."""
    fd = file.fileno()
    assert choose_outputs(wants_json=False, stdout=file, stderr=terminal) == (fd, terminal)
    assert choose_outputs(wants_json=False, stdout=file, stderr=pipe) == (fd, None)
    assert choose_outputs(wants_json=False, stdout=file, stderr=None) == (fd, None)


def test_a_picture_only_where_it_can_be_drawn(
    terminal: TextIO, pipe: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other streams get log lines; no stream gets nothing."""
    assert isinstance(display_for(terminal), LivePicture)
    assert isinstance(display_for(terminal, is_typed_on=True), LogLines)
    assert isinstance(display_for(pipe), LogLines)
    assert type(display_for(None)) is Display
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(display_for(terminal), LogLines)


def test_no_picture_without_its_characters(
    terminal: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that isn't UTF-8 gets log lines."""
    monkeypatch.setenv("TERM", "xterm")
    with open(os.dup(terminal.fileno()), "w", encoding="ascii") as stream:  # noqa: PTH123 - a descriptor
        assert isinstance(display_for(stream), LogLines)


async def test_a_picture_is_removed_at_the_end() -> None:
    """The cursor is hidden while it is drawn and shown afterwards, even after an exception."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, height=24)

    async def fail() -> None:
        with LivePicture(console) as picture:
            await picture.show(a_view({JobStatus.COMPLETED: 100}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert "100 of 200 ended" in written.getvalue()
    assert written.getvalue().count("\x1b[?25l") == 1
    assert written.getvalue().rindex("\x1b[?25h") > written.getvalue().rindex("\x1b[?25l")


async def test_a_picture_follows_the_size_of_the_terminal() -> None:
    """After a change of width or height the screen is cleared, once."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, height=24)
    with LivePicture(console) as picture:
        await picture.show(a_view())
        assert "\x1b[2J" not in written.getvalue()
        console.width = 60
        await picture.show(a_view())
        await picture.show(a_view())
        assert written.getvalue().count("\x1b[2J") == 1
        console.height = 9
        await picture.show(a_view())
        assert written.getvalue().count("\x1b[2J") == 2
        drawn = written.getvalue().rpartition("\x1b[2J")[2]
    lines = Text.from_ansi(drawn).plain.splitlines()
    assert all(cell_len(line) <= 60 for line in lines)
    assert len(lines) <= 8


def test_a_log_gets_whole_lines(file: TextIO) -> None:
    """Each view is one line, in UTF-8 in any locale."""

    async def show_twice() -> None:
        with LogLines(file.fileno()) as log:
            await log.show(a_view())
            await log.show(a_view())

    trio.run(show_twice)
    lines = Path(file.name).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert all(line.startswith("[1:01] 0 of 200 ended") for line in lines)


async def test_no_display_wants_no_view() -> None:
    """Its interval is infinite, and it shows nothing."""
    with Display() as display:
        assert display.interval == math.inf
        await display.show(a_view())
