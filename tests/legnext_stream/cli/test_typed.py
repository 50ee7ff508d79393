"""Lines that a user can type next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from legnext_stream._cli.typed import (
    ARGUMENTS,
    by_id,
    line,
    same_line,
    same_line_without_input,
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
    assert " - " not in same_line_without_input()
    assert same_line_without_input("--journal", "j").endswith(" http://b --journal j")


def test_other_commands_ask_the_same_api() -> None:
    """Both ways to write an option are found, as far as they are there."""
    assert same_place() == ["--base-url=http://a", "--base-url", "http://b"]
    assert by_id(["a", "b"]) == ["--id", "a", "--id", "b"]
