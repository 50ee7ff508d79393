"""When jobs run: a queue before a limited number of slots.

The account runs `slots` jobs at once, the others wait. There is no timer: when the world is asked
about a time, the queue advances to it, event by event, at a cost of a few heap operations per job.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable
from copy import copy
from typing import Literal, Protocol, TypeAlias

import attrs

from mockserver._world.randomness import Randomness

Order: TypeAlias = Literal["fifo", "random", "priority"]
"""Which of the waiting jobs gets a free slot: the one that has waited longest, a random one, or the
one of the highest priority (and among equals the one that has waited longest)."""

WhenFull: TypeAlias = Literal["queue", "reject"]
"""What happens to a submit when there are as many unfinished jobs as slots: the job waits for a
slot, or the submit is refused with 429."""


def read_slots(slots: int | str | None, when_full: WhenFull) -> tuple[int | None, WhenFull]:
    """Read the number of slots, and what happens when they are full.

    Both can be in one word: `"queue@6"`, `"reject@6"`. None is for no limit.

    Raises:
        ValueError: A word of another form, or a number below 1.
    """
    if isinstance(slots, str):
        word, at, number = slots.partition("@")
        if word not in {"queue", "reject"} or not at or not number.isdecimal():
            raise ValueError(f"slots must be a number, queue@<number> or reject@<number>: {slots}")
        slots, when_full = int(number), "queue" if word == "queue" else "reject"
    if slots is not None and slots < 1:
        raise ValueError(f"slots must be at least 1 (None for no limit), not {slots}")
    if when_full not in {"queue", "reject"}:
        raise ValueError(f"when_full must be 'queue' or 'reject', not {when_full!r}")
    return slots, when_full


class _Waiting(Protocol):
    """The jobs that wait, by index."""

    def put(self, job: int, priority: int) -> None: ...

    def pop_next(self) -> int: ...

    def __len__(self) -> int: ...


class _FirstInFirstOut(deque[int]):
    """The job that has waited longest comes next."""

    def put(self, job: int, priority: int) -> None:  # noqa: ARG002 - the protocol has it
        self.append(job)

    def pop_next(self) -> int:
        return self.popleft()


class _DrawnAtRandom(list[int]):
    """A random job comes next, each with the same probability."""

    def __init__(self, randomness: Randomness) -> None:
        super().__init__()
        self._randomness = randomness
        self._drawn = 0

    def put(self, job: int, priority: int) -> None:  # noqa: ARG002 - the protocol has it
        self.append(job)

    def pop_next(self) -> int:
        self._drawn += 1
        chosen = self._randomness.below(len(self), "queue", self._drawn)
        # The last one takes its place: removing it from the middle would move all behind it.
        self[chosen], self[-1] = self[-1], self[chosen]
        return self.pop()


class _ByPriority(list[tuple[int, int, int]]):
    """The job of the highest priority comes next, of equals the one that has waited longest."""

    def __init__(self) -> None:
        super().__init__()
        self._came = 0

    def put(self, job: int, priority: int) -> None:
        self._came += 1
        heapq.heappush(self, (-priority, self._came, job))

    def pop_next(self) -> int:
        return heapq.heappop(self)[2]


class _Events:
    """Future events of jobs, by time. An event can be cancelled, at the cost of a set's entry."""

    __slots__ = ("_entries", "_off")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int]] = []
        # Cancelled, but still in the heap.
        self._off: set[tuple[float, int]] = set()

    def add(self, at: float, job: int) -> None:
        """Add an event; at infinity it never happens."""
        if at == math.inf:
            return
        if (at, job) in self._off:
            self._off.discard((at, job))
        else:
            heapq.heappush(self._entries, (at, job))

    def cancel(self, at: float, job: int) -> None:
        """Cancel an event that was added."""
        if at < math.inf:
            self._off.add((at, job))

    def next_at(self) -> float:
        """When the next event happens, in seconds; infinite if there is none."""
        entries = self._entries
        while entries and self._off and entries[0] in self._off:
            self._off.discard(heapq.heappop(entries))
        return entries[0][0] if entries else math.inf

    def pop(self) -> int:
        """Remove the next event, after a call of `next_at`, and return its job."""
        return heapq.heappop(self._entries)[1]

    def __copy__(self) -> _Events:
        other = _Events()
        other._entries, other._off = self._entries.copy(), self._off.copy()
        return other


@attrs.frozen(eq=False)
class QueueState:
    """The contents of a queue at one time; see `Queue.save`."""

    free: float
    arrivals: _Events
    ends: _Events
    stale: Counter[int]
    waiting: _Waiting


class Queue:
    """Jobs that wait for slots, and jobs that hold them.

    `start` is called with a job and the time it gets its slot, and returns the time at which the
    slot is free again (infinite for never). With the order `"priority"`, the higher goes first.

    Raises:
        ValueError: A number of slots below 1, or an unknown order.
    """

    def __init__(
        self,
        slots: int | None,
        order: Order,
        randomness: Randomness,
        start: Callable[[int, float], float],
        priority_of: Callable[[int], int],
    ) -> None:
        slots, _ = read_slots(slots, "queue")
        self._start = start
        self._priority_of = priority_of
        # Below zero if jobs were given a slot out of turn.
        self._free: float = math.inf if slots is None else slots
        self._arrivals = _Events()
        self._ends = _Events()
        # Nothing happens before this time. Kept, because every status request asks for it.
        self._quiet_until = math.inf
        # How many stale entries a job that left the queue still has among those that wait.
        self._stale: Counter[int] = Counter()
        self._waiting: _Waiting
        if order == "fifo":
            self._waiting = _FirstInFirstOut()
        elif order == "random":
            self._waiting = _DrawnAtRandom(randomness)
        elif order == "priority":
            self._waiting = _ByPriority()
        else:
            raise ValueError(f"order must be 'fifo', 'random' or 'priority', not {order!r}")

    def join(self, job: int, at: float) -> None:
        """Let a job join the queue at the time `at`, in seconds."""
        self._arrivals.add(at, job)
        self._quiet_until = min(self._quiet_until, at)

    def next_at(self) -> float:
        """When a job next joins the queue or frees its slot; infinite if none does."""
        return min(self._arrivals.next_at(), self._ends.next_at())

    def advance(self, t: float) -> None:
        """Assign all slots that are assigned up to and including `t`, in seconds."""
        if t < self._quiet_until:
            return
        arrivals, ends, waiting = self._arrivals, self._ends, self._waiting
        while (now := self.next_at()) <= t and now < math.inf:
            while ends.next_at() <= now:
                ends.pop()
                self._free += 1
            while arrivals.next_at() <= now:
                job = arrivals.pop()
                waiting.put(job, self._priority_of(job))
            while self._free > 0 and waiting:
                job = waiting.pop_next()
                if job in self._stale:
                    self._strike(job)
                else:
                    self.seize(job, now)
        self._quiet_until = now

    def _strike(self, job: int) -> None:
        """Drop one stale entry of a job."""
        self._stale[job] -= 1
        if not self._stale[job]:
            del self._stale[job]

    # By hand

    def leave(self, job: int, joins_at: float, now: float) -> None:
        """Remove a job that joins or joined the queue at `joins_at`, and has no slot at `now`."""
        if joins_at > now:
            self._arrivals.cancel(joins_at, job)
        else:
            self._stale[job] += 1

    def seize(self, job: int, at: float) -> None:
        """Give a job a slot at `at`, even if none is free."""
        self.occupy(job, self._start(job, at))

    def occupy(self, job: int, until: float) -> None:
        """Record that a job has a slot, even if none was free, until `until`."""
        self._free -= 1
        self.move_end(job, math.inf, until)

    def move_end(self, job: int, before: float, after: float) -> None:
        """Record that a job frees its slot at `after` rather than at `before`."""
        self._ends.cancel(before, job)
        self._ends.add(after, job)
        self._quiet_until = min(self._quiet_until, after)

    # Snapshots

    def save(self) -> QueueState:
        """The contents of the queue now."""
        return QueueState(
            self._free,
            copy(self._arrivals),
            copy(self._ends),
            self._stale.copy(),
            copy(self._waiting),
        )

    def load(self, state: QueueState) -> None:
        """Return to the contents saved in `state`, by a queue with the same order."""
        self._free, self._stale = state.free, state.stale.copy()
        self._arrivals, self._ends = copy(state.arrivals), copy(state.ends)
        self._waiting = copy(state.waiting)
        self._quiet_until = self.next_at()
