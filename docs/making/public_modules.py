"""The public modules: the subject of the reference."""

from __future__ import annotations

import importlib
from typing import Final

# A name that is in several of them is documented under the first.
PUBLIC_MODULES: Final = (
    "legnext_stream",
    "legnext_stream.sync",
    "legnext_stream.aio",
    "legnext_stream.webhooks",
    "mockserver",
    "mockserver.strategies",
)


def names_of(module: str) -> dict[str, object]:
    """Return the public names of a module with their values."""
    imported = importlib.import_module(module)
    return {name: getattr(imported, name) for name in imported.__all__}
