"""A test runs or reads each code block of the documentation."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Final

import pytest

from tests.docs.blocks import ROOT, all_blocks

_RUN: Final = {
    "python": "test_pages",
    "console": "test_consoles",
    "sh": "test_consoles",
    "sql": "test_consoles",
    "toml": "here",
    "json": "here",
}
_NOT_RUN: Final = {
    "text": "diagrams, and the output of other programs",
    "csharp": "a loop in another language, for comparison; running it would need .NET",
    "{toctree}": "a directive of Sphinx: the build of the site reads it, and warnings are errors there",
    "{eval-rst}": "as above",
    "{figure}": "as above",
}


@pytest.mark.parametrize("language", sorted({block.language for block in all_blocks()}))
def test_every_language_is_run_or_has_a_reason(language: str) -> None:
    """Each language has a test that runs its blocks, or a reason why there is none."""
    assert language in _RUN | _NOT_RUN


def test_data_can_be_read() -> None:
    """TOML blocks are valid TOML; JSON blocks are one value, or one per line."""
    for block in all_blocks("toml"):
        assert tomllib.loads(block.text), block
    for block in all_blocks("json"):
        try:
            json.loads(block.text)
        except json.JSONDecodeError:
            for line in block.text.splitlines():
                json.loads(line)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_to_files(page: str) -> None:
    """Pages that are not part of the site link to files that exist."""
    links = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text())
    local = [link for link in links if not link.startswith("https://")]
    assert [link for link in local if not (ROOT / link).exists()] == []
