"""The simulated account: jobs, slots and limits, as functions of time.

A world knows no clock: time is an argument, in seconds since its start. What a job is at a time
depends on the seed, on what was added and when, and on nothing else: not on who asks, how often, or
in which order. It can be asked about any time; but nothing can be added before the latest time
that has been asked about, as this would change what has been told.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs

from mockserver.world.durations import TYPICAL, Run, RunTimes, Start
from mockserver.world.limits import Limit, Unlimited
from mockserver.world.randomness import Draws, Randomness
from mockserver.world.scripts import FAILURES, TERMINAL, Failure, Script
from mockserver.world.slots import Order, Queue
from mockserver.world.tasks import TaskType, task_named
from mockserver.world.truth import Change, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

PENDING_SECONDS = 0.5
"""How long a job is pending, at the least, before it takes a slot, in seconds."""
STAGED_SECONDS = 0.5
"""How long a job is staged before it is processed, in seconds.

Together with `PENDING_SECONDS` it is the second that the service takes from creating a job to
starting it when a slot is free.
"""

_WAITING = ("pending",)
_TO_COMPLETED = ("pending", "staged", "processing", "completed")
_TO_FAILED = ("pending", "staged", "processing", "failed")


@attrs.frozen
class JobView:
    """A job as it is at one time.

    Attributes:
        job_id: The job.
        task: Its task type.
        status: Its status.
        created_at: When it was added, in seconds since the world's start.
        started_at: When its processing began, or None before.
        ended_at: When it reached its terminal, or None before.
        failure: Why it failed, or None while it hasn't.
        callback: The URL to be told of its end; empty for none.
        draws: Its random numbers.
    """

    job_id: str
    task: TaskType
    status: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    failure: Failure | None
    callback: str
    draws: Draws


@attrs.define(eq=False)
class _Job:
    """A job's record; `times[i]` is when it reaches `statuses[i]`."""

    job_id: str
    index: int
    task: TaskType
    script: Script | None
    callback: str
    times: tuple[float, ...]
    statuses: tuple[str, ...]
    failure: Failure | None = None


class World:
    """The simulated account.

    Args:
        seed: Worlds with the same seed, to which the same is done, are the same.
        slots: How many jobs run at once; None for no limit.
        order: Which waiting job gets a free slot: `"fifo"` or `"random"`.
        run_times: How long jobs run; by default within the published range of their task type.
        failure_share: The share of jobs that fail, from 0 to 1.
        limit: How many requests are admitted; None for all of them.

    Attributes:
        seed: The seed.
        randomness: All its random numbers.
        limit: The limit, in this world's own state.
        now: The latest time that has been asked about, in seconds since the world's start.

    Raises:
        ValueError: A setting out of its range.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        slots: int | None = 12,
        order: Order = "fifo",
        run_times: RunTimes = TYPICAL,
        failure_share: float = 0.0,
        limit: Limit | None = None,
    ) -> None:
        if not 0 <= failure_share <= 1:
            raise ValueError(f"failure_share must be from 0 to 1, not {failure_share}")
        self.seed: int = seed
        self.randomness: Randomness = Randomness(seed)
        self.limit: Limit = Unlimited() if limit is None else limit.fresh()
        self.now: float = 0.0
        self._run_times = run_times
        self._failure_share = failure_share
        self._jobs: list[_Job] = []
        self._by_id: dict[str, _Job] = {}
        self._queue = Queue(slots, order, self.randomness, self._take_slot)

    def __len__(self) -> int:
        """How many jobs there are."""
        return len(self._jobs)

    def __contains__(self, job_id: object) -> bool:
        """Whether there is a job of this id."""
        return job_id in self._by_id

    def job_ids(self) -> Iterator[str]:
        """The ids of all jobs, in the order in which they were added."""
        return iter(self._by_id)

    # Adding

    def add_jobs(self, n: int, task_type: str = "diffusion", *, at: float) -> list[str]:
        """Add `n` jobs at the time `at`, and return their ids.

        Raises:
            ValueError: As `add_job` does.
        """
        return [self.add_job(task_type, at=at) for _ in range(n)]

    def add_job(
        self,
        task_type: str = "diffusion",
        *,
        at: float,
        script: Script | None = None,
        job_id: str | None = None,
        callback: str = "",
    ) -> str:
        """Add a job, and return its id.

        Args:
            task_type: One of the 19, e.g. `"diffusion"`.
            at: When, in seconds since the world's start.
            script: Its lifecycle; None to have it drawn.
            job_id: Its id; None to have it drawn.
            callback: The URL to be told of its end.

        Raises:
            ValueError: No such task type, an id that is taken, or a time before the latest that
                has been asked about.
        """
        task = task_named(task_type)
        if at < self.now:
            raise ValueError(f"can't add a job at {at} s: the world has been seen at {self.now} s")
        index = len(self._jobs)
        if job_id is None:
            job_id = self.randomness.job_id(index)
        if job_id in self._by_id:
            raise ValueError(f"there is a job {job_id!r} already")
        job = _Job(job_id, index, task, script, callback, (at,), _WAITING)
        self._jobs.append(job)
        self._by_id[job_id] = job
        if script is None:
            self._queue.join(index, at + PENDING_SECONDS)
        elif script.takes_slot:
            first = script.steps[0]
            if first.status == "pending" and first.seconds == math.inf:
                return job_id  # Held before the queue: it never comes to take a slot.
            self._queue.join(index, at + (first.seconds if first.status == "pending" else 0.0))
        else:
            self._play(job, script, at)
        return job_id

    def _take_slot(self, index: int, at: float) -> float:
        """Let a job's life begin that has waited for its slot, and return when the slot is free."""
        job = self._jobs[index]
        if job.script is not None:
            return self._play_from_slot(job, job.script, at)
        started_at = at + STAGED_SECONDS
        draws = self.randomness.of(job.job_id)
        run = self._run_times(Start(job.job_id, index, job.task.name, started_at, draws))
        if not isinstance(run, Run):
            run = self._decide_failure(Run(run), draws)
        job.failure = run.failure
        job.statuses = _TO_COMPLETED if run.failure is None else _TO_FAILED
        job.times = (job.times[0], at, started_at, started_at + run.seconds)
        return job.times[-1]

    def _decide_failure(self, run: Run, draws: Draws) -> Run:
        if draws.uniform("fails") >= self._failure_share:
            return run
        failure = FAILURES[int(draws.uniform("fails of") * len(FAILURES))]
        return Run(run.seconds * draws.uniform("fails after"), failure)

    def _play_from_slot(self, job: _Job, script: Script, at: float) -> float:
        steps = script.steps[1:] if script.steps[0].status == "pending" else script.steps
        created_at = job.times[0]
        self._play(job, Script(steps, failure=script.failure), at)
        job.statuses = (*_WAITING, *job.statuses)
        job.times = (created_at, *job.times)
        return job.times[-1] if script.is_terminal else math.inf

    @staticmethod
    def _play(job: _Job, script: Script, at: float) -> None:
        times = [at]
        for step in script.steps[:-1]:
            times.append(times[-1] + step.seconds)
        job.times = tuple(times)
        job.statuses = tuple(step.status for step in script.steps)
        if job.statuses[-1] == "failed":
            job.failure = script.failure

    # Asking

    def advance(self, t: float) -> None:
        """Let time pass until `t`, in seconds since the world's start; never back."""
        if t >= self.now:
            self._queue.advance(t)
            self.now = t

    def _at(self, job_id: str, t: float) -> tuple[_Job, int]:
        """The job, and how many statuses it has reached by `t`."""
        self.advance(t)
        job = self._by_id[job_id]
        return job, bisect_right(job.times, t)

    def status(self, job_id: str, t: float) -> str | None:
        """The status of a job at `t`, or None before it was added.

        Raises:
            KeyError: There is no such job.
        """
        job, reached = self._at(job_id, t)
        return job.statuses[reached - 1] if reached else None

    def changes(self, job_id: str, t: float) -> tuple[Change, ...]:
        """The changes of a job that have happened by `t`, in the order of time.

        Raises:
            KeyError: There is no such job.
        """
        job, reached = self._at(job_id, t)
        return tuple(map(Change, job.times[:reached], job.statuses))

    def started_at(self, job_id: str, t: float | None = None) -> float | None:
        """When a job began to be processed, if that was by `t` (by default `now`), else None.

        Raises:
            KeyError: There is no such job.
        """
        return self._started_at(*self._at(job_id, self.now if t is None else t))

    def ended_at(self, job_id: str, t: float | None = None) -> float | None:
        """When a job reached its terminal, if that was by `t` (by default `now`), else None.

        Raises:
            KeyError: There is no such job.
        """
        return self._ended_at(*self._at(job_id, self.now if t is None else t))

    @staticmethod
    def _started_at(job: _Job, reached: int) -> float | None:
        for at, status in zip(job.times[:reached], job.statuses, strict=False):
            if status == "processing":
                return at
        return None

    @staticmethod
    def _ended_at(job: _Job, reached: int) -> float | None:
        if reached and job.statuses[reached - 1] in TERMINAL:
            return job.times[reached - 1]
        return None

    def job(self, job_id: str, t: float) -> JobView:
        """A job as it is at `t`.

        Raises:
            KeyError: There is no such job.
            ValueError: It was added after `t`.
        """
        job, reached = self._at(job_id, t)
        if not reached:
            raise ValueError(f"job {job_id!r} was added at {job.times[0]} s, after {t} s")
        status = job.statuses[reached - 1]
        return JobView(
            job_id=job_id,
            task=job.task,
            status=status,
            created_at=job.times[0],
            started_at=self._started_at(job, reached),
            ended_at=self._ended_at(job, reached),
            failure=job.failure if status == "failed" else None,
            callback=job.callback,
            draws=self.randomness.of(job_id),
        )

    def truth(self, until: float) -> Truth:
        """Every change that has happened by `until`, in seconds since the world's start."""
        self.advance(until)
        return Truth(self, until)
