"""The modules whose names are public: what the reference is about."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Final

# The first first: a name that two of them have is at home in the first.
PUBLIC_MODULES: Final = tuple(
    module
    for module in (
        "legnext_stream",
        "legnext_stream.sync",
        "legnext_stream.aio",
        "legnext_stream.webhooks",
        "mockserver",
        "mockserver.strategies",
    )
    if importlib.util.find_spec(module)
)


def names_of(module: str) -> dict[str, object]:
    """The public names of a module, with what they stand for."""
    face = importlib.import_module(module)
    return {name: getattr(face, name) for name in face.__all__}
