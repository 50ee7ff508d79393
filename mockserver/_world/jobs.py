"""The record of a job: the statuses it goes through, and when; and a job as it is at one time.

A record has a *track*: the statuses whose times are known, past and future. Steps whose times can't
be known yet, because the job waits for a slot, for polls or to be released, are kept `ahead`, and
join the track when their times are known. A change of a track applies from a certain time on, and
leaves what came before as it was.
"""

from __future__ import annotations

import enum
import math
from bisect import bisect_right
from collections.abc import Mapping
from operator import attrgetter

import attrs

from mockserver._world.durations import Run
from mockserver._world.randomness import Draws
from mockserver._world.scripts import TERMINAL, Failure, Script, Step
from mockserver._world.tasks import TaskType

WAITING = ("pending",)
"""The track of a job that waits for its slot."""
_TO_COMPLETED = ("pending", "staged", "processing", "completed")
_TO_FAILED = ("pending", "staged", "processing", "failed")
_SUBMIT_FAILED = ("pending", "failed")


# Assigned once, by the generated `__init__`: a frozen class takes three times as long to make, and
# one is made for every status request.
@attrs.define(on_setattr=attrs.setters.frozen)
class JobView:
    """A job as it is at one time; it never changes.

    Attributes:
        job_id: The job.
        task: Its task type.
        status: Its status.
        created_at: When it was added, in seconds since the world's start.
        started_at: When its processing began, or None before.
        ended_at: When it reached a terminal status, or None before.
        failure: Why it failed, or None while it hasn't.
        callback: The URL that is notified of its end; empty for none.
        draws: Its random numbers.
        points: What it costs, in points.
        progress: How much of its run is over, in whole percent: 0 before its processing begins and
            while the end of the run isn't known, 100 after any end.
        priority: Its priority, if the order is by priority.
        params: The parameters it was submitted with; None if they weren't kept.
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
    points: int = 0
    progress: int = 0
    priority: int = 0
    params: Mapping[str, object] | None = None

    @property
    def parent(self) -> str | None:
        """The id of the job that this one works on (its parameter `jobId`), if any."""
        parent = None if self.params is None else self.params.get("jobId")
        return parent if isinstance(parent, str) else None


class Place(enum.Enum):
    """Whether a job needs a slot, waits for one, or has one."""

    BESIDE = "needs no slot"
    BEFORE = "waits for one"
    WITHIN = "holds one, or has held it"


@attrs.define(eq=False, weakref_slot=False)
class Job:
    """A job's record.

    Attributes:
        job_id: The job.
        index: How many jobs were added before it.
        task: Its task type.
        script: Its lifecycle, if it was given one rather than drawn.
        times: The track: when it reaches each status, in seconds since the world's start.
        callback: The URL that is notified of its end; empty for none.
        priority: If the order is by priority, the higher goes first.
        params: The parameters it was submitted with, or None.
        statuses: The track: the statuses, one for each of `times`.
        ahead: The steps that follow the track, at times that aren't known yet.
        polls_left: How many more polls end a status, by its position on the track.
        place: Whether it needs a slot, waits for one, or has one.
        joins_at: When it joins the queue, in seconds; infinite if it doesn't.
        failure: Why it fails, if `failed` is on its track.
    """

    job_id: str
    index: int
    task: TaskType
    script: Script | None
    times: tuple[float, ...]
    callback: str = ""
    priority: int = 0
    params: Mapping[str, object] | None = None
    statuses: tuple[str, ...] = WAITING
    ahead: tuple[Step, ...] = ()
    polls_left: dict[int, int] | None = None
    place: Place = Place.BESIDE
    joins_at: float = math.inf
    failure: Failure | None = None

    # Reading

    @property
    def end(self) -> float:
        """When it reaches a terminal status; infinite while that isn't known."""
        return self.times[-1] if self.statuses[-1] in TERMINAL else math.inf

    def reached(self, t: float) -> int:
        """How many statuses it has reached by `t`."""
        return bisect_right(self.times, t)

    def started_at(self, reached: int) -> float | None:
        """When its processing began, if that is among the first `reached` statuses."""
        for at, status in zip(self.times[:reached], self.statuses, strict=False):
            if status == "processing":
                return at
        return None

    def ended_at(self, reached: int) -> float | None:
        """When it reached a terminal status, if that is among the first `reached` statuses."""
        if reached and self.statuses[reached - 1] in TERMINAL:
            return self.times[reached - 1]
        return None

    def progress(self, t: float, started_at: float | None) -> int:
        """How much of the run that began at `started_at` is over at `t`, in whole percent."""
        end = self.end
        if end == math.inf:
            return 0
        if end <= t:
            return 100
        if started_at is None:
            return 0
        # Rounded down: 100 means that it has ended.
        return min(99, int(100 * (t - started_at) / (end - started_at)))

    def view(self, t: float, reached: int, draws: Draws, points: int) -> JobView:
        """The job as it is at `t`, when it has reached `reached` statuses."""
        status = self.statuses[reached - 1]
        started_at = self.started_at(reached)
        return JobView(
            self.job_id,
            self.task,
            status,
            self.times[0],
            started_at,
            self.ended_at(reached),
            self.failure if status == "failed" else None,
            self.callback,
            draws,
            points,
            self.progress(t, started_at),
            self.priority,
            self.params,
        )

    def copy(self) -> Job:
        """An independent copy."""
        copy = Job(*_fields_of(self))
        if self.polls_left is not None:
            copy.polls_left = dict(self.polls_left)
        return copy

    # Changing

    def begin(self, script: Script, at: float) -> None:
        """Begin the scripted life of a job that is added at `at`."""
        if not script.takes_slot:
            self.times, self.statuses = (), ()
            self.lay(script.steps, at)
            return
        self.place = Place.BEFORE
        first = script.steps[0]
        if first.status != "pending":
            self.ahead, self.joins_at = script.steps, at
            return
        self.ahead, self.joins_at = script.steps[1:], at + first.seconds
        if first.polls is not None:
            self.polls_left = {0: first.polls}

    def lay(self, steps: tuple[Step, ...], at: float) -> None:
        """Add `steps` to the track from `at` on, as far as their times are known."""
        times, statuses = list(self.times), list(self.statuses)
        endless = (number for number, step in enumerate(steps, 1) if step.seconds == math.inf)
        known = next(endless, len(steps))
        for step in steps[:known]:
            if step.polls is not None:
                self.polls_left = self.polls_left or {}
                self.polls_left[len(times)] = step.polls
            times.append(at)
            statuses.append(step.status)
            at += step.seconds
        self.times, self.statuses, self.ahead = tuple(times), tuple(statuses), steps[known:]
        if self.script is not None and statuses[-1] == "failed":
            self.failure = self.script.failure

    def run(self, staged_at: float, started_at: float, run: Run) -> None:
        """Go through a drawn run, with a slot from `staged_at` on."""
        self.failure = run.failure
        self.statuses = _TO_COMPLETED if run.failure is None else _TO_FAILED
        self.times = (self.times[0], staged_at, started_at, started_at + run.seconds)

    def fail_on_submit(self, at: float, failure: Failure) -> None:
        """Fail at `at`, without ever having a slot."""
        self.failure = failure
        self.statuses = _SUBMIT_FAILED
        self.times = (self.times[0], at)

    def count_poll(self, at: float) -> bool:
        """Count a status request at `at`; whether it is the last one that its status waits for."""
        position = self.reached(at) - 1
        left = self.polls_left or {}
        if position not in left:
            return False
        left[position] -= 1
        if left[position]:
            return False
        del left[position]
        return True

    def leave(self, at: float) -> None:
        """Leave the present status at `at`; all later statuses move by the same time.

        Raises:
            ValueError: No status follows.
        """
        reached = self.reached(at)
        if reached < len(self.times):
            due = self.times[reached]
            self.times = (
                *self.times[:reached],
                *(at + (later - due) for later in self.times[reached:]),
            )
        elif self.ahead:
            self.lay(self.ahead, at)
        else:
            raise nothing_follows(self)
        if self.polls_left:
            self.polls_left.pop(reached - 1, None)

    def hold(self, at: float) -> None:
        """Stay in the present status from `at` on, until it is left."""
        reached = self.reached(at)
        left = self.polls_left or {}
        left.pop(reached - 1, None)
        if reached == len(self.times):
            return  # It stays there already.
        ends = (*self.times[reached + 1 :], math.inf)
        following = tuple(
            Step(status, end - begin, left.pop(position, None))
            for position, (begin, end, status) in enumerate(
                zip(self.times[reached:], ends, self.statuses[reached:], strict=True), reached
            )
        )
        self.ahead = following + self.ahead
        self.times, self.statuses = self.times[:reached], self.statuses[:reached]

    def become(self, status: str, at: float, failure: Failure | None) -> None:
        """Be in `status` from `at` on, with nothing to follow."""
        reached = self.reached(at)
        self.times, self.statuses = self.times[:reached], self.statuses[:reached]
        self.ahead, self.polls_left, self.failure = (), None, failure
        if self.statuses[-1] != status:
            self.times, self.statuses = (*self.times, at), (*self.statuses, status)


# Much quicker than `attrs.evolve`, which matters for a world of a million jobs.
_fields_of = attrgetter(*(field.name for field in attrs.fields(Job)))


def nothing_follows(job: Job) -> ValueError:
    """The error for a job that is to leave the last status of its life."""
    return ValueError(f"nothing follows {job.statuses[-1]!r} in the life of job {job.job_id}")
