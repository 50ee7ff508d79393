"""What has changed since one last looked: changes of jobs, each told once, in the order of time.

A feed holds, for each job it follows that hasn't ended, how far it has told of it, and a heap of
the changes that are known to come. So looking costs what there is to tell, not what there is.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

from mockserver._world.jobs import Place
from mockserver._world.truth import JobChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mockserver._world.jobs import Job


class ChangeFeed:
    """The changes of the jobs of a world that haven't been taken yet; see `World.follow`.

    Args:
        jobs: All jobs, by index; grows with the world.
        advance: Brings the world forward to a time.
        next_start: Tells before when no waiting job gets its slot.
        all_jobs: Whether to follow all jobs, or those with a callback.

    Attributes:
        on_news: Called whenever `next_at` may have become earlier, for who sleeps until then.
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
        # The time of each such job's next change. An entry is out of date if that isn't the time
        # of the change that comes next now; it is passed over.
        self._heap: list[tuple[float, int]] = []
        self._waiting: set[int] = set()
        self.on_news: Callable[[], object] | None = None

    def take(self, t: float) -> list[JobChange]:
        """All changes up to and including `t` that haven't been taken, in the order of time.

        Changes at the same instant come in the order in which their jobs were added.

        Args:
            t: In seconds since the world's start.
        """
        return [
            JobChange(job.times[position], job.job_id, job.statuses[position])
            for job, position in self.steps(t)
        ]

    def steps(self, t: float) -> Iterator[tuple[Job, int]]:
        """As `take`, but each change as the job and the place of the status on its track."""
        self._advance(t)
        self._taken_until = max(self._taken_until, t)
        while self._next_known() <= t and self._heap:
            _, index = heapq.heappop(self._heap)
            job, position = self._jobs[index], self._taken[index]
            self.follow(job, position + 1)
            yield job, position

    def next_at(self) -> float:
        """No change will be there before; infinite if none is in sight.

        In seconds since the world's start. Something done to a job by hand can bring one earlier.
        """
        known = self._next_known()
        return min(known, self._next_start()) if self._waiting else known

    def note(self, job: Job) -> None:
        """Take note that what is to come of a job has changed, or that it is new."""
        if self._all_jobs or job.callback:
            self.follow(job, self._taken.get(job.index, 0))
            self._tell()

    def stir(self) -> None:
        """Take note that a slot may be free earlier than was in sight."""
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
        """Go on from `at`, the world having been set back to it.

        What was taken of the time up to `at` is not told again; what comes after it is.
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
        """The time of the next change that is on a track."""
        while self._heap:
            at, index = self._heap[0]
            taken, times = self._taken.get(index), self._jobs[index].times
            if taken is not None and taken < len(times) and times[taken] == at:
                return at
            heapq.heappop(self._heap)
        return math.inf


class Feeds:
    """The feeds of one world, which it keeps up to date.

    Args:
        jobs: All jobs, by index; grows with the world.
        advance: Brings the world forward to a time.
        next_start: Tells before when no waiting job gets its slot.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        advance: Callable[[float], None],
        next_start: Callable[[], float],
    ) -> None:
        self._jobs = jobs
        self._advance = advance
        self._next_start = next_start
        self._kept: list[ChangeFeed] = []

    def make(self, *, all_jobs: bool) -> ChangeFeed:
        """A feed that follows no job yet, and isn't kept up to date."""
        return ChangeFeed(self._jobs, self._advance, self._next_start, all_jobs=all_jobs)

    def open(self, *, all_jobs: bool) -> ChangeFeed:
        """A feed from the world's start on, which is kept up to date."""
        feed = self.make(all_jobs=all_jobs)
        for job in self._jobs:
            feed.note(job)
        self.keep(feed)
        return feed

    def keep(self, feed: ChangeFeed) -> None:
        """Keep a feed up to date from now on."""
        self._kept.append(feed)

    def forget(self, feed: ChangeFeed) -> None:
        """Don't keep a feed up to date any more; one that isn't known is no error."""
        if feed in self._kept:
            self._kept.remove(feed)

    def note(self, job: Job) -> None:
        """Take note that what is to come of a job has changed, or that it is new."""
        for feed in self._kept:
            feed.note(job)

    def note_deed(self, job: Job) -> None:
        """Take note of what was done to a job; its slot may go to one that a feed waits for."""
        for feed in self._kept:
            feed.note(job)
            feed.stir()

    def restart(self, at: float) -> None:
        """Go on from `at`, the world having been set back to it."""
        for feed in self._kept:
            feed.restart(at)
