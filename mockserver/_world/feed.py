"""Changes of jobs since the last look, each reported once, in the order of time.

A feed holds, for each job it follows that hasn't ended, how many changes it has reported, and a
heap of the changes that are known to come. So the cost of a look grows with the number of changes,
not with the number of jobs.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence

from mockserver._world.jobs import Job, Place
from mockserver._world.truth import JobChange


class ChangeFeed:
    """The changes of the jobs of a world that haven't been taken yet; see `World.follow`.

    Args:
        jobs: All jobs, by index; the list grows with the world.
        advance: Brings the world forward to a time.
        next_start: Gives a time before which no waiting job gets its slot.
        all_jobs: Whether to follow all jobs, or only those with a callback.

    Attributes:
        on_news: Called whenever `next_at` may have become earlier, for a task that sleeps until
            then.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        advance: Callable[[float], None],
        next_start: Callable[[], float],
        *,
        all_jobs: bool,
    ) -> None:
        self._jobs = jobs
        self._advance = advance
        self._next_start = next_start
        self._all_jobs = all_jobs
        self._taken_until = -math.inf
        # How many changes have been taken of each job that has more to come.
        self._taken: dict[int, int] = {}
        # The time of each such job's next change. An entry with another time than that of the
        # change that comes next now is out of date, and skipped.
        self._heap: list[tuple[float, int]] = []
        self._waiting: set[int] = set()
        self.on_news: Callable[[], object] | None = None

    def take(self, t: float) -> list[JobChange]:
        """Take all changes up to and including `t` that haven't been taken, in the order of time.

        Changes at the same instant come in the order in which their jobs were added.
        """
        return [
            JobChange(job.times[position], job.job_id, job.statuses[position])
            for job, position in self.steps(t)
        ]

    def steps(self, t: float) -> Iterator[tuple[Job, int]]:
        """As `take`, but each change as the job and the position of the status on its track."""
        self._advance(t)
        self._taken_until = max(self._taken_until, t)
        while self._next_known() <= t and self._heap:
            _, index = heapq.heappop(self._heap)
            job, position = self._jobs[index], self._taken[index]
            self.follow(job, position + 1)
            yield job, position

    def next_at(self) -> float:
        """A time before which there is no change, in seconds since the world's start.

        Infinite if no change is known to come. A change made by hand can come earlier.
        """
        known = self._next_known()
        return min(known, self._next_start()) if self._waiting else known

    def note(self, job: Job) -> None:
        """Take note that the changes to come of a job are others, or that it is new."""
        if self._all_jobs or job.callback:
            self.follow(job, self._taken.get(job.index, 0))
            self._tell()

    def stir(self) -> None:
        """Take note that a slot may be free earlier than it was known to be."""
        if self._waiting:
            self._tell()

    def follow(self, job: Job, taken: int) -> None:
        """Follow a job of which `taken` changes have been taken."""
        index = job.index
        if taken < len(job.times):
            self._taken[index] = taken
            heapq.heappush(self._heap, (job.times[taken], index))
        elif job.end < math.inf:
            self._taken.pop(index, None)  # That was its terminal.
        else:
            self._taken[index] = taken
        if job.place is Place.BEFORE:
            self._waiting.add(index)
        else:
            self._waiting.discard(index)

    def restart(self, at: float) -> None:
        """Go on from `at`, to which the world has been set back.

        Changes up to `at` that have been taken aren't reported again; later ones are.
        """
        self._taken_until = min(self._taken_until, at)
        self._taken, self._heap, self._waiting = {}, [], set()
        for job in self._jobs:
            if self._all_jobs or job.callback:
                self.follow(job, job.reached(self._taken_until))
        self._tell()

    def _tell(self) -> None:
        if self.on_news is not None:
            self.on_news()

    def _next_known(self) -> float:
        """The time of the next change that is known."""
        while self._heap:
            at, index = self._heap[0]
            taken, times = self._taken.get(index), self._jobs[index].times
            if taken is not None and taken < len(times) and times[taken] == at:
                return at
            heapq.heappop(self._heap)
        return math.inf
