"""Checks of settings, as validators and converters of attrs fields. None passes if a field may be None."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import attrs


def is_seconds(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a duration, 0 s or more; a distribution of durations passes too."""
    if isinstance(value, (int, float)) and not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of seconds, 0 or more, not {value}")


def is_positive(_instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Check a rate, or a duration that can't be zero."""
    if not 0 < value < math.inf:
        raise ValueError(f"{attribute.name} must be a number above 0, not {value}")


def is_share(_instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    """Check a share or a probability, from 0 to 1."""
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be from 0 to 1, not {value}")


def is_count(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a count, a whole number from 1 on."""
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ValueError(f"{attribute.name} must be a whole number, 1 or more, not {value!r}")


def texts(given: Iterable[str]) -> tuple[str, ...]:
    """Convert several texts; one alone, which would count as its letters, raises a `TypeError`."""
    if isinstance(given, str):
        raise TypeError(f"expected several texts, not the one text {given!r}")
    return tuple(given)
