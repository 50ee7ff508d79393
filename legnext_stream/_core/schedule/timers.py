"""Timers: jobs by the time at which each is to be looked at, however many there are.

A heap of a million entries takes a hundred bytes for each, and each insertion walks through that
memory. But few of the times are near. So entries that are far off lie unsorted in buckets of a
quarter of a second, where one takes sixteen bytes and constant time; a bucket becomes part of a
heap when its time has come. (A calendar queue: Brown, Commun. ACM 31, 1988.) Jobs whose time is
now are in a plain queue beside both.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections import deque
from itertools import count
from typing import Final

from legnext_stream._core.watched import Watched

# Seconds. If a million jobs are each looked at every half a minute, about ten thousand share a
# bucket, and turning it into a heap takes a few milliseconds.
_WIDTH: Final = 0.25


class _Bucket:
    """Jobs whose times lie within one bucket's width, in the order in which they were put in."""

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


class Timers:
    """A queue of jobs by time, in seconds on any one clock. Equal times are first in, first out.

    Only the first entry can be removed. Searching for another would cost more than ignoring it when
    its time has come.
    """

    __slots__ = ("_far", "_near", "_now", "_now_since", "_numbers", "_opened", "_order")

    def __init__(self) -> None:
        # A heap of everything up to the bucket that was opened last.
        self._near: list[tuple[float, int, Watched]] = []
        self._opened: float = -math.inf
        # The other buckets by number, and a heap of the numbers.
        self._far: dict[int, _Bucket] = {}
        self._numbers: list[int] = []
        self._order = count()
        # Jobs whose time had come when they were put in, and when that was.
        self._now: deque[Watched] = deque()
        self._now_since: deque[float] = deque()

    @property
    def first(self) -> float:
        """The earliest time; inf if there is none."""
        planned = math.inf
        if self._near:
            planned = self._near[0][0]
        elif self._numbers:
            planned = self._far[self._numbers[0]].first
        return min(self._now_since[0], planned) if self._now_since else planned

    def put(self, now: float, at: float, job: Watched) -> None:
        """Put in a job with a finite time, which is `now` or later."""
        if at <= now:
            self._now.append(job)
            self._now_since.append(now)
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
            # Everything near is earlier than everything far.
            self._open_bucket()
        near, since = self._near, self._now_since
        # Of equal times, an entry of the heap was put in earlier, before it was that time.
        if since and since[0] <= now and not (near and near[0][0] <= since[0]):
            since.popleft()
            return self._now.popleft()
        return heapq.heappop(near)[2] if near and near[0][0] <= now else None

    def _open_bucket(self) -> None:
        """Turn the first bucket into the heap, which is empty."""
        number = heapq.heappop(self._numbers)
        bucket = self._far.pop(number)
        self._opened = number
        # The numbers keep the order of insertion, within the bucket and against what comes later.
        self._near.extend(zip(bucket.times, self._order, bucket.jobs, strict=False))
        heapq.heapify(self._near)
