"""The architecture page lists the modules and layers that there really are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import ROOT

_PAGE: Final = (ROOT / "docs" / "architecture.md").read_text()
# Packages whose modules the page lists one by one.
_LISTED: Final = (
    "legnext_stream",
    "legnext_stream/_core",
    "legnext_stream/_core/schedule",
    "legnext_stream/_core/pace",
    "mockserver",
)


def _modules(folder: Path) -> set[str]:
    """The modules and subpackages of a package."""
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    return folders | {path.stem for path in folder.glob("*.py")} - {"__init__"}


def _layers() -> list[list[str]]:
    """The layers of the library by the linter's contract, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (
        contract["layers"]
        for contract in contracts
        if contract["type"] == "layers" and contract["containers"] == ["legnext_stream"]
    )
    return [re.split(r"\s*[|:]\s*", layer) for layer in layers]


def test_layers_are_those_of_the_contract() -> None:
    """The page lists the linter's layers in the linter's order."""
    listing = _PAGE.split("```text\nlegnext_stream/\n")[1].split("```")[0]
    listed = [re.split(r"\s{3,}", line.strip())[0].split() for line in listing.splitlines()]
    assert listed == _layers()


@pytest.mark.parametrize("folder", _LISTED)
def test_every_module_is_listed(folder: str) -> None:
    """A new module gets a word in the page about what it is for."""
    words = set(re.findall(r"\w+", _PAGE))
    assert _modules(ROOT / folder) <= words
