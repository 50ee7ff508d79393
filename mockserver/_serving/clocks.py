"""The world's time: it follows a clock, and can be frozen, moved ahead and set.

The clock is Trio's, virtual or real, or any other. What is done to the world's time doesn't affect
the clock, nor the timeouts of clients.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio
import trio.testing

if TYPE_CHECKING:
    from collections.abc import Callable


class TrioSeconds:
    """Trio's clock, counted from its first use in a run; in virtual time, from the run's start.

    Outside of a run its time stands still, so that jobs can be added before a run, and the truth
    read after it. It then stands at the run's end in virtual time, and at the last use of the clock
    in real time. A second run continues where the first ended.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._origin = 0.0
        self._run: trio.lowlevel.TrioToken | None = None
        self._virtual: trio.testing.MockClock | None = None

    def __call__(self) -> float:
        """The seconds that have passed."""
        try:
            run = trio.lowlevel.current_trio_token()
        except RuntimeError:
            return self._outside()
        now = trio.current_time()
        if run is not self._run:
            self._enter(run, now)
        self._seconds = now - self._origin
        return self._seconds

    def _outside(self) -> float:
        # A virtual clock with a rate goes on after the run, as a real one does.
        if self._virtual is not None and self._virtual.rate == 0:
            self._seconds = self._virtual.current_time() - self._origin
        return self._seconds

    def _enter(self, run: trio.lowlevel.TrioToken, now: float) -> None:
        passed = self._outside()
        clock = trio.lowlevel.current_clock()
        if not isinstance(clock, trio.testing.MockClock):
            self._virtual = None
            self._origin = now - passed
        elif clock is not self._virtual:
            # A virtual clock starts at zero with the run, so its readings and the world's are the
            # same; a real one starts anywhere.
            self._virtual = clock
            self._origin = -passed
        self._run = run


class WorldClock:
    """The time in a world, in seconds since its start.

    Args:
        clock: Gives seconds, from any origin; None for Trio's clock.
        time_scale: How many seconds pass in the world while one passes on the clock.

    Attributes:
        is_frozen: Whether time stands still.

    Raises:
        ValueError: `time_scale` isn't above 0 and finite.
    """

    def __init__(self, clock: Callable[[], float] | None, time_scale: float) -> None:
        if not 0 < time_scale < math.inf:
            raise ValueError(f"time_scale must be above 0, and finite, not {time_scale}")
        self.time_scale: float = time_scale
        self._clock = TrioSeconds() if clock is None else clock
        # The world's time was `_base` when the clock read `_origin`.
        self._base = 0.0
        self._origin = self._clock()
        self.is_frozen: bool = False
        self._changes = trio.lowlevel.ParkingLot()

    def __call__(self) -> float:
        """The seconds since the world's start."""
        if self.is_frozen:
            return self._base
        return self._base + (self._clock() - self._origin) * self.time_scale

    def freeze(self) -> None:
        """Stop time; only `advance` and `set` then change it."""
        self._base = self()
        self.is_frozen = True
        self._changes.unpark_all()

    def resume(self) -> None:
        """Let time pass again, from its present value."""
        if self.is_frozen:
            self._origin = self._clock()
            self.is_frozen = False
            self._changes.unpark_all()

    def advance(self, seconds: float) -> None:
        """Move time ahead by seconds of the world, whether it is frozen or not.

        Raises:
            ValueError: `seconds` is negative or infinite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds must be a number of seconds, 0 or more, not {seconds}")
        self._base += seconds
        self._changes.unpark_all()

    def set(self, t: float) -> None:
        """Set the time to `t` seconds since the world's start, which may be in the past.

        Return the world to that time first: a world doesn't take additions at an earlier time than
        the latest at which it was used.

        Raises:
            ValueError: `t` is negative or infinite.
        """
        if not 0 <= t < math.inf:
            raise ValueError(f"t must be a number of seconds, 0 or more, not {t}")
        self._origin = self._clock()
        self._base = t
        self._changes.unpark_all()

    async def wait_until(self, t: float) -> None:
        """Wait until `t` seconds since the world's start; for ever if `t` is infinite.

        While time is frozen, it waits for a call that changes the time. It works in a Trio run, with
        a clock that passes as the run's own does.
        """
        await trio.lowlevel.checkpoint()
        while (left := t - self()) > 0:
            if self.is_frozen:
                await self._changes.park()
            else:
                now = trio.current_time()
                # At least to the next float: a wait that is rounded to nothing would never end, as
                # virtual time passes only in waits.
                wait = max(left / self.time_scale, math.ulp(now))
                with trio.move_on_at(now + wait):
                    await self._changes.park()
