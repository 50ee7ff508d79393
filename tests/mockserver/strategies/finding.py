"""Minimal examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st

T = TypeVar("T")

_SETTINGS = settings(
    phases=[Phase.generate, Phase.shrink],
    database=None,
    derandomize=True,
    max_examples=300,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)


def plainest(
    strategy: st.SearchStrategy[T], condition: Callable[[T], object] = lambda _: True
) -> T:
    """The minimal example for which the condition holds."""
    return find(strategy, lambda example: bool(condition(example)), settings=_SETTINGS)
