"""No block of code stands on a page that nothing has run or read."""

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
    "text": "pictures made of letters, and what programs of others print",
    "csharp": "another language's loop, to be looked at beside ours; there is no .NET here",
    "{toctree}": "Sphinx's own: the site's build reads it, and a warning is an error there",
    "{eval-rst}": "as above",
    "{figure}": "as above",
}


@pytest.mark.parametrize("language", sorted({block.language for block in all_blocks()}))
def test_every_language_is_run_or_said_why_not(language: str) -> None:
    """A block in another language needs a test that runs it, or a reason."""
    assert language in _RUN | _NOT_RUN


def test_data_can_be_read() -> None:
    """TOML is TOML, and JSON is JSON: one value, or one a line."""
    for block in all_blocks("toml"):
        assert tomllib.loads(block.text), block
    for block in all_blocks("json"):
        try:
            json.loads(block.text)
        except json.JSONDecodeError:
            for line in block.text.splitlines():
                json.loads(line)


def test_the_readme_leads_somewhere() -> None:
    """Its links, which no build of the site looks at."""
    links = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text())
    local = [link for link in links if not link.startswith("https://")]
    assert [link for link in local if not (ROOT / link).exists()] == []
