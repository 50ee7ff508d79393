"""A stand-in for the Legnext service: simulated jobs behind real HTTP.

In a test or a program, use `MockLegnext`; as a process, the command `legnext-mock`. The package also
brings a pytest plugin with the fixture `legnext_mock`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver._public import *  # noqa: F403 - the public names, listed there
    from mockserver._public import __all__ as __all__


def __getattr__(name: str) -> object:
    """Import the public names when the first of them is used.

    pytest imports this package to load its plugin, in every environment where it is installed, even
    without the extra `mock` that the mock itself needs.
    """
    # A look for another name, such as `__wrapped__`, imports nothing.
    if not name.startswith("_") or name == "__all__":
        public = importlib.import_module("mockserver._public")
        if name in ("__all__", *public.__all__):
            value: object = getattr(public, name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
