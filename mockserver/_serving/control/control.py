"""`Control`: every operation on a running mock."""

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
    from mockserver._world import Failure, Script, Truth, World
    from mockserver._world.account import Balance
    from mockserver._world.limit_rules import LimitLike, LimitRule


@attrs.frozen
class State:
    """A running mock at a glance.

    Attributes:
        now: The time, in seconds since the world's start.
        calendar: What the calendar says, in ISO 8601.
        is_frozen: Whether time stands still.
        time_scale: How many seconds pass in the world while one passes on the clock.
        seed: The world's seed.
        slots: How many jobs run at once; None for no limit.
        jobs: How many jobs there are in each status; statuses without jobs are left out.
        balance: The account's balance.
        requests: How many requests there were.
        answers: How many of them were answered with each status code.
        limits: The limits that are on.
        faults: The rules of the faults that are on.
        crashes: The errors inside the mock itself, each of them a bug.
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
    """Everything that can be done to a running mock, and read of it.

    All of it happens at the world's present time, and at once.

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
        """The journal: every request and its answer, in the order of time."""
        return self._service.journal

    @property
    def webhooks(self) -> Webhooks:
        """What tells the callbacks of jobs: who receives them here, and what was delivered."""
        return self._webhooks

    @property
    def crashes(self) -> list[Exception]:
        """Errors inside the mock itself, each of them a bug."""
        return self._service.crashes

    @property
    def truth(self) -> Truth:
        """Every change that has happened until now: job id → changes, each `(at, status)`.

        `truth.changes()` gives the changes of all jobs in the order of time, and `truth.at(t)` what
        had happened by another time.
        """
        return self.world.truth(self.now)

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each status; statuses without jobs are left out."""
        return self.world.counts(self.now)

    def state(self) -> State:
        """All that can be said at a glance."""
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
        """Add `n` jobs now, as if they had been submitted, and return their ids.

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
            script: Its lifecycle; None to have it drawn.
            task_type: One of the 19.
            job_id: Its id; None to have it drawn.
            callback: The URL to be told of its end.
            priority: Where the order is by priority, the higher goes first; None for what its task
                type has.

        Raises:
            ValueError: There is no such task type, or there is such a job already.
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
        """Put a job into a status; what was to come of it doesn't.

        A terminal ends it. In any other status it stays until something else is done to it.

        Args:
            job_id: The job.
            status: Any word.
            failure: Why it failed, where the status is `failed`.

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
        """Move a job on: it leaves its present status, held or not, and goes on from there.

        Raises:
            KeyError: There is no such job.
            ValueError: It has ended, or nothing follows.
        """
        self.world.release(job_id, self.now)

    # Limits and faults

    @property
    def limits(self) -> tuple[LimitRule, ...]:
        """The limits that are on."""
        return self._service.limits.rules

    def set_limit(self, limit: LimitLike) -> None:
        """Put another limit, others, or none, in the place of those that are on.

        Requests that are under way end where they were admitted.

        Args:
            limit: As for `MockLegnext`.
        """
        self._service.limits.replace(limit)

    @property
    def faults(self) -> Faults:
        """The rules of the faults that are on: `faults.add(Status(503), every=10)`, and so on."""
        return self._service.faults

    # Time

    def freeze(self) -> None:
        """Let the world's time stand still; it then moves by `advance` alone."""
        self._service.now.freeze()

    def resume(self) -> None:
        """Let the world's time pass again, from where it stands."""
        self._service.now.resume()

    def advance(self, seconds: float) -> None:
        """Move the world's time ahead, whether it is frozen or not.

        The clock itself, and with it every client's timeouts, goes on as before.

        Args:
            seconds: How far, in the world's seconds.

        Raises:
            ValueError: Not a number of seconds, 0 or more, or farther than any calendar goes.
        """
        try:
            _ = self._service.epoch + timedelta(seconds=self.now + seconds)
        except OverflowError:
            raise ValueError(f"no calendar goes as far as {seconds} s from now") from None
        self._service.now.advance(seconds)

    # Snapshots

    def snapshot(self) -> Snapshot:
        """The mock as it is: jobs, time, limits, faults, and the journal."""
        return Snapshot.of(self._service, self._parts)

    def restore(self, snapshot: Snapshot) -> None:
        """Make the mock what it was when the snapshot was taken, time and journal included.

        It goes on from there, and as it did then if the same is done to it.

        Args:
            snapshot: Of this mock, or of one made with the same settings.

        Raises:
            ValueError: It is of a mock of another seed.
        """
        snapshot.restore(self._service, self._parts)

    def mark_start(self) -> None:
        """From now on, `reset` leads back to here rather than to where the mock was made."""
        self._start = self.snapshot()

    def reset(self) -> None:
        """Make the mock what it was at its start: when it was made, or at `mark_start`."""
        self.restore(self._start)
