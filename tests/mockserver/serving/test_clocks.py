"""The world's time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from mockserver import run_virtual
from mockserver._serving.clocks import TrioSeconds, WorldClock


def test_time_stands_still_outside_of_a_run() -> None:
    """Outside of runs no time passes; each run continues where the last ended."""
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
    """In virtual time, the time before the first reading counts."""
    seconds = TrioSeconds()

    async def sleep_first() -> float:
        await trio.sleep(3)
        return seconds()

    assert run_virtual(sleep_first) == 3


def test_virtual_time_counts_until_the_runs_end() -> None:
    """The time after the last reading counts too, if the clock then stands still."""
    seconds = TrioSeconds()

    async def sleep_last() -> None:
        seconds()
        await trio.sleep(3)

    run_virtual(sleep_last)
    assert seconds() == 3
    # The same clock again goes on where it is; another begins at zero.
    clock = trio.testing.MockClock(autojump_threshold=0)
    for total in (6, 9):
        run_virtual(sleep_last, clock=clock)
        assert seconds() == total
    run_virtual(sleep_last)
    assert seconds() == 12
    # One that passes by itself counts as far as it was read.
    run_virtual(sleep_last, clock=trio.testing.MockClock(rate=1e6))
    assert 12 <= seconds() == seconds()


def test_real_time_counts_from_the_first_reading() -> None:
    """The first reading of a real clock is zero."""
    seconds = TrioSeconds()

    async def read() -> float:
        await trio.lowlevel.checkpoint()
        return seconds()

    assert trio.run(read) == 0


def test_time_is_scaled_and_begins_at_zero() -> None:
    """Any clock works, from any origin and at any scale."""
    readings = iter([1000.0, 1000.5, 1003.0])
    clock = WorldClock(lambda: next(readings), time_scale=20)
    assert [clock(), clock()] == [10, 60]


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_time_must_pass(scale: float) -> None:
    """A scale of zero, below zero or infinity is refused."""
    with pytest.raises(ValueError, match="time_scale must be above 0"):
        WorldClock(None, scale)


class Ticks:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.seconds


def test_frozen_time_stands_still_until_it_is_resumed() -> None:
    """While frozen, the clock's time doesn't count; freezing twice is the same."""
    ticks = Ticks()
    clock = WorldClock(ticks, time_scale=2)
    ticks.seconds += 5
    clock.freeze()
    ticks.seconds += 100
    clock.freeze()
    assert (clock(), clock.is_frozen) == (10, True)
    clock.resume()
    assert (clock(), clock.is_frozen) == (10, False)
    ticks.seconds += 1
    clock.resume()
    assert clock() == 12


def test_time_is_moved_in_the_worlds_seconds() -> None:
    """`advance` is in seconds of the world at any scale, frozen or not."""
    ticks = Ticks()
    clock = WorldClock(ticks, time_scale=10)
    ticks.seconds += 1
    clock.advance(3)
    assert clock() == 13
    clock.freeze()
    clock.advance(4)
    assert clock() == 17
    clock.set(2.5)
    assert clock() == 2.5
    clock.resume()
    clock.set(7)
    ticks.seconds += 1
    assert clock() == 17


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("move", [WorldClock.advance, WorldClock.set])
def test_time_is_moved_by_a_number_of_seconds(
    move: Callable[[WorldClock, float], None], seconds: float
) -> None:
    """Only `set` goes back, and never to before the start."""
    with pytest.raises(ValueError, match="a number of seconds, 0 or more"):
        move(WorldClock(Ticks(), 1), seconds)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.floats(0, 1e6)),
        st.tuples(st.just("pass"), st.floats(0, 1e6)),
        st.tuples(st.sampled_from(["freeze", "resume"]), st.just(0.0)),
    )
)


@given(STEPS, st.floats(0.01, 1000))
def test_time_never_runs_back_by_itself(steps: list[tuple[str, float]], scale: float) -> None:
    """Freezing and resuming do not change the present time."""
    ticks = Ticks()
    clock = WorldClock(ticks, scale)
    for step, seconds in steps:
        before = clock()
        if step == "pass":
            ticks.seconds += seconds
            assert clock() == before if clock.is_frozen else clock() >= before
        elif step == "advance":
            clock.advance(seconds)
            assert clock() == pytest.approx(before + seconds)
        else:
            getattr(clock, step)()
            assert clock() == before


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 1e9), st.sampled_from([1, 0.3, 7, 1000]))
def test_waiting_ends_at_the_time_and_not_before(
    slept: float, ahead: float, t: float, scale: float
) -> None:
    """A wait never ends early, and late only by rounding."""

    async def wait() -> None:
        clock = WorldClock(None, scale)
        await trio.sleep(slept)
        clock.advance(ahead)
        begun = clock()
        await clock.wait_until(t)
        assert clock() >= t
        assert clock() == pytest.approx(max(t, begun))

    run_virtual(wait)


def test_unchanged_time_is_waited_for_exactly() -> None:
    """If time is not changed, a wait ends at the exact time."""

    async def wait() -> list[float]:
        clock = WorldClock(None, 1)
        read = []
        for t in (0.1, 0.7, 31.7, 31.7, 1e6 + 0.3):
            await clock.wait_until(t)
            read.append(clock())
        return read

    assert run_virtual(wait) == [0.1, 0.7, 31.7, 31.7, 1e6 + 0.3]


def test_who_waits_is_woken_when_time_is_moved() -> None:
    """`advance`, `set` and `resume` wake waits; frozen time alone never ends one."""

    async def wait() -> list[tuple[str, float]]:
        clock = WorldClock(None, time_scale=10)
        over: list[tuple[str, float]] = []

        async def wait_for(name: str, t: float) -> None:
            await clock.wait_until(t)
            over.append((name, trio.current_time()))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for, "advanced", 100)
            nursery.start_soon(wait_for, "set", 1000)
            nursery.start_soon(wait_for, "resumed", 2010)
            await trio.sleep(1)
            clock.freeze()
            await trio.sleep(50)
            clock.advance(90)
            await trio.sleep(1)
            clock.set(5)
            await trio.sleep(1)
            clock.set(2000)
            await trio.sleep(1)
            clock.resume()
        return over

    assert run_virtual(wait) == [("advanced", 51), ("set", 53), ("resumed", 55)]


def test_waiting_for_the_past_gives_others_their_turn() -> None:
    """Waiting for a past time is a checkpoint."""

    async def wait() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await WorldClock(None, 1).wait_until(0)
        assert scope.cancelled_caught

    run_virtual(wait)


def test_waiting_in_real_time() -> None:
    """In a real run, waits follow the clock at the world's scale."""

    async def wait() -> float:
        clock = WorldClock(None, time_scale=1000)
        await clock.wait_until(20)
        return clock()

    assert trio.run(wait) >= 20
