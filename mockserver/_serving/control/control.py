"""`Control`: the methods that read and change a running mock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from mockserver._serving.control.snapshots import Snapshot

if TYPE_CHECKING:
    from mockserver._faults.rules import Faults, Rule
    from mockserver._serving.control.snapshots import Part
    from mockserver._serving.journal import Journal
    from mockserver._serving.service import Service
    from mockserver._serving.webhooks import Webhooks
    from mockserver._world.account import Balance
    from mockserver._world.limit_rules import LimitLike, LimitRule
    from mockserver._world.scripts import Failure, Script
    from mockserver._world.truth import Truth
    from mockserver._world.world import World


@attrs.frozen
class State:
    """A running mock at a glance.

    Attributes:
        now: The time, in seconds since the world's start.
        calendar: The calendar time, in ISO 8601.
        is_frozen: Whether time stands still.
        time_scale: How many seconds pass in the world while one passes on the clock.
        seed: The world's seed.
        slots: The most jobs that run at once; None for no limit.
        jobs: The number of jobs in each status that any job has.
        balance: The account's balance.
        requests: The number of requests so far.
        answers: The number of answers with each status code.
        limits: The present limits.
        faults: The present rules for faults.
        crashes: The errors in the mock itself, each of them a bug.
    """

    now: float
    calendar: str
    is_frozen: bool
    time_scale: float
    seed: int
    slots: int | None
    jobs: Mapping[str, int]
    balance: Balance
    requests: int
    answers: Mapping[int, int]
    limits: tuple[LimitRule, ...]
    faults: tuple[Rule, ...]
    crashes: tuple[str, ...]


class Control:
    """The methods that read and change a running mock.

    All of them act immediately, at the world's present time.

    Args:
        service: The mock.
        webhooks: Its webhooks.
    """

    def __init__(self, service: Service, webhooks: Webhooks) -> None:
        self._service = service
        self._webhooks = webhooks
        self._parts: list[Part] = [service.limits, service.faults, service.journal, webhooks]
        if service.latency is not None:
            self._parts.append(service.latency)
        self._start = self.snapshot()

    # Reading

    @property
    def world(self) -> World:
        """The simulated account."""
        return self._service.world

    @property
    def now(self) -> float:
        """The seconds since the world's start."""
        return self._service.now()

    @property
    def is_frozen(self) -> bool:
        """Whether the world's time stands still."""
        return self._service.now.is_frozen

    @property
    def requests(self) -> Journal:
        """The journal: all requests and their answers, in the order of time."""
        return self._service.journal

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks: their receivers in this process, and what was delivered."""
        return self._webhooks

    @property
    def crashes(self) -> list[Exception]:
        """The errors in the mock itself, each of them a bug."""
        return self._service.crashes

    @property
    def truth(self) -> Truth:
        """All changes until now: job id → changes, each `(at, status)`.

        `truth.changes()` gives the changes of all jobs in the order of time, and `truth.at(t)` the
        changes until another time.
        """
        return self.world.truth(self.now)

    def counts(self) -> dict[str, int]:
        """The number of jobs in each status that any job has."""
        return self.world.counts(self.now)

    def state(self) -> State:
        """Everything at a glance."""
        service, now = self._service, self.now
        return State(
            now=now,
            calendar=(service.epoch + timedelta(seconds=now)).isoformat(),
            is_frozen=self.is_frozen,
            time_scale=service.now.time_scale,
            seed=self.world.seed,
            slots=self.world.slots,
            jobs=self.world.counts(now),
            balance=self.world.balance(now),
            requests=self.requests.answers.total(),
            answers=dict(self.requests.answers),
            limits=service.limits.rules,
            faults=service.faults.rules,
            crashes=tuple(map(repr, self.crashes)),
        )

    # Jobs

    def add_jobs(self, n: int, task_type: str = "diffusion") -> list[str]:
        """Add `n` jobs now, as if a client had submitted them, and return their ids.

        Raises:
            ValueError: There is no such task type.
        """
        return self.world.add_jobs(n, task_type, at=self.now)

    def add_job(
        self,
        script: Script | None = None,
        task_type: str = "diffusion",
        job_id: str | None = None,
        *,
        callback: str = "",
        priority: int | None = None,
    ) -> str:
        """Add a job now, and return its id.

        Args:
            script: Its lifecycle; None to draw it.
            task_type: The name of the task type.
            job_id: Its id; None to draw it.
            callback: The URL to report its end to.
            priority: If the order is by priority, jobs with a higher one go first; None for the
                priority of its task type.

        Raises:
            ValueError: There is no such task type, or a job with this id exists.
        """
        return self.world.add_job(
            task_type,
            at=self.now,
            script=script,
            job_id=job_id,
            callback=callback,
            priority=priority,
        )

    def set_status(self, job_id: str, status: str, failure: Failure | None = None) -> None:
        """Put a job into a status, in place of the rest of its lifecycle.

        A terminal status ends it. In any other status it stays until another call changes it.

        Args:
            job_id: The job.
            status: Any word.
            failure: Why it failed, if the status is `failed`.

        Raises:
            KeyError: There is no such job.
            ValueError: It has ended, or the status is empty.
        """
        self.world.set_status(job_id, status, self.now, failure)

    def hold(self, job_id: str) -> None:
        """Keep a job in its present status until it is released.

        Raises:
            KeyError: There is no such job.
            ValueError: It has ended.
        """
        self.world.hold(job_id, self.now)

    def release(self, job_id: str) -> None:
        """Move a job on to its next status, whether or not it is held.

        Raises:
            KeyError: There is no such job.
            ValueError: It has ended, or no status follows.
        """
        self.world.release(job_id, self.now)

    # Limits and faults

    @property
    def limits(self) -> tuple[LimitRule, ...]:
        """The present limits."""
        return self._service.limits.rules

    def set_limit(self, limit: LimitLike) -> None:
        """Replace the limits, by one, several or none.

        Requests in progress finish under the limits that admitted them.

        Args:
            limit: As for `MockLegnext`.
        """
        self._service.limits.replace(limit)

    @property
    def faults(self) -> Faults:
        """The rules for faults: `faults.add(Status(503), every=10)`, and so on."""
        return self._service.faults

    # Time

    def freeze(self) -> None:
        """Stop the world's time; only `advance` then changes it."""
        self._service.now.freeze()

    def resume(self) -> None:
        """Let the world's time pass again, from its present value."""
        self._service.now.resume()

    def advance(self, seconds: float) -> None:
        """Move the world's time ahead, whether it is frozen or not.

        This doesn't affect the clock itself, nor the timeouts of clients.

        Args:
            seconds: How far, in the world's seconds.

        Raises:
            ValueError: `seconds` is negative, or beyond the range of dates.
        """
        try:
            _ = self._service.epoch + timedelta(seconds=self.now + seconds)
        except OverflowError:
            raise ValueError(f"no calendar goes as far as {seconds} s from now") from None
        self._service.now.advance(seconds)

    # Snapshots

    def snapshot(self) -> Snapshot:
        """The state of the mock: jobs, time, limits, faults, webhooks and the journal."""
        return Snapshot.of(self._service, self._parts)

    def restore(self, snapshot: Snapshot) -> None:
        """Return to the state of a snapshot, including time and journal.

        If the same is done afterwards, the same happens.

        Args:
            snapshot: A snapshot of this mock, or of one with the same settings.

        Raises:
            ValueError: The snapshot is of a mock with another seed.
        """
        snapshot.restore(self._service, self._parts)

    def mark_start(self) -> None:
        """Make the present state the one to which `reset` returns."""
        self._start = self.snapshot()

    def reset(self) -> None:
        """Return to the state when the mock was made, or at the last `mark_start`."""
        self.restore(self._start)
