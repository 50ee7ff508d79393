"""How many jobs there are in each status, and what they cost.

Points are frozen when a job is added, consumed when it completes, and given back when it fails. So
the balance follows from the points of the jobs in each status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mockserver._world.account import Account, Balance
from mockserver._world.feed import ChangeFeed
from mockserver._world.jobs import Job
from mockserver._world.scripts import TERMINAL


class Tally:
    """How many jobs there are in each status, and what they cost, at a time that goes forward.

    `feed` reports their changes, and follows no job yet; `prices` are points by task type.

    Attributes:
        jobs: Jobs by status.
        points: Points of jobs by status.
        at: The time to which they are counted, in seconds since the world's start.
    """

    def __init__(
        self, jobs: Sequence[Job], feed: ChangeFeed, prices: Mapping[str, int], at: float
    ) -> None:
        self.jobs: Counter[str] = Counter()
        self.points: Counter[str] = Counter()
        self.at: float = at
        self.feed: ChangeFeed = feed
        self._prices = prices
        for job in jobs:
            reached = job.reached(at)
            if reached:
                self._count(job, reached - 1, 1)
            feed.follow(job, reached)

    def advance(self, t: float) -> None:
        """Count what has changed until `t`."""
        for job, position in self.feed.steps(t):
            if position:
                self._count(job, position - 1, -1)
            self._count(job, position, 1)
        self.at = t

    def _count(self, job: Job, position: int, number: int) -> None:
        status = job.statuses[position]
        self.jobs[status] += number
        self.points[status] += number * self._prices[job.task.name]

    @property
    def unfinished(self) -> int:
        """How many jobs haven't ended."""
        return self.jobs.total() - sum(self.jobs[status] for status in TERMINAL)

    def balance(self, account: Account) -> Balance:
        """The balance that is left of the account."""
        consumed, refunded = self.points["completed"], self.points["failed"]
        frozen = self.points.total() - consumed - refunded
        spent = frozen + consumed
        from_credits = max(0, spent - account.points)
        return Balance(
            available_points=max(0, account.points - spent),
            available_credits=max(0, account.credits - from_credits),
            frozen=frozen,
            consumed=consumed,
            refunded=refunded,
        )
