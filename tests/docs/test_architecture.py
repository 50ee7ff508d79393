"""The architecture page lists the modules and layers that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import ROOT

_PAGE: Final = (ROOT / "docs" / "architecture.md").read_text()
# Packages whose modules the page lists individually.
_LISTED: Final = (
    "legnext_stream",
    "legnext_stream/_core",
    "legnext_stream/_core/schedule",
    "legnext_stream/_core/pace",
    "mockserver",
    "mockserver/_serving",
)


def _modules(folder: Path) -> set[str]:
    """Return the modules and subpackages of a package."""
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    return folders | {path.stem for path in folder.glob("*.py")} - {"__init__"}


def _layers(package: str) -> list[list[str]]:
    """The layers of a package by the linter's contract, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (
        contract["layers"]
        for contract in contracts
        if contract["type"] == "layers" and contract["containers"] == [package]
    )
    return [re.split(r"\s*[|:]\s*", layer) for layer in layers]


@pytest.mark.parametrize("package", ["legnext_stream", "mockserver", "mockserver._serving"])
def test_layers_are_those_of_the_contract(package: str) -> None:
    """The page lists the linter's layers in the linter's order."""
    listing = _PAGE.split(f"```text\n{package.replace('.', '/')}/\n")[1].split("```")[0]
    lines = [line for line in listing.splitlines() if not line.startswith("   ")]
    listed = [re.split(r"\s{3,}", line.strip())[0].split() for line in lines]
    assert listed == _layers(package)


@pytest.mark.parametrize("folder", _LISTED)
def test_every_module_is_listed(folder: str) -> None:
    """The page mentions every module of the listed packages."""
    words = set(re.findall(r"\w+", _PAGE))
    assert _modules(ROOT / folder) <= words
