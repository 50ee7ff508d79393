"""When to poll a job: when the undetected news of its end is expected to be worth a request.

A job is polled when the time that the news of its end has been lying undetected is, in expectation,
as long as the price of a request (`Pacing.poll_cost`). This is the classical inspection rule (Barlow,
Hunter and Proschan, "Optimum checking procedures", J. SIAM 11, 1963), applied to run times that are
learned; see `curve` for the mathematics.

A job that waits outside the queue order is treated as if it might have started right after it was
last seen. A job whose end a callback will probably report is polled for the chance that it won't.
"""

from __future__ import annotations

import math
from typing import Final

from legnext_stream._core.model.tasks import find_task_type
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.callbacks import Callbacks
from legnext_stream._core.schedule.durations import OTHER, Durations
from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.watched import Watched

# Of task types that this version doesn't know: how many are told apart, and how long their names are.
_MOST_TYPES: Final = 64
_LONGEST_TYPE: Final = 64
# How long ago a job may have started of which only is known that it has, in seconds.
_LONG_AGO: Final = 3600.0
# The assumed chance that a job waiting outside the queue order started right after it was seen. It
# balances the requests spent on waiting jobs against the delay of those that start.
_CHANCE: Final = 0.1


class PriceRule:
    """Says when to poll each job of a watch. Times are in seconds on our clock.

    A running job is polled `timeout` seconds after its start at the latest.
    """

    def __init__(self, pacing: Pacing, durations: Durations, timeout: float) -> None:
        self._pacing = pacing
        self._durations = durations
        self._timeout = timeout
        self.callbacks: Callbacks | None = None  # None if none are expected
        # The names of the jobs' task types. Each is kept once, however many jobs have it.
        self._types: dict[str, str] = {}

    # -- What is expected of a job

    def note_task_type(self, job: Watched, word: object) -> None:
        """Take in a job's task type, as the API gave it."""
        if job.task_type is not None or not isinstance(word, str):
            return
        name = self._types.get(word)
        if name is None:
            known = find_task_type(word)
            name = word[:_LONGEST_TYPE] if known is None else known.value
            if not name:
                return
            # Answers can't make us keep any number of names; what is beyond counts as unknown.
            if known is not None or len(self._types) < _MOST_TYPES:
                name = self._types.setdefault(name, name)
            else:
                name = OTHER
        job.task_type = name

    def run_times(self, job: Watched) -> RunTimes:
        """The run times that this job's is expected to be like."""
        if job.task_type is not None:
            return self._durations.of(job.task_type)
        return self.usual

    @property
    def usual(self) -> RunTimes:
        """The run times that are expected of a job whose type isn't known."""
        if len(self._types) == 1:
            return self._durations.of(next(iter(self._types)))
        return self._durations.together

    def learners(self, runs: RunTimes) -> tuple[RunTimes, ...]:
        """What learns from a job that has these run times."""
        together = self._durations.together
        return (runs,) if runs is together else (runs, together)

    def survived_waiting(self, job: Watched, since: float, until: float) -> None:
        """Learn that a job was seen at `since`, and waited until `until` without failing."""
        for learner in self.learners(self.run_times(job)):
            learner.in_queue.survived(since - job.joined_at, until - job.joined_at)

    def failed_waiting(self, job: Watched, at: float) -> None:
        """Learn that a job failed before it had started, at this time or later."""
        since = job.looked_at - job.joined_at
        for learner in self.learners(self.run_times(job)):
            learner.in_queue.failed(since, max(at - job.joined_at, since))

    def doubt(self, now: float) -> float:
        """The chance that no callback will report the end of a job."""
        return 1.0 if self.callbacks is None else self.callbacks.doubt(now)

    def undetected(self, now: float, job: Watched) -> float:
        """How long the news of a job's end is expected to have been lying undetected, in seconds."""
        curve, doubt = self.run_times(job).curve, self.doubt(now)
        if job.is_waiting:
            since, age = job.looked_at - job.joined_at, now - job.joined_at
            return doubt * self.run_times(job).in_queue.undetected(since, age)
        if job.started_at is None:
            return _CHANCE * curve.expected_undetected(0.0, now - job.looked_at, doubt)
        started_at = job.started_at
        if not job.is_confirmed:
            # It may have started at any time, and have ended before the watch began.
            started_at = max(started_at, job.looked_at - _LONG_AGO)
        return curve.expected_undetected(job.counted, now - started_at, doubt)

    # -- When to poll it

    def next_poll(self, now: float, job: Watched, age: float, deadline: float) -> float:
        """When to poll a job that was seen running at this age, and by `deadline` at the latest."""
        wait = self.run_times(job).wait(age, self._pacing.poll_cost, self.doubt(now))
        return self.bounded(now, wait, deadline)

    def first_poll(self, now: float, job: Watched) -> float:
        """When to poll a job for the first time that is inferred to have started."""
        started_at = job.started_at
        if started_at is None or started_at == -math.inf:
            return now
        doubt = self.doubt(now)
        wait = self.run_times(job).first_wait(self._pacing.poll_cost, job.position, doubt)
        return max(now, started_at + min(wait, self._pacing.max_interval))

    def revised(self, now: float, job: Watched) -> float:
        """When to poll a job that has a time already, by what has been learned since it got it."""
        started_at = job.started_at
        if started_at is None or job.failures or job.missing_since is not None:
            return job.due
        if not job.is_confirmed:
            return self.first_poll(now, job)
        wait = self.run_times(job).wait(job.counted, self._pacing.poll_cost, self.doubt(now))
        return self.bounded(job.looked_at, wait, started_at + self._timeout)

    def look(self, now: float, job: Watched) -> float:
        """When to poll a job in the queue order, which might have failed while it waits."""
        price = self._pacing.poll_cost / self.doubt(now)
        since = job.looked_at - job.joined_at
        return job.joined_at + self.run_times(job).in_queue.look(since, price)

    def patience(self, now: float, job: Watched) -> float:
        """How long after it was seen waiting a job outside the queue order is polled, in seconds."""
        price = self._pacing.poll_cost / _CHANCE
        return self.run_times(job).wait_from_start(price, self.doubt(now))

    def bounded(self, looked_at: float, wait: float, deadline: float) -> float:
        """The time a wait after a look, within the shortest and the longest interval."""
        pacing = self._pacing
        due = looked_at + (wait if wait < pacing.max_interval else pacing.max_interval)
        if due > deadline:
            due = deadline
        least = looked_at + pacing.min_interval
        return due if due > least else least

    def rested(self, job: Watched) -> float:
        """When a job may be polled again at the earliest."""
        return job.polled_at + self._pacing.min_interval
