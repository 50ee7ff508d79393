"""Which waiting job to poll for the sake of the queue order, and when.

While the order has an unknown part, its probe is polled. Otherwise the head is polled at growing
intervals, and a small share of all polls goes to a sample of the waiting jobs, which tests the
order. Only one such poll is in flight at a time: its answer decides what is worth asking next.
"""

from __future__ import annotations

import math
from typing import Final

from legnext_stream._core.backoff import jitter
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.queue_order import QueueOrder
from legnext_stream._core.watched import IN_FLIGHT, Watched

_NEVER: Final = math.inf
# The first wait before the head is polled again, in seconds. It grows while nothing changes.
_HEAD_WAIT: Final = 2.0
_HEAD_GROWTH: Final = 2.0
# The most samples for each poll, and for each job that joins; and how many may be saved up.
_SAMPLED: Final = 0.05
_SAMPLED_FIRST: Final = 0.02
_MOST_SAMPLES: Final = 100.0
# The least time between samples, in seconds, so that they tell about different moments. While no job
# is known to run, samples are taken faster, and don't count against the share: see `_sample_gap`.
_SAMPLE_GAP: Final = 1.0
_LEAST_SAMPLE_GAP: Final = 0.1
_SAMPLE_GAP_AT_LAST: Final = 10.0
_MOST_IN_VAIN: Final = 1000


class QueueProbe:
    """The polls that serve the queue order. Times are in seconds on our clock."""

    def __init__(self, pacing: Pacing, queue: QueueOrder) -> None:
        self._pacing = pacing
        self._queue = queue
        # The job that is being polled for the queue's sake.
        self._in_flight: Watched | None = None
        self._retry_at = -math.inf
        self._head_wait = _HEAD_WAIT
        self._head_waited_at = -math.inf
        self._samples = 0.0
        self._sampled_at = -math.inf
        self._sampled = 0
        self._in_vain = 0

    def due(self, running: int) -> float:
        """When to poll next, if this many jobs are known or inferred to run."""
        head = self._queue.head
        # A scheduled head is about to be polled for another reason, and that will tell.
        if (
            self._in_flight is not None
            or head is None
            or head.is_scheduled
            or not self._queue.is_trusted
        ):
            return _NEVER
        return self._wanted(head, running)[0]

    def take(self, now: float, running: int) -> Watched:
        """Take the job to poll now; only when `due` says so."""
        head = self._queue.head
        assert head is not None  # noqa: S101 - for the type checker: a poll is due
        _, job, is_sample = self._wanted(head, running)
        if is_sample:
            self._samples = max(self._samples - 1.0, 0.0)
            self._sampled += 1
            self._sampled_at = now
            self._in_vain = 0 if running else self._in_vain + 1
        job.where = IN_FLIGHT
        self._in_flight = job
        return job

    def _wanted(self, head: Watched, running: int) -> tuple[float, Watched, bool]:
        """When to poll next, which job, and whether that is a sample."""
        queue = self._queue
        if queue.is_open:
            # A scheduled probe will tell by itself. The head isn't scheduled, or `due` would be inf.
            job = head if (probe := queue.probe()).is_scheduled else probe
            return max(self._retry_at, self._rested(job)), job, False
        wanted = max(self._head_waited_at + self._head_wait, self._retry_at)
        due = max(wanted, self._rested(head))
        if self._samples >= 1.0 or running == 0:
            wanted = max(self._sampled_at + self._sample_gap(running), self._retry_at)
            # Mostly it is clear without choosing a sample that the head comes first.
            if wanted < due:
                sample = queue.sample(jitter(head.job_id, self._sampled))
                if sample is not None and not sample.is_scheduled:
                    wanted = max(wanted, self._rested(sample))
                    if wanted < due:
                        return wanted, sample, True
        return due, head, False

    def _sample_gap(self, running: int) -> float:
        """Seconds from one sample to the next.

        While no job is known to run, one probably does, and is looked for faster and faster; until
        as many were polled as there are, or a thousand, and it is clear that none does.
        """
        if running:
            return _SAMPLE_GAP
        if self._in_vain > min(len(self._queue), _MOST_IN_VAIN):
            return _SAMPLE_GAP_AT_LAST
        return max(_SAMPLE_GAP / (1.0 + self._in_vain / 4.0), _LEAST_SAMPLE_GAP)

    def _rested(self, job: Watched) -> float:
        return job.polled_at + self._pacing.min_interval

    def joined(self) -> None:
        """A job joins the queue."""
        self._samples = min(self._samples + _SAMPLED_FIRST, _MOST_SAMPLES)

    def polled(self) -> None:
        """A poll is made, for whatever reason: a share of it goes to samples."""
        self._samples = min(self._samples + _SAMPLED * self._queue.doubt, _MOST_SAMPLES)

    def looked(self) -> None:
        """A waiting job is polled for another reason, which tests the order as a sample does."""
        self._samples = max(self._samples - 1.0, 0.0)

    def answered(self, job: Watched) -> None:
        """A poll of a job has ended."""
        if self._in_flight is job:
            self._in_flight = None
            self._retry_at = -math.inf

    def failed(self, retry_at: float) -> None:
        """A poll for the queue's sake has failed: poll again at this time, this job or another."""
        self._retry_at = retry_at

    def head_waits(self, now: float, *, still: bool) -> None:
        """The head was seen waiting; if it is `still` the head, poll it ever more rarely."""
        self._head_wait = min(
            self._head_wait * _HEAD_GROWTH if still else _HEAD_WAIT, self._pacing.max_interval
        )
        self._head_waited_at = now

    def begin(self) -> None:
        """There is a first job: start from the first interval."""
        self._head_wait = _HEAD_WAIT

    def hurry(self) -> None:
        """The queue has moved unexpectedly: poll the head at once."""
        self._head_wait = _HEAD_WAIT
        self._head_waited_at = -math.inf
