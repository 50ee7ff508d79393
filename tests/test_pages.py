"""Figures are written between their marks on a page, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import command_line, write_into

PAGE = """\
# Page

<!-- one: by hand -->
old
<!-- one end -->

Between.

<!-- one, more: by hand -->
old, too
<!-- one, more end -->
"""


def test_what_is_between_the_marks_is_replaced(tmp_path: Path) -> None:
    """The text between the marks is replaced, with the command in the mark; everything else stays."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    for text in ("first", "- a \\1 b\n- c\n"):
        write_into(page, "one", "python -m figures", text)
    assert page.read_text() == PAGE.replace(
        "<!-- one: by hand -->\nold\n",
        "<!-- one: written by `python -m figures` -->\n\n- a \\1 b\n- c\n\n",
    )


def test_a_page_without_a_place(tmp_path: Path) -> None:
    """Writing figures to a page without marks fails."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    with pytest.raises(ValueError, match="no place for two"):
        write_into(page, "two", "python -m figures", "new")
    assert page.read_text() == PAGE


def test_the_command_is_as_one_would_type_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line consists of this process's arguments, or those given to `main`."""
    monkeypatch.setattr("sys.argv", ["/somewhere/figures.py", "--many", "7"])
    assert command_line("figures") == "python -m figures --many 7"
    assert command_line("figures", ["--few"]) == "python -m figures --few"
    assert command_line("figures", []) == "python -m figures"
