"""How long tests wait in real time."""

from __future__ import annotations

from typing import Final

PATIENCE: Final = 300.0
"""Seconds after which a test gives up what must happen: so many that only a fault ever takes them."""
