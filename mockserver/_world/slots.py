"""Who runs when: a queue before a limited number of slots.

The account runs `slots` jobs at once, the others wait. Nothing ticks: the queue is brought forward
to a time when somebody asks, event by event, each job costing a few heap operations once.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import attrs

if TYPE_CHECKING:
    from mockserver._world.randomness import Randomness

Order: TypeAlias = Literal["fifo", "random", "priority"]
"""Which of the waiting jobs gets a free slot: the one that waits longest, any, or the one of the
highest priority (and among these the one that waits longest)."""

WhenFull: TypeAlias = Literal["queue", "reject"]
"""What becomes of a submit when there are as many unfinished jobs as slots: it waits for a slot, or
it is refused with 429."""


def read_slots(slots: int | str | None, when_full: WhenFull) -> tuple[int | None, WhenFull]:
    """The number of slots and what happens when they are full, also from the short form.

    Args:
        slots: A number, None for no limit, or both in one word: `"queue@6"`, `"reject@6"`.
        when_full: What holds unless the word says it.

    Raises:
        ValueError: A word of another form, or no slot at all.
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
    """The job that waits longest comes next."""

    def put(self, job: int, priority: int) -> None:  # noqa: ARG002 - the protocol has it
        self.append(job)

    def pop_next(self) -> int:
        return self.popleft()


class _DrawnAtRandom(list[int]):
    """Any of the waiting jobs comes next, each with the same probability."""

    def __init__(self, randomness: Randomness) -> None:
        super().__init__()
        self._randomness = randomness
        self._drawn = 0

    def put(self, job: int, priority: int) -> None:  # noqa: ARG002 - the protocol has it
        self.append(job)

    def pop_next(self) -> int:
        self._drawn += 1
        chosen = self._randomness.below(len(self), "queue", self._drawn)
        # Its place goes to the last one: taking from the middle would move all behind it.
        self[chosen], self[-1] = self[-1], self[chosen]
        return self.pop()


class _ByPriority(list[tuple[int, int, int]]):
    """A heap: the job of the highest priority comes next; of equals the one that waits longest."""

    def __init__(self) -> None:
        super().__init__()
        self._came = 0

    def put(self, job: int, priority: int) -> None:
        self._came += 1
        heapq.heappush(self, (-priority, self._came, job))

    def pop_next(self) -> int:
        return heapq.heappop(self)[2]


class _Agenda:
    """What is to happen to jobs, by time; each can be called off, at the cost of a set's entry."""

    __slots__ = ("_entries", "_off")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int]] = []
        # Called off, but still in the heap.
        self._off: set[tuple[float, int]] = set()

    def add(self, at: float, job: int) -> None:
        """Put it down; infinitely late is never."""
        if at == math.inf:
            return
        if (at, job) in self._off:
            self._off.discard((at, job))
        else:
            heapq.heappush(self._entries, (at, job))

    def call_off(self, at: float, job: int) -> None:
        """Strike it out, as it was put down."""
        if at < math.inf:
            self._off.add((at, job))

    def next_at(self) -> float:
        """When the next thing happens, in seconds; infinite if nothing does."""
        entries = self._entries
        while entries and self._off and entries[0] in self._off:
            self._off.discard(heapq.heappop(entries))
        return entries[0][0] if entries else math.inf

    def pop(self) -> int:
        """The job of the next thing, which `next_at` has told of, and is done with here."""
        return heapq.heappop(self._entries)[1]

    def __copy__(self) -> _Agenda:
        other = _Agenda()
        other._entries, other._off = self._entries.copy(), self._off.copy()
        return other


@attrs.frozen(eq=False)
class QueueState:
    """What is in a queue at a time; see `Queue.save`."""

    free: float
    arrivals: _Agenda
    ends: _Agenda
    gone: Counter[int]
    waiting: _Waiting


class Queue:
    """Jobs that wait for slots, and jobs that hold them.

    Args:
        slots: How many jobs run at once; None for no limit.
        order: Which waiting job gets a free slot.
        randomness: Decides the order `"random"`.
        start: Called with a job and the time it gets its slot; returns when it will give it back
            (infinite for never).
        priority_of: The priority of a job, for the order `"priority"`; the higher goes first.

    Raises:
        ValueError: No slot at all, or an order that isn't known.
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
        # Below zero where jobs were given a slot out of their turn.
        self._free: float = math.inf if slots is None else slots
        self._arrivals = _Agenda()
        self._ends = _Agenda()
        # Nothing happens before; looked at for every status request, so kept rather than found.
        self._quiet_until = math.inf
        # Those that gave up waiting, and still stand in line so many times.
        self._gone: Counter[int] = Counter()
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
        """Let a job take its place in the queue at the time `at`, in seconds."""
        self._arrivals.add(at, job)
        self._quiet_until = min(self._quiet_until, at)

    def next_at(self) -> float:
        """When a job next joins, or gives its slot back; infinite if none does."""
        return min(self._arrivals.next_at(), self._ends.next_at())

    def advance(self, t: float) -> None:
        """Give out all slots that are given out up to and including `t`, in seconds."""
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
                if job in self._gone:
                    self._strike(job)
                else:
                    self.seize(job, now)
        self._quiet_until = now

    def _strike(self, job: int) -> None:
        """One of its places in line has been passed over."""
        self._gone[job] -= 1
        if not self._gone[job]:
            del self._gone[job]

    # By hand

    def leave(self, job: int, joins_at: float, now: float) -> None:
        """Take back a job that joins or joined at `joins_at`, and has no slot at `now`."""
        if joins_at > now:
            self._arrivals.call_off(joins_at, job)
        else:
            self._gone[job] += 1

    def seize(self, job: int, at: float) -> None:
        """Let a job have a slot at `at`, be one free or not."""
        self.occupy(job, self._start(job, at))

    def occupy(self, job: int, until: float) -> None:
        """Note that a job has taken a slot, be one free or not, and gives it back at `until`."""
        self._free -= 1
        self.move_end(job, math.inf, until)

    def move_end(self, job: int, before: float, after: float) -> None:
        """Note that a job gives its slot back at `after` rather than at `before`."""
        self._ends.call_off(before, job)
        self._ends.add(after, job)
        self._quiet_until = min(self._quiet_until, after)

    # Snapshots

    def save(self) -> QueueState:
        """What is in the queue, as it is now."""
        return QueueState(
            self._free,
            copy(self._arrivals),
            copy(self._ends),
            self._gone.copy(),
            copy(self._waiting),
        )

    def load(self, state: QueueState) -> None:
        """Have in the queue what was in it when `state` was saved, by a queue of the same order."""
        self._free, self._gone = state.free, state.gone.copy()
        self._arrivals, self._ends = copy(state.arrivals), copy(state.ends)
        self._waiting = copy(state.waiting)
        self._quiet_until = self.next_at()
