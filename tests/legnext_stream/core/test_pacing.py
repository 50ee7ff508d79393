"""The caller's settings, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from legnext_stream._core.pacing import Pacing


def test_the_defaults() -> None:
    """As documented."""
    pacing = Pacing()
    assert (pacing.poll_cost, pacing.min_interval, pacing.max_interval) == (0.12, 1.0, 60.0)
    assert (pacing.max_rate, pacing.initial_rate) == (50.0, 10.0)


def test_the_first_rate_follows_the_highest_down() -> None:
    """Lowering only the highest rate lowers the initial rate too."""
    assert Pacing(max_rate=2).initial_rate == 2
    assert Pacing(max_rate=20).initial_rate == 10


@pytest.mark.parametrize(
    "name", ["poll_cost", "min_interval", "max_interval", "max_rate", "initial_rate"]
)
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, ValueError),
        (-1.0, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        ("1", TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
)
def test_a_setting_out_of_range(name: str, value: object, error: type[Exception]) -> None:
    """The error names the setting and the value."""
    settings: dict[str, Any] = {name: value}
    with pytest.raises(error, match=f"{name}=.*{value!r}"):
        Pacing(**settings)


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_count_out_of_range(value: Any, error: type[Exception]) -> None:  # noqa: ANN401 - wrong on purpose
    """Requests in flight are counted in whole numbers from 1."""
    with pytest.raises(error, match="max_in_flight"):
        Pacing(max_in_flight=value)


def test_intervals_in_the_wrong_order() -> None:
    """The shortest interval can't be above the longest."""
    with pytest.raises(ValueError, match="min_interval"):
        Pacing(min_interval=61)
