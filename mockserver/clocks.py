"""Where the world's time comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Callable


class TrioSeconds:
    """Trio's clock, counted from its first use in a run, or in virtual time from the run's start.

    Outside of a run time stands still, so that jobs can be added before the run, and the truth read
    after it. A second run goes on where the first ended.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._origin = 0.0
        self._run: trio.lowlevel.TrioToken | None = None

    def __call__(self) -> float:
        """The seconds that have passed."""
        try:
            run = trio.lowlevel.current_trio_token()
        except RuntimeError:
            return self._seconds
        now = trio.current_time()
        if run is not self._run:
            self._run = run
            # A clock in virtual time begins at zero with the run, which makes its readings and the
            # world's the same; another one begins anywhere.
            is_virtual = isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
            self._origin = (0.0 if is_virtual else now) - self._seconds
        self._seconds = now - self._origin
        return self._seconds


class WorldClock:
    """The time in a world.

    Args:
        clock: Gives seconds, from whatever origin; None for Trio's clock.
        time_scale: How many seconds pass in the world while one passes on the clock.

    Attributes:
        time_scale: The same.

    Raises:
        ValueError: Time that doesn't pass.
    """

    def __init__(self, clock: Callable[[], float] | None, time_scale: float) -> None:
        if not time_scale > 0:
            raise ValueError(f"time_scale must be above 0, not {time_scale}")
        self.time_scale: float = time_scale
        self._clock = TrioSeconds() if clock is None else clock
        self._origin = self._clock()

    def __call__(self) -> float:
        """The seconds since the world's start."""
        return (self._clock() - self._origin) * self.time_scale
