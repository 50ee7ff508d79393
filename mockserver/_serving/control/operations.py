"""The admin routes as a table: each is a method of `Admin`, whose parameters are its arguments."""

from __future__ import annotations

import inspect
import itertools
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs
import msgspec

from mockserver._faults import Fault, When
from mockserver._plain import PlainError, from_plain, to_plain
from mockserver._serving.control.control import Control
from mockserver._serving.control.snapshots import Snapshot
from mockserver._world.limit_rules import LimitRule
from mockserver._world.limits import Limit
from mockserver._world.scripts import Failure, Script

MOST_JOBS: Final = 100_000
"""The most jobs that one request may add; it takes about a second, and blocks everything else."""
MOST_SNAPSHOTS: Final = 16
"""The most snapshots that are kept: each may be as large as the world."""


_Act = TypeVar("_Act", bound=Callable[..., object])


class UnknownError(LookupError):
    """A path names something that doesn't exist."""


@attrs.frozen
class Operation:
    """One admin route.

    Attributes:
        method: Its method.
        path: Its path below `/__admin`.
        act: The method of `Admin` that carries it out, and returns the answer.
        arguments: A class with the arguments of `act` that aren't in the path: for a GET they are
            parameters of the query, otherwise members of the body.
    """

    method: str
    path: str
    act: Callable[..., object]
    arguments: type[attrs.AttrsInstance]

    def run(
        self, admin: Admin, path: Mapping[str, str], query: Mapping[str, str], body: object
    ) -> object:
        """Carry it out, with the parameters of the path, those of the query, and the decoded body.

        Raises:
            PlainError: An argument is missing, unknown or malformed.
            ValueError: The operation isn't possible.
            UnknownError: The path names something that doesn't exist.
        """
        names = [field.name for field in attrs.fields(self.arguments)]
        if not names:
            return self.act(admin, **path)
        if self.method == "GET":
            given = self._queried(query, names)
        else:
            given = from_plain(self.arguments, body)
        return self.act(admin, **path, **{name: getattr(given, name) for name in names})

    def _queried(self, query: Mapping[str, str], names: list[str]) -> attrs.AttrsInstance:
        for name in query:
            if name not in names:
                raise PlainError([f"{name} is no parameter; there are: {', '.join(names)}"])
        try:
            return msgspec.convert(query, self.arguments, strict=False)
        except msgspec.ValidationError as error:
            raise PlainError([str(error).replace("$.", "")]) from None


OPERATIONS: Final[list[Operation]] = []
"""All operations."""


def _route(method: str, path: str) -> Callable[[_Act], _Act]:
    """Make a method of `Admin` an operation."""

    def register(act: _Act) -> _Act:
        types = typing.get_type_hints(act)
        fields = {
            name: attrs.field(
                type=types[name],
                default=attrs.NOTHING if argument.default is argument.empty else argument.default,
            )
            for name, argument in inspect.signature(act).parameters.items()
            if name != "self" and f"{{{name}}}" not in path
        }
        arguments = attrs.make_class(act.__name__, fields, frozen=True)
        OPERATIONS.append(Operation(method, path, act, arguments))
        return act

    return register


class Admin:
    """The operations of one mock."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._snapshots: dict[str, Snapshot] = {}
        self._numbers = itertools.count(1)

    # Reading

    @_route("GET", "/state")
    def state(self) -> object:
        """Everything at a glance."""
        state = self._control.state()
        return attrs.asdict(state, recurse=False) | {
            "balance": attrs.asdict(state.balance),
            "limits": list(map(_plain, state.limits)),
            "faults": list(map(_plain, state.faults)),
        }

    @_route("GET", "/truth")
    def truth(self, job_id: str | None = None, until: float | None = None) -> object:
        """The true changes: job id → changes, each `[at, status]`; of all jobs or one."""
        truth = self._control.truth
        if until is not None:
            # Asking for the future would decide what is still open.
            truth = truth.at(min(until, truth.until))
        if job_id is None:
            return dict(truth)
        return {job_id: truth[self._known(job_id)]}

    @_route("GET", "/requests")
    def requests(
        self,
        method: str | None = None,
        route: str | None = None,
        path: str | None = None,
        job_id: str | None = None,
        status_code: int | None = None,
        after: float | None = None,
        until: float | None = None,
        last: int | None = None,
    ) -> object:
        """The requests in the journal that fit, as for `Journal.select`; all, or the latest."""
        criteria = {
            "method": method,
            "route": route,
            "path": path,
            "job_id": job_id,
            "status_code": status_code,
            "after": after,
            "until": until,
        }
        wanted: Any = {name: value for name, value in criteria.items() if value is not None}
        journal = self._control.requests
        if last is not None and not wanted:
            return journal.latest(last)
        found = list(journal.select(**wanted))
        return found if last is None else found[max(len(found) - last, 0) :]

    @_route("GET", "/deliveries")
    def deliveries(self) -> object:
        """All attempts to deliver webhooks."""
        return list(self._control.webhooks.deliveries)

    # Jobs

    @_route("GET", "/jobs")
    def jobs(self, last: int = 20) -> object:
        """The latest jobs, the last one first."""
        ids = self._control.world.latest_job_ids()
        return [self._job(job_id) for job_id in itertools.islice(ids, max(last, 0))]

    @_route("GET", "/jobs/{job_id}")
    def job(self, job_id: str) -> object:
        """One job, with the parameters of its submit and its changes."""
        control = self._control
        params = control.world.job(self._known(job_id), control.now).params
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

    def _known(self, job_id: str) -> str:
        if job_id not in self._control.world:
            raise UnknownError(f"there is no job {job_id!r}")
        return job_id

    @_route("POST", "/jobs")
    def add_jobs(
        self,
        count: int = 1,
        task_type: str = "diffusion",
        script: Script | None = None,
        job_id: str | None = None,
        callback: str = "",
        priority: int | None = None,
    ) -> object:
        """Add jobs, and return their ids; the arguments are those of `Control.add_job`."""
        if not 1 <= count <= MOST_JOBS:
            raise ValueError(f"count must be from 1 to {MOST_JOBS}, not {count}")
        if job_id is not None and count != 1:
            raise ValueError("job_id can't be given to more than one job")
        add = self._control.add_job
        ids = [
            add(script, task_type, job_id, callback=callback, priority=priority)
            for _ in range(count)
        ]
        return {"job_ids": ids}

    @_route("PUT", "/jobs/{job_id}/status")
    def set_status(self, job_id: str, status: str, failure: Failure | None = None) -> object:
        """Put a job into a status, and return it."""
        self._control.set_status(self._known(job_id), status, failure)
        return self.job(job_id)

    @_route("POST", "/jobs/{job_id}/hold")
    def hold(self, job_id: str) -> object:
        """Keep a job in its present status, and return it."""
        self._control.hold(self._known(job_id))
        return self.job(job_id)

    @_route("POST", "/jobs/{job_id}/release")
    def release(self, job_id: str) -> object:
        """Move a job on to its next status, and return it."""
        self._control.release(self._known(job_id))
        return self.job(job_id)

    # Limits and faults

    @_route("GET", "/limit")
    def limits(self) -> object:
        """The present limits."""
        return {"limit": list(map(_plain, self._control.limits))}

    @_route("PUT", "/limit")
    def set_limit(self, limit: Limit | LimitRule | tuple[Limit | LimitRule, ...] | None) -> object:
        """Replace the limits, and return them."""
        self._control.set_limit(limit)
        return self.limits()

    @_route("GET", "/faults")
    def faults(self) -> object:
        """The present rules for faults."""
        return {"faults": list(map(_plain, self._control.faults.rules))}

    @_route("POST", "/faults")
    def add_fault(self, fault: Fault, when: When | None = None, name: str = "") -> object:
        """Add a rule, and return its name."""
        return {"name": self._control.faults.add(fault, when=when, name=name)}

    @_route("DELETE", "/faults/{name}")
    def remove_fault(self, name: str) -> object:
        """Remove one rule."""
        if name not in {rule.name for rule in self._control.faults.rules}:
            raise UnknownError(f"there is no rule {name!r}")
        self._control.faults.remove(name)
        return {}

    @_route("DELETE", "/faults")
    def clear_faults(self) -> object:
        """Remove all rules."""
        self._control.faults.clear()
        return {}

    # Time

    @_route("GET", "/clock")
    def clock(self) -> object:
        """The world's time, and whether it stands still."""
        return {"now": self._control.now, "is_frozen": self._control.is_frozen}

    @_route("POST", "/clock/freeze")
    def freeze(self) -> object:
        """Stop the world's time."""
        self._control.freeze()
        return self.clock()

    @_route("POST", "/clock/resume")
    def resume(self) -> object:
        """Let the world's time pass again."""
        self._control.resume()
        return self.clock()

    @_route("POST", "/clock/advance")
    def advance(self, seconds: float) -> object:
        """Move the world's time ahead, by seconds of the world."""
        self._control.advance(seconds)
        return self.clock()

    # Snapshots

    @_route("GET", "/snapshots")
    def snapshots(self) -> object:
        """The snapshots that are kept."""
        return {"snapshots": [{"id": id_, "at": kept.at} for id_, kept in self._snapshots.items()]}

    @_route("POST", "/snapshots")
    def take_snapshot(self) -> object:
        """Take a snapshot, and return its id."""
        if len(self._snapshots) >= MOST_SNAPSHOTS:
            raise ValueError(f"there are {MOST_SNAPSHOTS} snapshots already: delete one")
        name = str(next(self._numbers))
        self._snapshots[name] = snapshot = self._control.snapshot()
        return {"id": name, "at": snapshot.at}

    @_route("POST", "/snapshots/{snapshot_id}/restore")
    def restore(self, snapshot_id: str) -> object:
        """Return to a snapshot."""
        self._control.restore(self._snapshot(snapshot_id))
        return self.clock()

    @_route("DELETE", "/snapshots/{snapshot_id}")
    def delete_snapshot(self, snapshot_id: str) -> object:
        """Delete a snapshot."""
        self._snapshot(snapshot_id)
        del self._snapshots[snapshot_id]
        return {}

    def _snapshot(self, snapshot_id: str) -> Snapshot:
        if snapshot_id not in self._snapshots:
            raise UnknownError(f"there is no snapshot {snapshot_id!r}")
        return self._snapshots[snapshot_id]

    @_route("POST", "/reset")
    def reset(self) -> object:
        """Return to the start."""
        self._control.reset()
        return self.clock()


def _plain(setting: object) -> object:
    """A setting as plain data, or its repr if it is of a class that a program defines."""
    try:
        return to_plain(setting)
    except PlainError:
        return repr(setting)
