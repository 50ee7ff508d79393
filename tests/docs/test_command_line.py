"""The page about the command line matches `--help`."""

from __future__ import annotations

import re

import pytest

from docs.making.command_line import PAGE, written
from legnext_stream._cli.app import app
from legnext_stream._cli.exits import Exit

_TEXT = PAGE.read_text()
_COMMANDS = [name for name in app if not name.startswith("-")]


def test_the_page_is_up_to_date() -> None:
    """The page is up to date; otherwise run `python -m docs.making.command_line`."""
    assert written(_TEXT) == _TEXT


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_is_in_the_table_and_has_all_its_options(command: str) -> None:
    """Each command has a row and a section, and each option is in the section or under pacing."""
    assert f"| `{command}` |" in _TEXT
    section = _TEXT.partition(f"## legnext-stream {command}\n")[2].partition("\n## ")[0]
    pacing = _TEXT.partition("\n## Pacing\n")[2]
    for argument in app[command].assemble_argument_collection():
        for name in argument.names:
            if name.startswith("--"):
                assert re.search(rf"^\* `{name}\b", section + pacing, re.MULTILINE), name


def test_every_exit_status_has_its_row() -> None:
    """Each exit status, including that of Ctrl-C, is in the table."""
    for status in (*Exit, 130):
        assert f"\n| {int(status)} |" in _TEXT
