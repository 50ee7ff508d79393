"""The world's time."""

from __future__ import annotations

import pytest
import trio

from mockserver import run_virtual
from mockserver.clocks import TrioSeconds, WorldClock


def test_time_stands_still_outside_of_a_run() -> None:
    """Before, between and after runs no time passes; each run goes on where the last ended."""
    seconds = TrioSeconds()

    async def sleep() -> tuple[float, float]:
        before = seconds()
        await trio.sleep(5)
        return before, seconds()

    assert seconds() == 0
    assert run_virtual(sleep) == (0, 5)
    assert seconds() == 5
    assert run_virtual(sleep) == (5, 10)


def test_virtual_time_counts_from_the_runs_start() -> None:
    """In virtual time, what passes before the first reading counts too."""
    seconds = TrioSeconds()

    async def sleep_first() -> float:
        await trio.sleep(3)
        return seconds()

    assert run_virtual(sleep_first) == 3


def test_real_time_counts_from_the_first_reading() -> None:
    """A real clock begins anywhere, so its first reading is zero."""
    seconds = TrioSeconds()

    async def read() -> float:
        await trio.lowlevel.checkpoint()
        return seconds()

    assert trio.run(read) == 0


def test_time_is_scaled_and_begins_at_zero() -> None:
    """Any clock will do, from whatever origin, at whatever speed."""
    readings = iter([1000.0, 1000.5, 1003.0])
    clock = WorldClock(lambda: next(readings), time_scale=20)
    assert [clock(), clock()] == [10, 60]


@pytest.mark.parametrize("scale", [0, -1, float("nan")])
def test_time_must_pass(scale: float) -> None:
    """Time that stands still or runs back is refused."""
    with pytest.raises(ValueError, match="time_scale must be above 0"):
        WorldClock(None, scale)
