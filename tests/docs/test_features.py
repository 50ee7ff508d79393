"""The table of features: every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "mock" / "README.md").read_text()
_ROW = re.compile(r"^\| [^|]+ \| `([^`|]+\.py)::(\w+)` \|(?: [^|]+ \|){4}$", re.MULTILINE)
_LINK = re.compile(r"\]\(([\w./-]+\.(?:md|toml))")


def test_every_row_names_a_test() -> None:
    """Each row of the tables has the test that shows it, and a word about each of the others."""
    tables = [line for line in _PAGE.splitlines() if line.count("|") == 7]
    heads = [line for line in tables if "| test |" in line or "---" in line]
    assert len(tables) - len(heads) == len(_ROW.findall(_PAGE)) > 60


@pytest.mark.parametrize(("file", "name"), _ROW.findall(_PAGE))
def test_it_is_there(file: str, name: str) -> None:
    """The test that a row names exists."""
    text = (_ROOT / "tests" / "mockserver" / file).read_text()
    assert re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(_LINK.findall(_PAGE))))
def test_every_page_is_there(link: str) -> None:
    """What the table of contents leads to exists, and it leads to every page."""
    assert (_ROOT / "docs" / "mock" / link).is_file()


def test_every_page_is_in_the_contents() -> None:
    """No page is left out of the table of contents."""
    pages = {page.name for page in (_ROOT / "docs" / "mock").glob("*.md")} - {"README.md"}
    assert pages <= set(_LINK.findall(_PAGE))
