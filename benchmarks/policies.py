"""The simulated policies: ours, fixed intervals and backoffs, and the vendor's loop."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Final

import attrs

from benchmarks.harness import News, Reply
from legnext_stream._core import answers
from legnext_stream._core.model.decoding import decode_status
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.pace import Pacer, RequestKind
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker

OPEN: Final = Pacing(max_rate=1000, initial_rate=1000, max_in_flight=1000)
"""Pacing for worlds without a limit: the rate never decides."""


class MeasuringPacer(Pacer):
    """The shipped pacer, which also notes when requests had to wait for it.

    Attributes:
        stretches: Beginnings and ends, in seconds, of times in which due requests had to wait. A
            stretch ends when none had to for some seconds.
    """

    GAP: Final = 3.0

    def __init__(self, *, max_rate: float, initial_rate: float, max_in_flight: int) -> None:
        super().__init__(max_rate=max_rate, initial_rate=initial_rate, max_in_flight=max_in_flight)
        self.stretches: list[list[float]] = []

    def ready_at(self, now: float, kind: RequestKind = RequestKind.STATUS) -> float:
        """As in the base class. A call means that a request is due."""
        at = super().ready_at(now, kind)
        if at > now:
            if self.stretches and now <= self.stretches[-1][1] + self.GAP:
                self.stretches[-1][1] = now
            else:
                self.stretches.append([now, now])
        return at

    @property
    def held(self) -> tuple[float, float]:
        """The longest stretch, or (0, 0) if there was none."""
        longest = max(self.stretches, key=lambda each: each[1] - each[0], default=[0.0, 0.0])
        return longest[0], longest[1]


def make_pacer(pacing: Pacing) -> MeasuringPacer:
    """The pacer that goes with these settings."""
    return MeasuringPacer(
        max_rate=pacing.max_rate,
        initial_rate=pacing.initial_rate,
        max_in_flight=pacing.max_in_flight,
    )


class Ours:
    """This library's core, as shipped.

    Args:
        pacing: The settings.
        timeout: The timeout of the watch in seconds; the default of `watch` is 600.
        callbacks: Whether there is a receiver of webhooks.
    """

    def __init__(
        self, pacing: Pacing, *, timeout: float | None = 600.0, callbacks: bool = False
    ) -> None:
        self.pacer: MeasuringPacer = make_pacer(pacing)
        self._tracker = Tracker(pacing=pacing, timeout=timeout, pacer=self.pacer)
        if callbacks:
            self._tracker.expect_callbacks()

    def begin(self, now: float, job_ids: Sequence[str]) -> None:
        """The watch begins: only the ids are known."""
        for job_id in job_ids:
            self._tracker.add(now, job_id)

    def due(self, now: float) -> str | float:
        """What the tracker returns."""
        step = self._tracker.due(now)
        return step.job_id if isinstance(step, Poll) else step

    def observe(self, now: float, job_id: str, reply: Reply) -> News:
        """Give the tracker the answer as it would have been read from the wire."""
        answer = _answer(reply)
        if reply.status_code == 429:
            seen = answers.Observation(job_id, answers.PollMeaning.LIMITED, answer)
        else:
            status = decode_status(reply.body["status"])
            seen = answers.Observation(job_id, answers.PollMeaning.SEEN, answer, reply.body, status)
        return self._observed(now, seen)

    def signed(self, now: float, body: Mapping[str, object]) -> News:
        """Give the tracker a verified callback."""
        status = decode_status(body["status"])
        assert status is not None  # noqa: S101 - for the type checker: the world has real statuses
        return self._observed(now, answers.reported(str(body["job_id"]), body, status, now))

    def unsigned(self, now: float, body: Mapping[str, object]) -> News:
        """Give the tracker an unsigned callback."""
        self._tracker.hint(now, str(body["job_id"]))
        return News.NONE

    def _observed(self, now: float, seen: answers.Observation) -> News:
        for event in self._tracker.observe(now, seen):
            if event.status.is_terminal:
                is_end = event.status in {JobStatus.COMPLETED, JobStatus.FAILED}
                return News.ENDED if is_end else News.LOST
        return News.NONE


def _answer(reply: Reply) -> answers.Reply:
    return answers.Reply(reply.status_code, reply.headers, b"", reply.sent_at, reply.received_at)


Interval = Callable[[int], float]
"""The seconds from the n-th answer about a job (n from 0) to the next request about it."""


def every(seconds: float) -> Interval:
    """A fixed interval."""
    return lambda _: seconds


def backoff(first: float = 1.0, factor: float = 1.5, cap: float = 10.0) -> Interval:
    """An interval that grows from `first` by `factor` to `cap` seconds."""
    longest = math.ceil(math.log(cap / first, factor))
    return lambda n: min(first * factor ** min(n, longest), cap)


class _Turns:
    """A queue of jobs by time; at the same time, in the order of insertion."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, str]] = []
        self._order = count()

    def put(self, at: float, job_id: str) -> None:
        heapq.heappush(self._heap, (at, next(self._order), job_id))

    @property
    def next_at(self) -> float:
        """The time of the next job; infinite if there is none."""
        return self._heap[0][0] if self._heap else math.inf

    def take(self) -> str:
        """Remove and return the next job."""
        return heapq.heappop(self._heap)[2]


class Intervals:
    """Polls each job at intervals of its own, beginning at a random time in the first interval.

    A refused request is repeated after the next interval, or when our pacer allows it.

    Args:
        interval: The intervals.
        rng: Draws each job's phase.
        pacing: Settings of our pacer, if it limits the rate; None to send whenever a job is due.
    """

    def __init__(self, interval: Interval, rng: Random, pacing: Pacing | None = None) -> None:
        self._interval = interval
        self._rng = rng
        self.pacer: MeasuringPacer | None = None if pacing is None else make_pacer(pacing)
        self._turns = _Turns()
        self._asked: dict[str, int] = {}

    def begin(self, now: float, job_ids: Sequence[str]) -> None:
        """Draw the phases."""
        first = self._interval(0)
        for job_id in job_ids:
            self._turns.put(now + self._rng.uniform(0, first), job_id)

    def due(self, now: float) -> str | float:
        """The job that has been due for longest."""
        at = self._turns.next_at
        if at > now:
            return at
        if self.pacer is not None:
            at = self.pacer.ready_at(now)
            if at > now:
                return at
            self.pacer.start(now)
        return self._turns.take()

    def observe(self, now: float, job_id: str, reply: Reply) -> News:
        """Wait for the next interval's end, counted from the request."""
        if self.pacer is not None:
            self.pacer.finish(now, answers.signal_of(_answer(reply)))
        if reply.ends:
            return News.ENDED
        if reply.status_code == 429 and self.pacer is not None:
            self._turns.put(now, job_id)
            return News.NONE
        asked = self._asked[job_id] = self._asked.get(job_id, 0) + 1
        self._turns.put(max(now, reply.sent_at + self._interval(asked)), job_id)
        return News.NONE


@attrs.define
class _Task:
    """The state of one job in the vendor's loop."""

    began_at: float
    attempt: int = 0


class VendorLoop:
    """The vendor's SDK: `wait_for_completion` of legnext 0.3.0, in one task per job.

    It polls immediately and then 3 s after each answer. A 429 is retried up to 3 times, after its
    `Retry-After` or else 1, 2 and 4 s; a fourth raises an exception, and so do 300 s of waiting.

    Args:
        rng: Draws when each task starts, within the first second.
    """

    INTERVAL: Final = 3.0
    RETRIES: Final = 3
    TIMEOUT: Final = 300.0

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._turns = _Turns()
        self._tasks: dict[str, _Task] = {}

    def begin(self, now: float, job_ids: Sequence[str]) -> None:
        """Start all tasks."""
        for job_id in job_ids:
            at = now + self._rng.random()
            self._tasks[job_id] = _Task(at)
            self._turns.put(at, job_id)

    def due(self, now: float) -> str | float:
        """Each task sends independently."""
        at = self._turns.next_at
        return at if at > now else self._turns.take()

    def observe(self, now: float, job_id: str, reply: Reply) -> News:
        """Take the answer to one task."""
        if reply.ends:
            return News.ENDED
        task = self._tasks[job_id]
        if reply.status_code == 429:
            if task.attempt >= self.RETRIES:
                return News.LOST
            retry_after = reply.headers.get("retry-after")
            self._turns.put(
                now + (float(retry_after) if retry_after else 2.0**task.attempt), job_id
            )
            task.attempt += 1
            return News.NONE
        task.attempt = 0
        if now - task.began_at >= self.TIMEOUT:
            return News.LOST
        self._turns.put(now + self.INTERVAL, job_id)
        return News.NONE
