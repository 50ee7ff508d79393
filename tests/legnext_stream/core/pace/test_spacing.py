"""Even spacing: the law of the cell rate algorithm, and how much lateness is forgiven."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.pace.spacing import LATENESS, Spacing


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=60), st.floats(0.01, 2))
def test_law(turns: list[tuple[float, bool]], interval: float) -> None:
    """However late a caller comes, n starts take n - 1 intervals less the forgiven lateness."""
    spacing, now, starts = Spacing(), 0.0, list[float]()
    for late, held in turns:
        if held:
            spacing.hold(now + late, interval)
        now = max(now, spacing.due(interval)) + late
        spacing.start(now, interval)
        starts.append(now)
    for i, early in enumerate(starts):
        for j in range(i + 1, len(starts)):
            assert starts[j] - early >= (j - i) * interval - LATENESS - 1e-9


def test_a_little_lateness_is_made_up_for() -> None:
    """A caller that wakes 20 ms late each time keeps the rate; the due times stay on their grid."""
    spacing = Spacing()
    spacing.start(0.0, 1.0)
    begin = spacing.due(1.0)
    for turn in range(10):
        spacing.start(begin + turn + 0.02, 1.0)
    assert spacing.due(1.0) == pytest.approx(begin + 10)


def test_idleness_saves_up_nothing() -> None:
    """After an hour without demand, the second request still waits for its interval."""
    spacing = Spacing()
    spacing.start(0.0, 1.0)
    spacing.start(3600.0, 1.0)
    assert spacing.last_start == 3600.0
    assert spacing.due(1.0) == pytest.approx(3601.0 - LATENESS)


def test_hold() -> None:
    """Nothing is due before the end of a hold, and a hold never brings anything forward."""
    spacing = Spacing()
    spacing.start(10.0, 1.0)
    spacing.hold(50.0, 1.0)
    assert spacing.due(1.0) == pytest.approx(50.0)
    spacing.hold(20.0, 1.0)
    assert spacing.due(1.0) == pytest.approx(50.0)
