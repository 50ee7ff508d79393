"""Tests that pages refer to exist, and the mock's table of contents is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT

_MOCK_README = (ROOT / "docs" / "mock" / "README.md").read_text()
_ROW = re.compile(r"^\| [^|]+ \| `[^`|]+\.py::\w+` \|(?: [^|]+ \|){4}$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
_LINK = re.compile(r"\]\(([\w./-]+\.(?:md|toml))")


def test_every_row_names_a_test() -> None:
    """Each row of the comparison names a test and says what each of the other tools has."""
    tables = [line for line in _MOCK_README.splitlines() if line.count("|") == 7]
    heads = [line for line in tables if "| test |" in line or "---" in line]
    assert len(tables) - len(heads) == len(_ROW.findall(_MOCK_README)) > 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_tests_exist(page: Path) -> None:
    """A test that a page names is in a file of that name below `tests/`."""
    missing = [
        f"{file}::{name}"
        for file, name in _TEST.findall(page.read_text())
        if not any(
            re.search(rf"^(?:async )?def {name}\(", found.read_text(), re.MULTILINE)
            for found in (ROOT / "tests").rglob(file)
        )
    ]
    assert missing == []


@pytest.mark.parametrize("link", sorted(set(_LINK.findall(_MOCK_README))))
def test_every_page_is_there(link: str) -> None:
    """Each link of the table of contents leads to a file."""
    assert (ROOT / "docs" / "mock" / link).is_file()


def test_every_page_is_in_the_contents() -> None:
    """The table of contents lists every page of the mock."""
    pages = {page.name for page in (ROOT / "docs" / "mock").glob("*.md")} - {"README.md"}
    assert pages <= set(_LINK.findall(_MOCK_README))
