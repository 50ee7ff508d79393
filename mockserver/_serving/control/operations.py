"""The admin routes as a table: what can be asked, what it takes, and what it does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs
import msgspec

from mockserver._faults import Rule
from mockserver._plain import PlainError, from_plain, to_plain
from mockserver._serving.control.control import Control
from mockserver._serving.control.snapshots import Snapshot
from mockserver._world import Failure, Limit, LimitRule, Script

MOST_JOBS: Final = 100_000
"""How many jobs one request may add; it takes about a second, in which nothing else happens."""
MOST_SNAPSHOTS: Final = 16
"""How many snapshots are kept: each may be as large as the world."""

T = TypeVar("T")


class UnknownError(LookupError):
    """What a path names isn't there."""


# What the bodies of requests say


@attrs.frozen
class AddJobs:
    """Jobs to be added.

    Attributes:
        count: How many.
        task_type: Of which type.
        script: Their lifecycle; None to have it drawn.
        job_id: The id of the one job; None to have it drawn.
        callback: The URL to be told of their end.
        priority: Their priority; None for what their type has.
    """

    count: int = 1
    task_type: str = "diffusion"
    script: Script | None = None
    job_id: str | None = None
    callback: str = ""
    priority: int | None = None

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.count <= MOST_JOBS:
            raise ValueError(f"count must be from 1 to {MOST_JOBS}, not {self.count}")
        if self.job_id is not None and self.count != 1:
            raise ValueError("job_id can't be given to more than one job")


@attrs.frozen
class SetStatus:
    """A status that a job is put into.

    Attributes:
        status: Any word.
        failure: Why it failed, where that is `failed`.
    """

    status: str
    failure: Failure | None = None


@attrs.frozen
class SetLimit:
    """The limits that are to be on.

    Attributes:
        limit: One, several, or None for none.
    """

    limit: Limit | LimitRule | tuple[Limit | LimitRule, ...] | None


@attrs.frozen
class Advance:
    """Time that is to pass.

    Attributes:
        seconds: How much of it, in the world's seconds.
    """

    seconds: float


# What their queries say


@attrs.frozen
class Latest:
    """How many of the latest are wanted.

    Attributes:
        last: So many.
    """

    last: int = 20


@attrs.frozen
class WhichTruth:
    """Whose truth is wanted, and until when.

    Attributes:
        job_id: That of one job; None for all.
        until: The time, in seconds since the world's start; None for now, and never later.
    """

    job_id: str | None = None
    until: float | None = None


@attrs.frozen
class WhichRequests:
    """Which requests are wanted: those that fit all that is given, as in `Journal.select`.

    Attributes:
        method: Their method.
        route: Their route.
        path: Their path.
        job_id: Their job.
        status_code: Their answer's status.
        after: No earlier than this, in seconds since the world's start.
        until: Before this, in seconds since the world's start.
        last: Only so many, the latest.
    """

    method: str | None = None
    route: str | None = None
    path: str | None = None
    job_id: str | None = None
    status_code: int | None = None
    after: float | None = None
    until: float | None = None
    last: int | None = None


# The operations


@attrs.frozen
class Call:
    """One request, as an operation sees it.

    Attributes:
        params: The parameters of its path.
        query: Those of its query.
        data: Its body, read as JSON; an empty table for none.
    """

    params: Mapping[str, str] = attrs.field(factory=dict)
    query: Mapping[str, str] = attrs.field(factory=dict)
    data: object = attrs.field(factory=dict)

    def asked(self, cls: type[T]) -> T:
        """The query as `cls` has it.

        Raises:
            PlainError: There is no such parameter, or its value is none.
        """
        names = [field.name for field in attrs.fields(cls)]  # type: ignore[arg-type] # attrs' own
        for name in self.query:
            if name not in names:
                raise PlainError([f"{name} is no parameter; there are: {', '.join(names)}"])
        try:
            return msgspec.convert(self.query, cls, strict=False)
        except msgspec.ValidationError as error:
            raise PlainError([str(error).replace("$.", "")]) from None


class Admin:
    """What the admin routes do.

    Args:
        control: To what.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._snapshots: dict[str, Snapshot] = {}
        self._numbers = itertools.count(1)

    def _job_id(self, call: Call) -> str:
        job_id = call.params["job_id"]
        if job_id not in self._control.world:
            raise UnknownError(f"there is no job {job_id!r}")
        return job_id

    # Reading

    def state(self, _call: Call) -> object:
        """All that can be said at a glance."""
        state = self._control.state()
        return attrs.asdict(state, recurse=False) | {
            "balance": attrs.asdict(state.balance),
            "limits": list(map(_said, state.limits)),
            "faults": list(map(_said, state.faults)),
        }

    def truth(self, call: Call) -> object:
        """What really happened: job id → changes, each `[at, status]`."""
        which = call.asked(WhichTruth)
        truth = self._control.truth
        if which.until is not None:
            truth = truth.at(min(which.until, truth.until))
        if which.job_id is None:
            return dict(truth)
        if which.job_id not in truth:
            raise UnknownError(f"there is no job {which.job_id!r}")
        return {which.job_id: truth[which.job_id]}

    def requests(self, call: Call) -> object:
        """The journal, or those of its requests that fit."""
        which = attrs.asdict(call.asked(WhichRequests))
        last = which.pop("last")
        wanted: Any = {name: value for name, value in which.items() if value is not None}
        journal = self._control.requests
        if last is not None and not wanted:
            return journal.latest(last)
        found = list(journal.select(**wanted))
        return found if last is None else found[max(len(found) - last, 0) :]

    def deliveries(self, _call: Call) -> object:
        """Every attempt to tell a callback."""
        return list(self._control.webhooks.deliveries)

    # Jobs

    def jobs(self, call: Call) -> object:
        """The latest jobs, the last one first."""
        ids = self._control.world.latest_job_ids()
        return [
            self._job(job_id) for job_id in itertools.islice(ids, max(call.asked(Latest).last, 0))
        ]

    def job(self, call: Call) -> object:
        """One job, with what it was submitted with and its changes."""
        job_id = self._job_id(call)
        control = self._control
        params = control.world.job(job_id, control.now).params
        return self._job(job_id) | {
            "params": None if params is None else dict(params),
            "changes": control.truth[job_id],
        }

    def _job(self, job_id: str) -> dict[str, object]:
        control = self._control
        job = control.world.job(job_id, control.now)
        return {
            "job_id": job_id,
            "task_type": job.task.name,
            "status": job.status,
            "created_at": job.created_at,
            "progress": job.progress,
        }

    def add_jobs(self, call: Call) -> object:
        """Add jobs, and tell their ids."""
        wanted = from_plain(AddJobs, call.data)
        ids = [
            self._control.add_job(
                wanted.script,
                wanted.task_type,
                wanted.job_id,
                callback=wanted.callback,
                priority=wanted.priority,
            )
            for _ in range(wanted.count)
        ]
        return {"job_ids": ids}

    def set_status(self, call: Call) -> object:
        """Put a job into a status."""
        wanted = from_plain(SetStatus, call.data)
        self._control.set_status(self._job_id(call), wanted.status, wanted.failure)
        return self.job(call)

    def hold(self, call: Call) -> object:
        """Keep a job in its present status."""
        self._control.hold(self._job_id(call))
        return self.job(call)

    def release(self, call: Call) -> object:
        """Move a job on to what follows its present status."""
        self._control.release(self._job_id(call))
        return self.job(call)

    # Limits and faults

    def limits(self, _call: Call) -> object:
        """The limits that are on."""
        return {"limit": list(map(_said, self._control.limits))}

    def set_limit(self, call: Call) -> object:
        """Put other limits in the place of those that are on."""
        self._control.set_limit(from_plain(SetLimit, call.data).limit)
        return self.limits(call)

    def faults(self, _call: Call) -> object:
        """The rules of the faults that are on."""
        return {"faults": list(map(_said, self._control.faults.rules))}

    def add_fault(self, call: Call) -> object:
        """Add a rule, and tell its name."""
        rule: Rule = from_plain(Rule, call.data)
        name = self._control.faults.add(rule.fault, name=rule.name or None, when=rule.when)
        return {"name": name}

    def remove_fault(self, call: Call) -> object:
        """Remove one rule."""
        name = call.params["name"]
        if name not in {rule.name for rule in self._control.faults.rules}:
            raise UnknownError(f"there is no rule {name!r}")
        self._control.faults.remove(name)
        return {}

    def clear_faults(self, _call: Call) -> object:
        """Remove all rules."""
        self._control.faults.clear()
        return {}

    # Time

    def clock(self, _call: Call) -> object:
        """The world's time, and whether it stands still."""
        return {"now": self._control.now, "is_frozen": self._control.is_frozen}

    def freeze(self, call: Call) -> object:
        """Let the world's time stand still."""
        self._control.freeze()
        return self.clock(call)

    def resume(self, call: Call) -> object:
        """Let the world's time pass again."""
        self._control.resume()
        return self.clock(call)

    def advance(self, call: Call) -> object:
        """Move the world's time ahead."""
        self._control.advance(from_plain(Advance, call.data).seconds)
        return self.clock(call)

    # Snapshots

    def _snapshot(self, call: Call) -> tuple[str, Snapshot]:
        name = call.params["id"]
        if name not in self._snapshots:
            raise UnknownError(f"there is no snapshot {name!r}")
        return name, self._snapshots[name]

    def snapshots(self, _call: Call) -> object:
        """The snapshots that were taken."""
        return {
            "snapshots": [{"id": name, "at": taken.at} for name, taken in self._snapshots.items()]
        }

    def take_snapshot(self, _call: Call) -> object:
        """Take a snapshot, and tell its id."""
        if len(self._snapshots) >= MOST_SNAPSHOTS:
            raise ValueError(f"there are {MOST_SNAPSHOTS} snapshots already: delete one")
        name = str(next(self._numbers))
        self._snapshots[name] = self._control.snapshot()
        return {"id": name, "at": self._snapshots[name].at}

    def restore(self, call: Call) -> object:
        """Go back to a snapshot."""
        self._control.restore(self._snapshot(call)[1])
        return self.clock(call)

    def delete_snapshot(self, call: Call) -> object:
        """Forget a snapshot."""
        del self._snapshots[self._snapshot(call)[0]]
        return {}

    def reset(self, call: Call) -> object:
        """Go back to the start."""
        self._control.reset()
        return self.clock(call)


def _said(setting: object) -> object:
    """A setting as plain data; one that is a program's own, by its repr."""
    try:
        return to_plain(setting)
    except PlainError:
        return repr(setting)


@attrs.frozen
class Operation:
    """One admin route.

    Attributes:
        method: Its method.
        path: Its path below `/__admin`.
        act: What it does; it returns what is answered.
    """

    method: str
    path: str
    act: Callable[[Admin, Call], object]


OPERATIONS: Final = (
    Operation("GET", "/state", Admin.state),
    Operation("POST", "/reset", Admin.reset),
    Operation("GET", "/jobs", Admin.jobs),
    Operation("POST", "/jobs", Admin.add_jobs),
    Operation("GET", "/jobs/{job_id}", Admin.job),
    Operation("PUT", "/jobs/{job_id}/status", Admin.set_status),
    Operation("POST", "/jobs/{job_id}/hold", Admin.hold),
    Operation("POST", "/jobs/{job_id}/release", Admin.release),
    Operation("GET", "/limit", Admin.limits),
    Operation("PUT", "/limit", Admin.set_limit),
    Operation("GET", "/faults", Admin.faults),
    Operation("POST", "/faults", Admin.add_fault),
    Operation("DELETE", "/faults", Admin.clear_faults),
    Operation("DELETE", "/faults/{name}", Admin.remove_fault),
    Operation("GET", "/clock", Admin.clock),
    Operation("POST", "/clock/freeze", Admin.freeze),
    Operation("POST", "/clock/resume", Admin.resume),
    Operation("POST", "/clock/advance", Admin.advance),
    Operation("GET", "/snapshots", Admin.snapshots),
    Operation("POST", "/snapshots", Admin.take_snapshot),
    Operation("POST", "/snapshots/{id}/restore", Admin.restore),
    Operation("DELETE", "/snapshots/{id}", Admin.delete_snapshot),
    Operation("GET", "/truth", Admin.truth),
    Operation("GET", "/requests", Admin.requests),
    Operation("GET", "/deliveries", Admin.deliveries),
)
"""All of them."""
