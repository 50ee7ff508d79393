"""Virtual time off Trio: the clock of the Trio side jumps only while other code waits for it.

A test may run Trio in virtual time (`trio.testing.MockClock`), where the clock jumps whenever all
Trio tasks wait. While the test's own code works, in another thread, they all do. So without this,
timeouts would have passed before that code asks for the first event.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import trio
    import trio.testing


class Jumps:
    """Allows or forbids that a virtual clock jumps. On the Trio side."""

    def __init__(self, clock: trio.testing.MockClock) -> None:
        self._clock = clock
        self._threshold = clock.autojump_threshold

    def allow(self, is_allowed: bool) -> None:  # noqa: FBT001 - it says what
        """Let the clock jump, or let time stand still."""
        threshold = self._threshold if is_allowed else math.inf
        if self._clock.autojump_threshold != threshold:
            self._clock.autojump_threshold = threshold


def jumps_of(clock: trio.abc.Clock) -> Jumps | None:
    """The jumps of a clock, or None if it doesn't jump by itself."""
    testing = sys.modules.get("trio.testing")
    if testing is None or not isinstance(clock, testing.MockClock):
        return None
    virtual = cast("trio.testing.MockClock", clock)
    return None if virtual.autojump_threshold == math.inf else Jumps(virtual)
