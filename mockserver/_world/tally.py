"""How many jobs there are in each status, and what they cost.

Points are frozen when a job is added, consumed when it completes, and given back when it fails. So
the balance follows from how many points of jobs there are in each status.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mockserver._world.account import Account, Balance
from mockserver._world.scripts import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mockserver._world.feed import ChangeFeed, Feeds
    from mockserver._world.jobs import Job


class Tally:
    """How many jobs there are in each status, and what they cost, at a time that goes forward.

    Args:
        jobs: The jobs there are.
        feed: Tells of their changes; follows all jobs, and none yet.
        prices: Points of a job, by task type.
        at: The time, in seconds since the world's start.

    Attributes:
        feed: The same.
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
        """What this leaves of what the account had."""
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


class Tallies:
    """Gives the tally of any time, and keeps the one of the present.

    It is made when somebody first asks: to keep it costs something with each change.

    Args:
        jobs: All jobs, by index; grows with the world.
        feeds: The world's feeds.
        prices: Points of a job, by task type.
    """

    def __init__(self, jobs: Sequence[Job], feeds: Feeds, prices: Mapping[str, int]) -> None:
        self._jobs = jobs
        self._feeds = feeds
        self._prices = prices
        self._kept: Tally | None = None

    def at(self, t: float, now: float) -> Tally:
        """The tally at `t`, where `now` is the latest time the world was asked about."""
        kept = self._kept
        if kept is not None and kept.at <= t:
            kept.advance(t)
            return kept
        tally = Tally(self._jobs, self._feeds.make(all_jobs=True), self._prices, t)
        if kept is None and t == now:
            self._kept = tally
            self._feeds.keep(tally.feed)
        return tally

    def forget(self) -> None:
        """Begin anew, as the world was set back."""
        if self._kept is not None:
            self._feeds.forget(self._kept.feed)
            self._kept = None
