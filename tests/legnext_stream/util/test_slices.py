"""Slices: long loops that let others have their turn, by number and by time."""

from __future__ import annotations

import time

import pytest
import trio
import trio.testing

from legnext_stream._util.slices import ITEMS, SECONDS, Slices
from mockserver import run_virtual


class _Turns(trio.abc.Instrument):
    """Counts how often a task lets others have their turn."""

    def __init__(self) -> None:
        self.count = 0
        self._task = trio.lowlevel.current_task()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task is self._task


async def turns_of_others(items: int) -> int:
    """How often others get their turn while so many items are done."""
    turns = _Turns()
    trio.lowlevel.add_instrument(turns)
    slices = Slices()
    for _ in range(items):
        await slices.done_one()
    trio.lowlevel.remove_instrument(turns)
    return turns.count


@pytest.mark.parametrize("slices", [0, 1, 7])
async def test_a_slice_ends_by_number(slices: int) -> None:
    """Where items take no time, others get one turn for each so many of them, and no more."""
    assert await turns_of_others(slices * ITEMS + ITEMS // 2) == slices


async def test_each_slice_is_a_checkpoint() -> None:
    """Others have their turn, and a cancellation is felt; within a slice neither."""
    slices = Slices()
    with trio.testing.assert_no_checkpoints():
        for _ in range(ITEMS - 1):
            await slices.done_one()
    with trio.testing.assert_checkpoints():
        await slices.done_one()


class Slow(trio.abc.Clock):
    """A clock that each look at it moves on by a step: work that takes its time."""

    def __init__(self, step: float) -> None:
        self._now = 0.0
        self._step = step

    def start_clock(self) -> None:
        """Nothing to do."""

    def current_time(self) -> float:
        """The time, which is then over."""
        self._now += self._step
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nobody waits for this clock."""
        return 0.0 if deadline <= self._now else 60.0


def test_a_slice_ends_by_time() -> None:
    """Items that are slow to come don't keep others waiting for longer than one of them takes."""
    assert trio.run(turns_of_others, 20, clock=Slow(2 * SECONDS)) == 20
    assert trio.run(turns_of_others, 20, clock=Slow(SECONDS / 100)) < 20


def test_in_virtual_time_slices_are_the_same() -> None:
    """How long the work really takes changes nothing there, or no run could be repeated."""

    async def main() -> None:
        slices = Slices()
        with trio.testing.assert_no_checkpoints():
            for _ in range(3):
                time.sleep(2 * SECONDS)  # noqa: ASYNC251 - work that keeps the thread busy
                await slices.done_one()

    run_virtual(main)
