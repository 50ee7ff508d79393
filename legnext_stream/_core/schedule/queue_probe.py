"""What is asked on the line's behalf: its open part, its head now and then, and a sample.

While the line is open its probe is asked about. When it isn't, its head is asked about at growing
intervals, and a small share of the polls goes to a sample of the waiting, which tests the order.
Only one question is under way at a time: its answer decides what is worth asking next.
"""

from __future__ import annotations

import math
from typing import Final

from legnext_stream._core.backoff import jitter
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.queue_order import Line
from legnext_stream._core.watched import ASKED, Watched

_NEVER: Final = math.inf
# The first wait before the head of the line is asked again; it grows while nothing has changed.
_HEAD_WAIT: Final = 2.0
_HEAD_GROWTH: Final = 2.0
# At most this share of the polls goes to a sample of the waiting, and this many up front.
_SAMPLED: Final = 0.05
_SAMPLED_FIRST: Final = 0.02
_MOST_SAMPLES: Final = 100.0
# No two samples are taken within this time, seconds, so that they tell of different moments. While
# nothing is known to run they are taken without regard to their share (see `_sample_gap`).
_SAMPLE_GAP: Final = 1.0
_LEAST_SAMPLE_GAP: Final = 0.1
_SAMPLE_GAP_AT_LAST: Final = 10.0
_MOST_IN_VAIN: Final = 1000


class Inquiry:
    """When the line wants to know something, and of which job. Times in seconds on our clock."""

    def __init__(self, pacing: Pacing, line: Line) -> None:
        self._pacing = pacing
        self._line = line
        # The job asked about on the line's behalf, while it is.
        self._asked: Watched | None = None
        self._retry_at = -math.inf
        self._head_wait = _HEAD_WAIT
        self._head_asked_at = -math.inf
        self._samples = 0.0
        self._sampled_at = -math.inf
        self._sampled = 0
        self._in_vain = 0

    # -- Asking

    def due(self, running: int) -> float:
        """When to ask next, of a line in which so many jobs are known or believed to run."""
        head = self._line.head
        # A head that is minded is being asked about for another reason: that will tell.
        if self._asked is not None or head is None or head.is_minded or not self._line.order_holds:
            return _NEVER
        return self._wanted(head, running)[0]

    def take(self, now: float, running: int) -> Watched:
        """Take the job to ask about; only when it is due."""
        head = self._line.head
        assert head is not None  # noqa: S101 - for the type checker: the line was due
        _, job, is_sample = self._wanted(head, running)
        if is_sample:
            self._samples = max(self._samples - 1.0, 0.0)
            self._sampled += 1
            self._sampled_at = now
            self._in_vain = 0 if running else self._in_vain + 1
        job.seat = ASKED
        self._asked = job
        return job

    def _wanted(self, head: Watched, running: int) -> tuple[float, Watched, bool]:
        """When the line next wants to know something, of which job, and whether that is a sample."""
        line = self._line
        if line.is_open:
            # One that is being asked about anyway tells by itself; the head isn't, or we'd not be here.
            job = head if (probe := line.probe()).is_minded else probe
            return max(self._retry_at, self._rested(job)), job, False
        wanted = max(self._head_asked_at + self._head_wait, self._retry_at)
        due = max(wanted, self._rested(head))
        if self._samples >= 1.0 or running == 0:
            wanted = max(self._sampled_at + self._sample_gap(running), self._retry_at)
            # Most times it is clear without a look at the sample that the head comes first.
            if wanted < due:
                sample = line.pick(jitter(head.job_id, self._sampled))
                if sample is not None and not sample.is_minded:
                    wanted = max(wanted, self._rested(sample))
                    if wanted < due:
                        return wanted, sample, True
        return due, head, False

    def _sample_gap(self, running: int) -> float:
        """Seconds from one sample to the next.

        While nothing is known to run somebody must be, and is looked for faster and faster; until
        as many were asked as there are, or a thousand, and it is clear that nobody is.
        """
        if running:
            return _SAMPLE_GAP
        if self._in_vain > min(len(self._line), _MOST_IN_VAIN):
            return _SAMPLE_GAP_AT_LAST
        return max(_SAMPLE_GAP / (1.0 + self._in_vain / 4.0), _LEAST_SAMPLE_GAP)

    def _rested(self, job: Watched) -> float:
        return job.polled_at + self._pacing.min_interval

    # -- What to go by

    def joined(self) -> None:
        """A job comes to the line."""
        self._samples = min(self._samples + _SAMPLED_FIRST, _MOST_SAMPLES)

    def polled(self) -> None:
        """A poll is made, for whatever reason: a share of it is to be spent on samples."""
        self._samples = min(self._samples + _SAMPLED * self._line.doubt, _MOST_SAMPLES)

    def answered(self, job: Watched) -> None:
        """A poll of a job has ended."""
        if self._asked is job:
            self._asked = None
            self._retry_at = -math.inf

    def failed(self, retry_at: float) -> None:
        """A poll for the line has failed: ask again, about this job or another, at that time."""
        self._retry_at = retry_at

    def head_waits(self, now: float, *, still: bool) -> None:
        """The head was seen waiting, and `still` is the head: ask about it ever more rarely."""
        self._head_wait = min(
            self._head_wait * _HEAD_GROWTH if still else _HEAD_WAIT, self._pacing.max_interval
        )
        self._head_asked_at = now

    def begin(self) -> None:
        """There is a new head: ask at the first interval."""
        self._head_wait = _HEAD_WAIT

    def hurry(self) -> None:
        """The line has moved unexpectedly: ask about its head at once."""
        self._head_wait = _HEAD_WAIT
        self._head_asked_at = -math.inf
