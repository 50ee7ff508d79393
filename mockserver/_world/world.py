"""The simulated account: jobs, slots and costs, as functions of time.

A world has no clock: time is an argument, in seconds since its start. The state of a job at a time
depends on the seed and on the changes made to the world, and on nothing else: not on which
questions are asked, how often or in which order (except for jobs whose script counts polls).
Questions can be about any time. Changes can't be made before the latest time of a question, for
they would make an earlier answer wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from mockserver._world import hand
from mockserver._world.account import Account, Balance
from mockserver._world.durations import TYPICAL, RunTimes
from mockserver._world.failures import Failures
from mockserver._world.feed import ChangeFeed
from mockserver._world.jobs import Job, JobView, Place
from mockserver._world.lives import Lives
from mockserver._world.presets import Preset
from mockserver._world.randomness import Randomness
from mockserver._world.scripts import Failure, Script
from mockserver._world.slots import Order, Queue, WhenFull, read_slots
from mockserver._world.snapshots import WorldSnapshot
from mockserver._world.tally import Tally
from mockserver._world.tasks import TASKS, task_named
from mockserver._world.truth import Change, Truth


class World:
    """The simulated account.

    Args:
        seed: Worlds with the same seed and the same changes are the same.
        slots: How many jobs run at once; None for no limit. Or both this and `when_full` in one
            word: `"queue@6"`, `"reject@6"`.
        order: Which waiting job gets a free slot: `"fifo"`, `"random"` or `"priority"`.
        when_full: Whether the account accepts jobs when it has as many unfinished ones as slots
            (`"queue"`) or not (`"reject"`); see `is_full`.
        run_times: How long jobs run; by default within the published range of their task type. A
            `Preset` or its name also sets how long they wait and how often they fail.
        failure_share: The share of jobs that fail, from 0 to 1, for any reason; None for the
            preset's failures, and for none without a preset.
        failures: How often jobs fail, by mode; instead of `failure_share`.
        priorities: The priority of jobs by task type, for the order `"priority"`: the higher goes
            first; 0 by default.
        account: The account's credit, and the prices of jobs.

    Attributes:
        seed: The seed.
        slots: How many jobs run at once; None for no limit.
        when_full: What happens to a submit when the slots are full.
        account: The credit at the start, and the prices.
        randomness: All random numbers of the world.
        now: The latest time of a question or change, in seconds since the world's start.

    Raises:
        ValueError: A setting is out of its range.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        slots: int | str | None = 12,
        order: Order = "fifo",
        when_full: WhenFull = "queue",
        run_times: RunTimes | Preset | str = TYPICAL,
        failure_share: float | None = None,
        failures: Failures | None = None,
        priorities: Mapping[str, int] | None = None,
        account: Account | None = None,
    ) -> None:
        self.seed: int = seed
        self.slots: int | None
        self.when_full: WhenFull
        self.slots, self.when_full = read_slots(slots, when_full)
        self.account: Account = Account() if account is None else account
        self.randomness: Randomness = Randomness(seed)
        self.now: float = 0.0
        self._lives = Lives(self.randomness, run_times, failure_share, failures)
        self._priorities = {task_named(name).name: n for name, n in (priorities or {}).items()}
        self._prices = {name: self.account.price(task) for name, task in TASKS.items()}
        self._jobs: list[Job] = []
        self._by_id: dict[str, Job] = {}
        self._queue = Queue(self.slots, order, self.randomness, self._take_slot, self._priority_of)
        self._feeds: list[ChangeFeed] = []
        # Made at the first question about numbers: keeping it costs something at each change.
        self._tally: Tally | None = None

    def __len__(self) -> int:
        """How many jobs there are."""
        return len(self._jobs)

    def __contains__(self, job_id: object) -> bool:
        """Whether there is a job with this id."""
        return job_id in self._by_id

    def job_ids(self) -> Iterator[str]:
        """The ids of all jobs, in the order in which they were added."""
        return iter(self._by_id)

    def latest_job_ids(self) -> Iterator[str]:
        """The ids of all jobs, in the reverse of that order."""
        return reversed(self._by_id)

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
        priority: int | None = None,
        params: Mapping[str, object] | None = None,
    ) -> str:
        """Add a job, and return its id.

        Args:
            task_type: A task type, e.g. `"diffusion"`.
            at: When, in seconds since the world's start.
            script: Its lifecycle; None for a random one.
            job_id: Its id; None for a random one.
            callback: The URL that is notified of its end.
            priority: If the order is by priority, the higher goes first; None for the world's
                priority of its task type.
            params: The parameters of its submit, if they are to be kept.

        Raises:
            ValueError: No such task type, an id that is taken, or a time before `now`.
        """
        task = task_named(task_type)
        if at < self.now:
            raise ValueError(f"can't add a job at {at} s: the world has been seen at {self.now} s")
        index = len(self._jobs)
        if job_id is None:
            job_id = self.randomness.job_id(index)
        if job_id in self._by_id:
            raise ValueError(f"there is a job {job_id!r} already")
        if priority is None:
            priority = self._priorities.get(task_type, 0)
        job = Job(job_id, index, task, script, (at,), callback, priority, params)
        self._jobs.append(job)
        self._by_id[job_id] = job
        if script is None:
            self._lives.begin(job, at)
        else:
            job.begin(script, at)
        if job.joins_at < math.inf:
            self._queue.join(index, job.joins_at)
        self._note(job)
        return job_id

    def _take_slot(self, index: int, at: float) -> float:
        """Begin the life of a job that gets its slot, and return when the slot is free again."""
        job = self._jobs[index]
        job.place, job.joins_at = Place.WITHIN, math.inf
        if job.script is None:
            self._lives.run(job, at)
        else:
            job.lay(job.ahead, at)
        self._note(job)
        return job.end

    def _priority_of(self, index: int) -> int:
        return self._jobs[index].priority

    def _note(self, job: Job, *, by_hand: bool = False) -> None:
        """Tell the feeds that a job is new, or that other changes of it are to come."""
        for feed in self._feeds:
            feed.note(job)
            if by_hand:  # Its slot may go to a job that the feed waits for.
                feed.stir()

    # Changing by hand

    def poll(self, job_id: str, t: float) -> None:
        """Take note that a status request for this job was answered at `t`.

        This matters to jobs whose script counts polls. If `t` is before `now`, the job leaves its
        status at `now`, so that earlier answers stay true.

        Raises:
            KeyError: There is no such job.
        """
        job = self._by_id[job_id]
        if not job.polls_left:
            return
        at = max(t, self.now)
        self.advance(at)
        in_line = job.place is Place.BEFORE and job.joins_at <= at
        if not in_line and job.count_poll(at):
            hand.leave(job, self._queue, at)
            self._note(job, by_hand=True)

    def release(self, job_id: str, at: float) -> None:
        """Let a job leave its present step at `at`, whether it is held or not.

        A job that waits in the queue gets a slot, even if none is free.

        Args:
            job_id: The job.
            at: In seconds since the world's start.

        Raises:
            KeyError: There is no such job.
            ValueError: The job has ended, no step follows, or the time is before `now`.
        """
        job = self._changeable(job_id, at)
        hand.leave(job, self._queue, at)
        self._note(job, by_hand=True)

    def hold(self, job_id: str, at: float) -> None:
        """Keep a job in its present status from `at` on, until it is released.

        A job that waits for a slot leaves the queue, and joins it again when it is released.

        Raises:
            KeyError: There is no such job.
            ValueError: The job has ended, or the time is before `now`.
        """
        job = self._changeable(job_id, at)
        hand.hold(job, self._queue, at)
        self._note(job, by_hand=True)

    def set_status(
        self, job_id: str, status: str, at: float, failure: Failure | None = None
    ) -> None:
        """Put a job into a status from `at` on, with nothing to follow.

        A terminal status ends it and frees its slot. In any other status it stays until the next
        change by hand; a job that waited for a slot has one from then on, unless it is `pending`.

        Args:
            job_id: The job.
            status: Any word.
            at: In seconds since the world's start.
            failure: Why it failed, if the status is `failed`.

        Raises:
            KeyError: There is no such job.
            ValueError: The job has ended, the status is empty, or the time is before `now`.
        """
        if not status:
            raise ValueError("a status must have at least one letter")
        job = self._changeable(job_id, at)
        hand.put(job, self._queue, status, at, failure)
        self._note(job, by_hand=True)

    def _changeable(self, job_id: str, at: float) -> Job:
        job = self._by_id[job_id]
        if at < self.now:
            raise ValueError(
                f"can't change a job at {at} s: the world has been seen at {self.now} s"
            )
        if at < job.times[0]:
            raise _not_yet(job, at)
        self.advance(at)
        if job.end <= at:
            raise ValueError(f"job {job_id} ended at {job.end} s, as {job.statuses[-1]}")
        return job

    # Asking

    def advance(self, t: float) -> None:
        """Let time pass until `t`, in seconds since the world's start. It never goes back."""
        if t >= self.now:
            self._queue.advance(t)
            self.now = t

    def _at(self, job_id: str, t: float) -> tuple[Job, int]:
        """The job, and how many statuses it has reached by `t`."""
        self.advance(t)
        job = self._by_id[job_id]
        return job, job.reached(t)

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
        return self.truth(t)[job_id]

    def started_at(self, job_id: str, t: float | None = None) -> float | None:
        """When a job's processing began, if that was by `t` (by default `now`), else None.

        Raises:
            KeyError: There is no such job.
        """
        job, reached = self._at(job_id, self.now if t is None else t)
        return job.started_at(reached)

    def ended_at(self, job_id: str, t: float | None = None) -> float | None:
        """When a job reached a terminal status, if that was by `t` (by default `now`), else None.

        Raises:
            KeyError: There is no such job.
        """
        job, reached = self._at(job_id, self.now if t is None else t)
        return job.ended_at(reached)

    def job(self, job_id: str, t: float) -> JobView:
        """A job as it is at `t`.

        Raises:
            KeyError: There is no such job.
            ValueError: It was added after `t`.
        """
        job, reached = self._at(job_id, t)
        if not reached:
            raise _not_yet(job, t)
        return job.view(t, reached, self.randomness.of(job_id), self._prices[job.task.name])

    def truth(self, until: float) -> Truth:
        """Every change that has happened by `until`, in seconds since the world's start."""
        self.advance(until)
        return Truth(self._by_id, self.advance, until)

    def follow(self, *, all_jobs: bool = False) -> ChangeFeed:
        """A feed of changes since the world's start: of jobs with a callback, or of all jobs.

        It is kept up to date until `unfollow`.
        """
        feed = self._new_feed(all_jobs=all_jobs)
        for job in self._jobs:
            feed.note(job)
        self._feeds.append(feed)
        return feed

    def _new_feed(self, *, all_jobs: bool) -> ChangeFeed:
        return ChangeFeed(self._jobs, self.advance, self._queue.next_at, all_jobs=all_jobs)

    def unfollow(self, feed: ChangeFeed) -> None:
        """Stop keeping a feed up to date; another feed is ignored."""
        if feed in self._feeds:
            self._feeds.remove(feed)

    # Counting

    def counts(self, t: float) -> dict[str, int]:
        """How many jobs there are in each status at `t`; statuses without jobs are left out.

        For times in ascending order, an answer costs only the changes since the one before.
        """
        return {status: n for status, n in self._tally_at(t).jobs.items() if n}

    def is_full(self, t: float) -> bool:
        """Whether the account refuses jobs at `t`.

        It does if it rejects rather than queues, and has as many unfinished jobs as slots.
        """
        if self.when_full == "queue" or self.slots is None:
            return False
        return self._tally_at(t).unfinished >= self.slots

    def balance(self, t: float) -> Balance:
        """The account's balance at `t`, in seconds since the world's start."""
        return self._tally_at(t).balance(self.account)

    def can_afford(self, task_type: str, t: float) -> bool:
        """Whether the account can pay another job of this type at `t`.

        Raises:
            ValueError: There is no such task type.
        """
        price = self._prices[task_named(task_type).name]
        return not self.account.limited or price <= self.balance(t).available

    def _tally_at(self, t: float) -> Tally:
        self.advance(t)
        kept = self._tally
        if kept is not None and kept.at <= t:
            kept.advance(t)
            return kept
        tally = Tally(self._jobs, self._new_feed(all_jobs=True), self._prices, t)
        if kept is None and t == self.now:
            self._tally = tally
            self._feeds.append(tally.feed)
        return tally

    # Snapshots

    def snapshot(self) -> WorldSnapshot:
        """The state of the world at `now`, to return to."""
        return WorldSnapshot.of(self.seed, self.now, self._jobs, self._queue)

    def restore(self, snapshot: WorldSnapshot) -> None:
        """Return to the state and the time of a snapshot, and go on from there.

        A snapshot can be restored many times. Feeds go on from its time: changes before it that
        they have reported aren't reported again, changes after it are.

        Args:
            snapshot: A snapshot of this world, or of one made with the same settings.

        Raises:
            ValueError: It is a snapshot of a world with another seed.
        """
        if snapshot.seed != self.seed:
            raise ValueError(f"a snapshot of seed {snapshot.seed} doesn't fit seed {self.seed}")
        self.now = snapshot.at
        # The list and the table stay the same objects: feeds and truths look at them.
        self._jobs[:] = snapshot.copy_jobs()
        self._by_id.clear()
        self._by_id.update((job.job_id, job) for job in self._jobs)
        self._queue.load(snapshot.queue)
        if self._tally is not None:
            self._feeds.remove(self._tally.feed)
            self._tally = None
        for feed in self._feeds:
            feed.restart(snapshot.at)


def _not_yet(job: Job, t: float) -> ValueError:
    return ValueError(f"job {job.job_id!r} was added at {job.times[0]} s, after {t} s")
