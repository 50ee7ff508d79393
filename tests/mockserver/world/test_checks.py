"""Checks of numbers, as validators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from mockserver import Fixed
from mockserver._world.checks import is_count, is_positive, is_seconds, is_share


@pytest.mark.parametrize(
    ("check", "right", "wrong", "words"),
    [
        (
            is_seconds,
            (0, 2.5, None, Fixed(1)),
            (-1, math.inf, math.nan),
            "a number of seconds, 0 or more",
        ),
        (is_positive, (0.1, 5), (0, -1, math.inf, math.nan), "a number above 0"),
        (is_share, (0, 0.5, 1, None), (-0.1, 1.1, math.nan), "from 0 to 1"),
        (is_count, (1, 7, None), (0, -1, 1.5, "1"), "a whole number, 1 or more"),
    ],
)
def test_numbers(
    check: Callable[..., None], right: tuple[object, ...], wrong: tuple[object, ...], words: str
) -> None:
    """A check accepts its numbers; the error for others names the field and the range."""
    setting: Any = attrs.make_class("Setting", {"number": attrs.field(validator=check)})
    for value in right:
        assert setting(value).number == value
    for value in wrong:
        with pytest.raises(ValueError, match=f"^number must be {words}, not {value!r}$"):
            setting(value)
