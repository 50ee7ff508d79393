"""Who runs when: a queue before a limited number of slots.

The account runs `slots` jobs at once, the others wait. Nothing ticks: the queue is brought forward
to a time when somebody asks, event by event, each job costing a few heap operations once.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.world.randomness import Randomness

Order: TypeAlias = Literal["fifo", "random"]
"""Which of the waiting jobs gets a free slot: the one that waits longest, or any."""


class _Waiting(Protocol):
    """The jobs that wait, by index."""

    def append(self, job: int, /) -> None: ...

    def pop_next(self) -> int: ...

    def __len__(self) -> int: ...


class _FirstInFirstOut(deque[int]):
    """The job that waits longest comes next."""

    def pop_next(self) -> int:
        return self.popleft()


class _DrawnAtRandom(list[int]):
    """Any of the waiting jobs comes next, each with the same probability."""

    def __init__(self, randomness: Randomness) -> None:
        super().__init__()
        self._randomness = randomness
        self._drawn = 0

    def pop_next(self) -> int:
        self._drawn += 1
        chosen = self._randomness.below(len(self), "queue", self._drawn)
        # Its place goes to the last one: taking from the middle would move all behind it.
        self[chosen], self[-1] = self[-1], self[chosen]
        return self.pop()


class Queue:
    """Jobs that wait for slots, and jobs that hold them.

    Args:
        slots: How many jobs run at once; None for no limit.
        order: Which waiting job gets a free slot.
        randomness: Decides the order `"random"`.
        start: Called with a job and the time it gets its slot; returns when it will give it back
            (infinite for never).

    Raises:
        ValueError: No slot at all, or an order that isn't known.
    """

    def __init__(
        self,
        slots: int | None,
        order: Order,
        randomness: Randomness,
        start: Callable[[int, float], float],
    ) -> None:
        if slots is not None and slots < 1:
            raise ValueError(f"slots must be at least 1 (None for no limit), not {slots}")
        self._free: float = math.inf if slots is None else slots
        self._start = start
        self._arrivals: list[tuple[float, int]] = []
        self._ends: list[float] = []
        self._waiting: _Waiting
        if order == "fifo":
            self._waiting = _FirstInFirstOut()
        elif order == "random":
            self._waiting = _DrawnAtRandom(randomness)
        else:
            raise ValueError(f"order must be 'fifo' or 'random', not {order!r}")

    def join(self, job: int, at: float) -> None:
        """Let a job take its place in the queue at the time `at`, in seconds."""
        heapq.heappush(self._arrivals, (at, job))

    def advance(self, t: float) -> None:
        """Give out all slots that are given out up to and including `t`, in seconds."""
        arrivals, ends, waiting = self._arrivals, self._ends, self._waiting
        while True:
            now = min(
                arrivals[0][0] if arrivals else math.inf,
                ends[0] if ends else math.inf,
            )
            if now > t or now == math.inf:
                return
            while ends and ends[0] <= now:
                heapq.heappop(ends)
                self._free += 1
            while arrivals and arrivals[0][0] <= now:
                waiting.append(heapq.heappop(arrivals)[1])
            while self._free > 0 and waiting:
                self._free -= 1
                end = self._start(waiting.pop_next(), now)
                if end < math.inf:
                    heapq.heappush(ends, end)
