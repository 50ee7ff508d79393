"""The line of jobs in the order in which they were submitted, and how far it has been served.

Jobs that start in the order of their submission need not be asked whether they have started: once
one is known to have started, so have all before it, and once one is known to wait, so do all behind
it. So the line has three parts:

    started … started | unknown … unknown | waiting … waiting
                     low                 high

The unknown part is searched like a sorted list, by doubling steps and then by halving, in about
2·log₂(N) polls. After that the line moves by itself: an end that is seen frees a slot, so the first
of the waiting has started then, and nobody had to ask.

That is an assumption, and each start that is found tests it: whether an earlier job was seen waiting
after a later one had started. While few such are found, the order is believed.
"""

from __future__ import annotations

import math
from collections import deque

from legnext_stream._core.watched import Watched

# The order is given up when more than this share of the jobs were overtaken, counting as if
# two in order had been seen before the first.
_TOLERATED = 0.25
_PRIOR_IN_ORDER = 2.0
# Older evidence fades by this factor with each start, so that some dozens of starts are remembered.
_FADE = 0.98
# So many positions are looked at in one go when a start tells of all jobs before it.
_SLICE = 500
# Served jobs are cut off once there are so many.
_CUT = 1000
# Stands in the place of each job that has left, so that its record need not be kept.
_NOBODY = Watched("")


class Line:
    """Jobs by order of submission. Times in seconds on our clock."""

    def __init__(self) -> None:
        self._jobs: list[Watched] = []
        # How many served jobs were cut off the front of the list: position = index + cut.
        self._cut = 0
        # The position behind the last.
        self._end = 0
        self.low: int = -1
        self.high: float = math.inf
        self._freed: list[tuple[float, float]] = []
        # Stretches of the started part in which nobody has been told yet that they have started:
        # the first and the last position of each, and the bound on the start.
        self._untold: deque[tuple[int, int, float]] = deque()
        self.low_start: float = -math.inf
        self.waiting_at: float = -math.inf
        self._step = 1
        self._top = -1
        self._top_start = -math.inf
        self._in_order = 0.0
        self._overtaken = 0.0

    def __len__(self) -> int:
        """How many jobs stand behind the started part."""
        return self._end - (self.low + 1)

    @property
    def order_holds(self) -> bool:
        """Whether jobs are believed to start in the order of their submission."""
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
        """Whether it is unknown of some jobs if they have started."""
        head = self.low + 1
        return head < self.high and head < self._end

    def trust_again(self) -> None:
        """Forget the evidence against the order."""
        self._overtaken = 0.0

    def append(self, job: Watched) -> None:
        """A job comes in at the end of the line."""
        job.position = self._end
        self._jobs.append(job)
        self._end += 1

    def probe(self) -> Watched:
        """The job whose state tells most about the unknown part; only of an open line."""
        last = self._end - 1
        if self.high == math.inf:
            position = min(self.low + self._step, last)
        else:
            position = (self.low + int(self.high)) // 2
        # Some may have left the line from its midst; the head never has.
        while not (job := self._jobs[position - self._cut]).is_waiting:
            position -= 1
        return job

    def pick(self, share: float) -> Watched | None:
        """The waiting job that stands at this share (0 to 1) of the line behind its head, if any."""
        index = self.low + 2 - self._cut
        index += int(share * (len(self._jobs) - index))
        job = self._jobs[index] if index < len(self._jobs) else None
        return job if job is not None and job.is_waiting else None

    def rest(self, begin: int = 0, most: int | None = None) -> tuple[list[Watched], int | None]:
        """The jobs that wait, in order, from a position on.

        Args:
            begin: The position.
            most: How many positions to look at; None for all.

        Returns:
            The jobs, and the position to go on from; None if that was the end.
        """
        first = max(begin, self.low + 1)
        behind = self._end if most is None else min(first + most, self._end)
        jobs = self._jobs[first - self._cut : max(behind, first) - self._cut]
        return [job for job in jobs if job.is_waiting], behind if behind < self._end else None

    def started(self, job: Watched, at: float) -> list[Watched]:
        """A job was found to have started at a time; return those that so have started before it.

        The bound on when they did, the start of the last one known before them, is left in each
        one's `started_at`. Of very many only the first are returned, the others by `believed`.
        """
        position = job.position
        job.started_at = at
        if position > self._top:
            self._top, self._top_start = position, at
        if position <= self.low:
            self._in_order = self._in_order * _FADE + 1.0
            return []
        if position > max(self.high, self.low + 1):
            # Either the order is broken, or much has started unseen: asking the head will tell.
            self.high, self._step = math.inf, 1
            return []
        self._step *= 2
        if self.low + 1 < position:
            self._untold.append((self.low + 1, position - 1, self.low_start))
        self._advance(position, at)
        return self.believed()

    @property
    def has_untold(self) -> bool:
        """Whether `believed` has more to tell."""
        return bool(self._untold)

    def believed(self) -> list[Watched]:
        """The next few of the jobs that have started by what is known of later ones."""
        if not self._untold:
            return []
        first, last, bound = self._untold.popleft()
        behind = min(first + _SLICE, last + 1)
        if behind <= last:
            self._untold.appendleft((behind, last, bound))
        # Meanwhile some may have been seen waiting, which has brought the line back before them.
        begin, end = first - self._cut, min(behind, self.low + 1) - self._cut
        told = [job for job in self._jobs[begin : max(begin, end)] if job.is_waiting]
        for job in told:
            job.started_at = bound
        return told

    def waits(self, job: Watched, now: float) -> bool:
        """A job was seen waiting; return whether the line still speaks for it.

        It does not if a later job has overtaken it: then its turn can't be told from the others'.
        """
        job.started_at = None
        self._step = 1
        position = job.position
        if position < self._cut or (position < self._top and self._top_start < now):
            self._overtaken = self._overtaken * _FADE + 1.0
            self.leave(job)
            return False
        if position <= self.low:
            # It was believed to have started: the slot that came free was not for us.
            self.low, self.high, self.waiting_at = position - 1, position, now
        elif position <= self.high:
            self.high, self.waiting_at = position, now
        return True

    def serve(self, earliest: float, latest: float) -> Watched | None:
        """A slot came free between two times: return the job that has started then, if one has.

        None has if the head was seen waiting later than that. While it isn't known who is the head,
        the slot is kept for `serve_kept`.
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

    def serve_kept(self) -> list[Watched]:
        """The jobs that have started in slots that came free while the head was not known."""
        if self.is_open or not self._freed:
            return []
        freed, self._freed = self._freed, []
        served = [self.serve(earliest, latest) for earliest, latest in sorted(freed)]
        return [job for job in served if job is not None]

    def leave(self, job: Watched) -> None:
        """A job is no longer watched, or no longer spoken for by the line."""
        position, job.position = job.position, -1
        if position >= self._cut:
            self._jobs[position - self._cut] = _NOBODY
        if position == self.low + 1:
            self._advance(position, self.low_start)

    def _advance(self, position: int, at: float) -> None:
        """The started part now ends at a position, whose job started at a time."""
        self.low_start = max(self.low_start, at)
        # It reaches over whoever stands there without waiting.
        low = position
        while low + 1 < self._end and not self._jobs[low + 1 - self._cut].is_waiting:
            low += 1
        self.low = low
        self.high = max(self.high, low + 1)
        # Cut in halves, so that each job is moved once on average.
        served = low + 1 - self._cut
        if self._untold:
            served = min(served, self._untold[0][0] - self._cut)
        if served > _CUT and served > len(self._jobs) // 2:
            del self._jobs[:served]
            self._cut += served
