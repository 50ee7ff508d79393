"""Virtual time: Trio runs in which waiting takes no time, and which are the same every time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

T = TypeVar("T")


@contextlib.contextmanager
def repeatable_scheduling(seed: int = 0) -> Iterator[None]:
    """Have Trio choose in a repeatable way which of the tasks that can run goes first.

    Trio shuffles them on purpose. These are the switches that Hypothesis and pytest-trio turn to
    make failures repeatable (https://github.com/python-trio/trio/issues/239); both are put back.
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


def run_virtual(
    async_fn: Callable[..., Awaitable[T]],
    *args: object,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> T:
    """Run an async function in virtual time, as `trio.run` does in real time.

    Whenever every task waits, the clock jumps to when the first of them has waited long enough:
    hours pass in milliseconds. Each call has a clock of its own that begins at zero, and tasks take
    their turns in the same order every time. So it is the way to run an example of Hypothesis,
    where a fixture's clock would be shared by all examples:

        @given(worlds())
        def test_something(world):
            run_virtual(check, world)

    Args:
        async_fn: The function.
        *args: Its arguments.
        clock: Another clock.
        instruments: As for `trio.run`.

    Returns:
        What the function returns.
    """
    if clock is None:
        clock = trio.testing.MockClock(autojump_threshold=0)
    with repeatable_scheduling():
        return trio.run(async_fn, *args, clock=clock, instruments=instruments)
