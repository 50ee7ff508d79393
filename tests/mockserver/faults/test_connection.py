"""The faults of connections, as values."""

from __future__ import annotations

import math
from functools import partial

import pytest

from mockserver._faults.connection import (
    CONNECTION_FAULTS,
    Bandwidth,
    Close,
    Dribble,
    Garbage,
    Refuse,
    Reset,
    SlowClose,
)


@pytest.mark.parametrize(
    "wrong",
    [
        partial(Reset, -1),
        partial(Close, -1),
        partial(Garbage, 0),
        partial(Dribble, 0),
        partial(Dribble, every_seconds=-0.1),
        partial(Dribble, every_seconds=math.inf),
        partial(Bandwidth, 0.0),
        partial(Bandwidth, math.nan),
        partial(SlowClose, math.inf),
    ],
)
def test_what_cannot_be_is_refused(wrong: partial[object]) -> None:
    """A number out of its range is an error that names it."""
    with pytest.raises(ValueError, match="must be"):
        wrong()


def test_they_are_values() -> None:
    """Faults with equal settings are equal."""
    assert len({Reset(3), Reset(3), Close(3), Refuse(), Refuse()}) == 3
    assert isinstance(Bandwidth(10), CONNECTION_FAULTS)
