"""Slices: long loops that let other tasks run."""

from __future__ import annotations

import time

import pytest
import trio
import trio.testing

from legnext_stream._util.slices import ITEMS, SECONDS, Slices
from mockserver import run_virtual


class _Turns(trio.abc.Instrument):
    """Counts how often a task lets others run."""

    def __init__(self) -> None:
        self.count = 0
        self._task = trio.lowlevel.current_task()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task is self._task


async def turns_of_others(items: int) -> int:
    """How often other tasks run during a number of items."""
    turns = _Turns()
    trio.lowlevel.add_instrument(turns)
    slices = Slices()
    for _ in range(items):
        await slices.done_one()
    trio.lowlevel.remove_instrument(turns)
    return turns.count


@pytest.mark.parametrize("slices", [0, 1, 7])
async def test_a_slice_ends_by_number(slices: int) -> None:
    """With quick items, others run once for each full slice."""
    assert await turns_of_others(slices * ITEMS + ITEMS // 2) == slices


async def test_each_slice_is_a_checkpoint() -> None:
    """At the end of a slice other tasks run and a cancellation is delivered, but not within it."""
    slices = Slices()
    with trio.testing.assert_no_checkpoints():
        for _ in range(ITEMS - 1):
            await slices.done_one()
    with trio.testing.assert_checkpoints():
        await slices.done_one()


class Slow(trio.abc.Clock):
    """A clock that advances by a step each time it is read, as if the work were slow."""

    def __init__(self, step: float) -> None:
        self._now = 0.0
        self._step = step

    def start_clock(self) -> None:
        """Does nothing."""

    def current_time(self) -> float:
        """Return the time, and advance it."""
        self._now += self._step
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Never sleep."""
        return 0.0 if deadline <= self._now else 60.0


def test_a_slice_ends_by_time() -> None:
    """With slow items, others wait for one item at most."""
    assert trio.run(turns_of_others, 20, clock=Slow(2 * SECONDS)) == 20
    assert trio.run(turns_of_others, 20, clock=Slow(SECONDS / 100)) < 20


def test_in_virtual_time_slices_are_the_same() -> None:
    """Real time doesn't change the slices, so that runs can be repeated."""

    async def main() -> None:
        slices = Slices()
        with trio.testing.assert_no_checkpoints():
            for _ in range(3):
                time.sleep(2 * SECONDS)  # noqa: ASYNC251 - work that keeps the thread busy
                await slices.done_one()

    run_virtual(main)
