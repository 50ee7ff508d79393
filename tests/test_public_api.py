"""The public API is the one that was agreed on, and all else is private."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests import public_api
from tests.public_api import MODULES, WRITE


@pytest.mark.parametrize("package", MODULES)
def test_the_public_api_is_as_written(package: str) -> None:
    """A change of a public name, type or default is a change of the file as well."""
    difference = public_api.difference(package)
    assert not difference, f"run `{WRITE}` and look at what has changed:\n{difference}"


@pytest.mark.parametrize("package", MODULES)
def test_other_modules_are_private(package: str) -> None:
    """Their names, or that of a package around them, begin with an underscore."""
    folder = Path(importlib.import_module(package).__path__[0])
    names = [path.relative_to(folder.parent).with_suffix("").parts for path in folder.rglob("*.py")]
    assert ("legnext_stream", "aio", "_client") in names or package != "legnext_stream"
    public = [".".join(parts) for parts in names if not any(part[0] == "_" for part in parts)]
    packages = {path.parent.name for path in folder.glob("[!_]*/__init__.py")}
    public += [package, *(f"{package}.{name}" for name in packages)]
    assert sorted(public) == sorted(MODULES[package])
