"""Lines that a user can type next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from legnext_stream._cli.typed import (
    ARGUMENTS,
    by_id,
    is_read_once,
    line,
    same_line,
    same_line_without,
    same_place,
)


@pytest.fixture(autouse=True)
def _typed() -> Iterator[None]:
    typed = (
        "generate",
        "-",
        "--save-to",
        "my files",
        "--base-url=http://a",
        "--base-url",
        "http://b",
    )
    token = ARGUMENTS.set(typed)
    yield
    ARGUMENTS.reset(token)


def test_lines_are_quoted_for_a_shell() -> None:
    """A line can be pasted into a shell as it is."""
    assert line("watch", 7, "it's") == "legnext-stream watch 7 'it'\"'\"'s'"
    assert same_line("--x").startswith("legnext-stream generate - --save-to 'my files' --base-url=")
    assert same_line().endswith(" --base-url http://b")


def test_standard_input_cannot_be_read_again() -> None:
    """The line without it has all other arguments."""
    assert " - " not in same_line_without("-")
    assert same_line_without("-", "--journal", "j").endswith(" http://b --journal j")


def test_what_can_be_read_only_once(tmp_path: Path) -> None:
    """Standard input and pipes, but not files, even those that are missing."""
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    sources = ["-", str(tmp_path / "pipe"), str(tmp_path / "file"), str(tmp_path / "none")]
    assert [is_read_once(source) for source in sources] == [True, True, False, False]


def test_other_commands_ask_the_same_api() -> None:
    """Both ways to write an option are found, as far as they are there."""
    assert same_place() == ["--base-url=http://a", "--base-url", "http://b"]
    assert by_id(["a", "b"]) == ["--id", "a", "--id", "b"]
