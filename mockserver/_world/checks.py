"""Checks of settings, as validators and converters of attrs fields. None passes if a field may be None."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import attrs


def is_seconds(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a duration; a distribution of durations passes too.

    Raises:
        ValueError: It is below zero, infinite, or no number.
    """
    if isinstance(value, (int, float)) and not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of seconds, 0 or more, not {value}")


def is_positive(_instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Check a rate, or a duration that can't be zero.

    Raises:
        ValueError: It is zero or below, infinite, or no number.
    """
    if not 0 < value < math.inf:
        raise ValueError(f"{attribute.name} must be a number above 0, not {value}")


def is_share(_instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    """Check a share or a probability.

    Raises:
        ValueError: It is below 0 or above 1.
    """
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be from 0 to 1, not {value}")


def is_count(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check a count.

    Raises:
        ValueError: It isn't a whole number, or is below 1.
    """
    if value is not None and (not isinstance(value, int) or value < 1):
        raise ValueError(f"{attribute.name} must be a whole number, 1 or more, not {value!r}")


def texts(given: Iterable[str]) -> tuple[str, ...]:
    """Convert several texts, of which one alone would count as its letters.

    Raises:
        TypeError: It is one text.
    """
    if isinstance(given, str):
        raise TypeError(f"expected several texts, not the one text {given!r}")
    return tuple(given)
