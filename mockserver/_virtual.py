"""Virtual time: repeatable Trio runs in which waiting takes no time."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

T = TypeVar("T")


@contextlib.contextmanager
def repeatable_scheduling(seed: int = 0) -> Iterator[None]:
    """Make the order in which Trio schedules runnable tasks repeatable.

    Trio shuffles them on purpose. Hypothesis and pytest-trio use the same switches to make failures
    repeatable (https://github.com/python-trio/trio/issues/239). Both are restored at the end.
    """
    run: Any = trio._core._run  # noqa: SLF001 - there is no public switch  # type: ignore[attr-defined]
    allowed = run._ALLOW_DETERMINISTIC_SCHEDULING  # noqa: SLF001 - as above
    state = run._r.getstate()  # noqa: SLF001 - as above
    run._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001 - as above
    run._r.seed(seed)  # noqa: SLF001 - as above
    try:
        yield
    finally:
        run._ALLOW_DETERMINISTIC_SCHEDULING = allowed  # noqa: SLF001 - as above
        run._r.setstate(state)  # noqa: SLF001 - as above


@contextlib.contextmanager
def virtual_in_threads() -> Iterator[None]:
    """Let Trio runs that begin in other threads be in virtual time, unless they have a clock.

    So code off Trio that a test calls is in virtual time if it has Trio in a thread of its own.
    """
    real_run, here = trio.run, threading.get_ident()

    def run(
        async_fn: Callable[..., Awaitable[T]],
        *args: object,
        clock: trio.abc.Clock | None = None,
        **options: Any,  # noqa: ANN401 - the other options of `trio.run`
    ) -> T:
        if clock is None and threading.get_ident() != here:
            clock = trio.testing.MockClock(autojump_threshold=0)
        return real_run(async_fn, *args, clock=clock, **options)

    trio.run = run
    try:
        yield
    finally:
        trio.run = real_run


def run_virtual(
    async_fn: Callable[..., Awaitable[T]],
    *args: object,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> T:
    """Run an async function in virtual time, as `trio.run` does in real time.

    Whenever all tasks wait, the clock jumps to the time at which the first of them goes on: hours
    pass in milliseconds. Each call has its own clock, which starts at zero, and schedules tasks in
    the same order every time. So this is the way to run a Hypothesis example, where a fixture's
    clock would be shared by all examples:

        @given(worlds())
        def test_something(world):
            run_virtual(check, world)

    Args:
        async_fn: The function.
        *args: Its arguments.
        clock: A clock to use instead.
        instruments: As for `trio.run`.

    Returns:
        The return value of the function.
    """
    if clock is None:
        clock = trio.testing.MockClock(autojump_threshold=0)
    with repeatable_scheduling():
        return trio.run(async_fn, *args, clock=clock, instruments=instruments)
