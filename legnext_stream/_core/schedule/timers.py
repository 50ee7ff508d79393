"""Jobs that have a time: by when each is to be looked at, however many there are.

A heap of a million entries costs a hundred bytes for each, and a walk through memory for each that
is put in. But few of the times are near. So those that are far off lie unsorted in buckets, by the
quarter of a second, where an entry takes sixteen bytes and a constant time; a bucket goes into a
heap when its time has come. Those whose time is now stand in a queue beside it all.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import deque
from itertools import count
from typing import Final

from legnext_stream._core.watched import Watched

# Seconds. Of a million jobs, each looked at every half a minute, some ten thousand share a bucket;
# to open it takes a few milliseconds.
_WIDTH: Final = 0.25


class _Bucket:
    """Jobs whose times lie within one stretch, in the order in which they were put in."""

    __slots__ = ("first", "jobs", "times")

    def __init__(self) -> None:
        self.times = array("d")
        self.jobs: list[Watched] = []
        self.first = math.inf

    def put(self, at: float, job: Watched) -> None:
        self.times.append(at)
        self.jobs.append(job)
        if at < self.first:
            self.first = at


class Agenda:
    """A queue of jobs by time, seconds on any one clock; of equal times, the first one in is first out.

    Nothing is ever taken out but what is first: to search for a job would cost more than to pass
    over it when its time has come.
    """

    __slots__ = ("_far", "_near", "_numbers", "_opened", "_order", "_ready", "_ready_since")

    def __init__(self) -> None:
        # Everything up to the bucket that was opened last is near.
        self._near: list[tuple[float, int, Watched]] = []
        self._opened: float = -math.inf
        self._far: dict[int, _Bucket] = {}
        self._numbers: list[int] = []
        self._order = count()
        # Whose time had come when they were put in, and when that was.
        self._ready: deque[Watched] = deque()
        self._ready_since: deque[float] = deque()

    def __len__(self) -> int:
        """How many entries there are."""
        far = sum(len(bucket.jobs) for bucket in self._far.values())
        return len(self._ready) + len(self._near) + far

    @property
    def first(self) -> float:
        """The least time in it; infinite if it is empty."""
        planned = math.inf
        if self._near:
            planned = self._near[0][0]
        elif self._numbers:
            planned = self._far[self._numbers[0]].first
        return min(self._ready_since[0], planned) if self._ready_since else planned

    def put(self, now: float, at: float, job: Watched) -> None:
        """Put in a job with a finite time, which is `now` or later."""
        if at <= now:
            self._ready.append(job)
            self._ready_since.append(now)
            return
        number = int(at // _WIDTH)
        if number <= self._opened:
            heapq.heappush(self._near, (at, next(self._order), job))
            return
        bucket = self._far.get(number)
        if bucket is None:
            bucket = self._far[number] = _Bucket()
            heapq.heappush(self._numbers, number)
        bucket.put(at, job)

    def pop(self, now: float) -> Watched | None:
        """Take out the first job, if its time has come."""
        if not self._near and self._numbers and self._numbers[0] * _WIDTH <= now:
            # What is near is before all that is far.
            self._open()
        near, since = self._near, self._ready_since
        # Of the same time, what is near came in before it was that time.
        if since and since[0] <= now and not (near and near[0][0] <= since[0]):
            since.popleft()
            return self._ready.popleft()
        return heapq.heappop(near)[2] if near and near[0][0] <= now else None

    def _open(self) -> None:
        """Let the first of the buckets be near; nothing else is."""
        number = heapq.heappop(self._numbers)
        bucket = self._far.pop(number)
        self._opened = number
        # Within the bucket, and against whatever comes later, the order of coming in is kept.
        self._near.extend(zip(bucket.times, self._order, bucket.jobs, strict=False))
        heapq.heapify(self._near)
