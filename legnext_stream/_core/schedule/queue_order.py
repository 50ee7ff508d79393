"""The jobs in the order in which they were submitted, and how many of them have started.

If jobs start in the order of their submission, they need not be asked whether they have started.
Once one is known to have started, so have all before it; once one is known to wait, so do all
behind it. So there are three parts:

    started … started | unknown … unknown | waiting … waiting
                     low                 high

The unknown part is searched like a sorted list, by doubling steps and then by halving (exponential
search: Bentley and Yao, Inf. Process. Lett. 5, 1976), in about 2·log₂(N) polls. After that no polls
are needed: an end that is seen frees a slot at the API, which the first of the waiting jobs takes.

The order is an assumption. Each start that is found tests it: had an earlier job been seen waiting
after a later one had started? As long as that is rare, the order is trusted.
"""

from __future__ import annotations

import math
from collections import deque

from legnext_stream._core.watched import Watched

# The order is no longer trusted when more than this share of the jobs were overtaken. Two jobs count
# as in order before any was seen.
_TOLERATED = 0.25
_PRIOR_IN_ORDER = 2.0
# With each start the weight of older evidence falls by this factor: some dozens of starts count.
_FADE = 0.98
# How many positions are looked at in one go when a start tells about all jobs before it.
_SLICE = 500
# Jobs that have started are cut off the front of the list once there are this many.
_CUT = 1000
# Takes the place of each job that has left, so that its record can be freed.
_VACANT = Watched("")


class QueueOrder:
    """Jobs by order of submission. Times are in seconds on our clock."""

    def __init__(self) -> None:
        self._jobs: list[Watched] = []
        # How many started jobs were cut off the front of the list: position = index + cut.
        self._cut = 0
        # The position behind the last job.
        self._end = 0
        # The last position of the started part, and the first of the waiting part; inf if no job is
        # known to wait.
        self.low: int = -1
        self.high: float = math.inf
        self._freed: list[tuple[float, float]] = []
        # Stretches of the started part whose jobs `inferred` has yet to return: the first and the
        # last position of each, and the earliest time at which they can have started.
        self._inferred: deque[tuple[int, int, float]] = deque()
        # When the job at `low` started, at the latest; when one at `high` was last seen waiting.
        self.low_start: float = -math.inf
        self.waiting_at: float = -math.inf
        self._step = 1
        # The last job in the order that was seen to have started, and when it did.
        self._top = -1
        self._top_start = -math.inf
        self._in_order = 0.0
        self._overtaken = 0.0

    def __len__(self) -> int:
        """How many jobs are behind the started part."""
        return self._end - (self.low + 1)

    @property
    def is_trusted(self) -> bool:
        """Whether jobs seem to start in the order of their submission."""
        seen = self._in_order + self._overtaken + _PRIOR_IN_ORDER
        return self._overtaken <= _TOLERATED * seen

    @property
    def doubt(self) -> float:
        """How little evidence for the order there is, from 1 (none) down to 0."""
        return 1.0 / (1.0 + self._in_order / 5.0)

    @property
    def head(self) -> Watched | None:
        """The first of the jobs that are not known to have started."""
        return self._jobs[self.low + 1 - self._cut] if self.low + 1 < self._end else None

    @property
    def is_open(self) -> bool:
        """Whether the unknown part has jobs."""
        head = self.low + 1
        return head < self.high and head < self._end

    def reset_evidence(self) -> None:
        """Forget the evidence against the order."""
        self._overtaken = 0.0

    def place_of(self, job: Watched) -> int | None:
        """The place of a waiting job, from 1 for the head; None if it doesn't wait in a trusted order.

        Jobs before it that have left count, so it may be nearer.
        """
        return job.position - self.low if job.is_waiting and self.is_trusted else None

    def append(self, job: Watched) -> None:
        """Add a job at the end."""
        job.position = self._end
        self._jobs.append(job)
        self._end += 1

    def probe(self) -> Watched:
        """The job whose state would tell most about the unknown part, which must have jobs."""
        last = self._end - 1
        if self.high == math.inf:
            position = min(self.low + self._step, last)
        else:
            position = (self.low + int(self.high)) // 2
        # A job in the middle may have left; the head never has.
        while not (job := self._jobs[position - self._cut]).is_waiting:
            position -= 1
        return job

    def sample(self, share: float) -> Watched | None:
        """The waiting job at this share (0 to 1) of the queue behind its head, if there is one."""
        index = self.low + 2 - self._cut
        index += int(share * (len(self._jobs) - index))
        job = self._jobs[index] if index < len(self._jobs) else None
        return job if job is not None and job.is_waiting else None

    def waiting_from(self, begin: int, most: int) -> tuple[list[Watched], int | None]:
        """The waiting jobs in `most` positions, and where to continue from; None at the end."""
        first = max(begin, self.low + 1)
        behind = min(first + most, self._end)
        jobs = self._jobs[first - self._cut : max(behind, first) - self._cut]
        return [job for job in jobs if job.is_waiting], behind if behind < self._end else None

    def found_started(self, job: Watched, at: float) -> list[Watched]:
        """Take in that a job has started at a time; return jobs that so have started before it.

        Their `started_at` is set to the earliest time at which they can have started, the start of
        the last job known before them. If there are very many, only the first are returned, and
        `inferred` returns the others.
        """
        position = job.position
        job.started_at = at
        if position > self._top:
            self._top, self._top_start = position, at
        if position <= self.low:
            self._in_order = self._in_order * _FADE + 1.0
            return []
        if position > max(self.high, self.low + 1):
            # Either the order is broken, or many have started unseen. A poll of the head will tell.
            self.high, self._step = math.inf, 1
            return []
        self._step *= 2
        if self.low + 1 < position:
            self._inferred.append((self.low + 1, position - 1, self.low_start))
        self._advance(position, at)
        return self.inferred()

    @property
    def has_inferred(self) -> bool:
        """Whether `inferred` has more to return."""
        return bool(self._inferred)

    def inferred(self) -> list[Watched]:
        """The next few jobs that must have started because later ones have."""
        if not self._inferred:
            return []
        first, last, bound = self._inferred.popleft()
        behind = min(first + _SLICE, last + 1)
        if behind <= last:
            self._inferred.appendleft((behind, last, bound))
        # One of them may have been seen waiting meanwhile; then `low` is before it again.
        begin, end = first - self._cut, min(behind, self.low + 1) - self._cut
        jobs = [job for job in self._jobs[begin : max(begin, end)] if job.is_waiting]
        for job in jobs:
            job.started_at = bound
        return jobs

    def found_waiting(self, job: Watched, now: float) -> bool:
        """Take in that a job waits; return whether it stays in the queue order.

        It leaves if a later job has overtaken it: then its turn can't be told from that of others.
        """
        job.started_at = None
        self._step = 1
        position = job.position
        if position < self._cut or (position < self._top and self._top_start < now):
            self._overtaken = self._overtaken * _FADE + 1.0
            self.leave(job)
            return False
        if position <= self.low:
            # It was inferred to have started, but the freed slot was not for one of ours.
            self.low, self.high, self.waiting_at = position - 1, position, now
        elif position <= self.high:
            self.high, self.waiting_at = position, now
        return True

    def slot_freed(self, earliest: float, latest: float) -> Watched | None:
        """Take in that a slot was freed between two times; return the job that must have got it.

        None if the head was seen waiting after that. While the unknown part has jobs, the head isn't
        known; then the slot is kept for `fill_kept_slots`.
        """
        head = self.head
        if head is None or latest <= self.waiting_at:
            return None
        if self.is_open:
            self._freed.append((earliest, latest))
            return None
        at = max(earliest, self.waiting_at)
        head.started_at = at
        self._advance(head.position, at)
        return head

    def fill_kept_slots(self) -> list[Watched]:
        """The jobs that have got the slots which were freed while the head wasn't known."""
        if self.is_open or not self._freed:
            return []
        freed, self._freed = self._freed, []
        jobs = [self.slot_freed(earliest, latest) for earliest, latest in sorted(freed)]
        return [job for job in jobs if job is not None]

    def leave(self, job: Watched) -> None:
        """Remove a job."""
        position, job.position = job.position, -1
        if position >= self._cut:
            self._jobs[position - self._cut] = _VACANT
        if position == self.low + 1:
            self._advance(position, self.low_start)

    def _advance(self, position: int, at: float) -> None:
        """Let the started part end at this position, whose job started at this time."""
        self.low_start = max(self.low_start, at)
        # Jobs behind it that don't wait are in the started part too.
        low = position
        while low + 1 < self._end and not self._jobs[low + 1 - self._cut].is_waiting:
            low += 1
        self.low = low
        self.high = max(self.high, low + 1)
        # Cut half of the list at a time, so that each job is moved once on average.
        started = low + 1 - self._cut
        if self._inferred:
            started = min(started, self._inferred[0][0] - self._cut)
        if started > _CUT and started > len(self._jobs) // 2:
            del self._jobs[:started]
            self._cut += started
