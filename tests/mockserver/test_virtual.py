"""Virtual time."""

from __future__ import annotations

import random

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from mockserver import run_virtual
from mockserver._virtual import repeatable_scheduling


@given(st.floats(0, 1e6))
def test_each_example_has_a_clock_of_its_own(seconds: float) -> None:
    """Every run begins at zero, and sleeping takes no real time."""

    async def sleep() -> float:
        assert trio.current_time() == 0
        assert isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
        await trio.sleep(seconds)
        return trio.current_time()

    assert run_virtual(sleep) == seconds


def test_arguments_clock_and_instruments_are_passed_on() -> None:
    """It accepts the arguments of `trio.run`."""
    clock = trio.testing.MockClock()
    clock.jump(7)
    seen: list[str] = []

    class Instrument(trio.abc.Instrument):
        def before_run(self) -> None:
            seen.append("run")

    async def add(a: float, b: float) -> float:
        await trio.lowlevel.checkpoint()
        return a + b + trio.current_time()

    assert run_virtual(add, 1, 2, clock=clock, instruments=[Instrument()]) == 10
    assert seen == ["run"]


async def race() -> list[int]:
    """The order in which runnable tasks are scheduled."""
    order: list[int] = []

    async def run(number: int) -> None:
        for _ in range(3):
            await trio.lowlevel.checkpoint()
            order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(run, number)
    return order


def test_tasks_take_their_turns_in_the_same_order() -> None:
    """Two runs of the same program are the same."""
    assert len({tuple(run_virtual(race)) for _ in range(10)}) == 1


def test_another_seed_is_another_order_and_all_is_put_back() -> None:
    """The scheduler can be seeded, and is restored afterwards."""

    def orders(seed: int) -> list[int]:
        with repeatable_scheduling(seed):
            return trio.run(race)

    state = random.getstate()
    assert orders(1) == orders(1) != orders(2)
    assert random.getstate() == state
