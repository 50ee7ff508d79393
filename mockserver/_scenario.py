"""A whole mock as one value, and as a file: its settings, its jobs, and what changes with time.

    scenario = read_scenario("last-night.toml")
    mock = scenario.mock()

The names in the file are the arguments of `MockLegnext`, and its values are plain data (see
`mockserver._plain`). A change with time is part of the limits and faults themselves: nothing has to
run for it to happen, and it happens at exactly its time.
"""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final

import attrs

from mockserver._api.hints import Hints
from mockserver._api.moderation import Moderation
from mockserver._api.quirks import Quirks
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._faults import Fault, Faults, Rule
from mockserver._faults.rules import rule_of
from mockserver._mock import MockLegnext
from mockserver._plain import PlainError, from_plain, to_plain
from mockserver._serving.webhooks import WebhookSettings
from mockserver._world.account import Account
from mockserver._world.checks import is_seconds
from mockserver._world.durations import TYPICAL, Distribution, RunTimes
from mockserver._world.failures import Failures
from mockserver._world.limit_rules import LimitRule, limit_rule
from mockserver._world.limits import Limit, Scheduled, Unlimited
from mockserver._world.presets import Preset, PresetName
from mockserver._world.scripts import Script
from mockserver._world.slots import Order, WhenFull
from mockserver._world.tasks import TASKS
from mockserver._world.world import World

UNLIMITED: Final = "unlimited"
"""How a file says that there is no limit to the slots; TOML has no null."""

# The settings that `World` takes.
_OF_THE_WORLD: Final = (
    *("seed", "slots", "order", "when_full", "priorities"),
    *("run_times", "failure_share", "failures", "account"),
)


class ScenarioError(ValueError):
    """A file that is no scenario; each line of the message is a problem, with its place."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
        self._made_of = (path, tuple(problems))

    def __reduce__(self) -> tuple[object, ...]:
        # By default exceptions are unpickled from their message.
        return type(self), self._made_of


def _is_task_type(_instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value not in TASKS:
        raise ValueError(f"{attribute.name} must be one of {', '.join(TASKS)}, not {value!r}")


@attrs.frozen(kw_only=True)
class Jobs:
    """Jobs that exist from the world's start, all with the same settings.

    Attributes:
        count: How many.
        task_type: Their task type, e.g. `"diffusion"`.
        script: Their lifecycle; None for one drawn for each.
        job_id: The id, if it is one job; None for random ids.
        callback: The URL that is notified of their ends.
        priority: If the order is by priority, the higher goes first; None for the world's priority
            of their task type.

    Raises:
        ValueError: A setting out of its range, or one id for several jobs.
    """

    count: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    task_type: str = attrs.field(default="diffusion", validator=_is_task_type)
    script: Script | None = None
    job_id: str | None = None
    callback: str = ""
    priority: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.job_id is not None and self.count != 1:
            raise ValueError(f"job_id must be left out, or count be 1, not {self.count}")

    def add_to(self, world: World, at: float) -> list[str]:
        """Add them to a world at the time `at`, in seconds, and return their ids.

        Raises:
            ValueError: There is such a job already.
        """
        return [
            world.add_job(
                self.task_type,
                at=at,
                script=self.script,
                job_id=self.job_id,
                callback=self.callback,
                priority=self.priority,
            )
            for _ in range(self.count)
        ]


@attrs.frozen(kw_only=True)
class Phase:
    """What changes at a certain time.

    Attributes:
        at: The time, in seconds since the world's start.
        limit: The limits from then on, each in its first state, instead of those before; None for
            no change.
        faults: The faults from then on, which count from then on, instead of those before; None for
            no change.
    """

    at: float = attrs.field(validator=is_seconds)
    limit: tuple[Limit | LimitRule, ...] | None = None
    faults: tuple[Fault | Rule, ...] | None = None


def _slots(given: object) -> Any:  # noqa: ANN401 - attrs takes the type from here
    return None if given == UNLIMITED else given


def _in_order(_instance: object, _attribute: object, phases: tuple[Phase, ...]) -> None:
    begins = [0.0, *(phase.at for phase in phases)]
    if any(after <= before for before, after in itertools.pairwise(begins)):
        raise ValueError(f"timeline must go from one time to a later one, not to {begins[1:]}")


@attrs.frozen(kw_only=True)
class Scenario:
    """The description of a whole mock.

    Settings that aren't explained here are as `MockLegnext` has them.

    Attributes:
        slots: As for `MockLegnext`; also `"unlimited"`, for None.
        limit: Limits on requests; a bare limit counts all requests of the account.
        faults: What goes wrong; a bare fault meets every request.
        jobs: The jobs that exist without having been submitted.
        timeline: What changes, in the order of time. `limit` and `faults` above are in force until
            the first change.

    Raises:
        ValueError: A setting out of its range, or settings that exclude each other.
    """

    seed: int = 0
    slots: int | str | None = attrs.field(default=12, converter=_slots)
    order: Order = "fifo"
    when_full: WhenFull = "queue"
    priorities: Mapping[str, int] | None = None
    run_times: RunTimes | Preset | PresetName = TYPICAL
    failure_share: float | None = None
    failures: Failures | None = None
    account: Account = attrs.field(factory=Account)
    limit: tuple[Limit | LimitRule, ...] = ()
    hints: Hints = attrs.field(factory=Hints)
    latency: float | Distribution = attrs.field(default=0.0, validator=is_seconds)
    faults: tuple[Fault | Rule, ...] = ()
    quirks: Quirks = attrs.field(factory=Quirks)
    moderation: Moderation | None = None
    webhooks: WebhookSettings = attrs.field(factory=WebhookSettings)
    api_keys: tuple[str, ...] | None = attrs.field(default=None, repr=False)
    admin: bool = True
    admin_hosts: tuple[str, ...] = ()
    time_scale: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    epoch: datetime = DEFAULT_EPOCH
    jobs: tuple[Jobs, ...] = ()
    timeline: tuple[Phase, ...] = attrs.field(default=(), validator=_in_order)

    def __attrs_post_init__(self) -> None:
        # These check their settings.
        World(**{name: getattr(self, name) for name in _OF_THE_WORLD})
        Faults(self._rules())
        ids = Counter(jobs.job_id for jobs in self.jobs if jobs.job_id is not None)
        if twice := [job_id for job_id, count in ids.items() if count > 1]:
            raise ValueError(f"jobs can't have the id {twice[0]!r} twice")

    def settings(self) -> dict[str, Any]:
        """The arguments of `MockLegnext` that make such a mock, without its jobs."""
        given = {field.name: getattr(self, field.name) for field in attrs.fields(Scenario)}
        del given["jobs"], given["timeline"]
        return given | {"limit": self._limits(), "faults": self._rules()}

    def mock(self, clock: Callable[[], float] | None = None) -> MockLegnext:
        """A new mock as described, with its jobs.

        Args:
            clock: As for `MockLegnext`.
        """
        mock = MockLegnext(**self.settings(), clock=clock)
        self.add_jobs_to(mock)
        return mock

    def add_jobs_to(self, mock: MockLegnext) -> None:
        """Add the jobs to a mock, all at this moment. A later reset returns to this moment.

        Raises:
            ValueError: The mock has one of the jobs already.
        """
        at = mock.now
        for jobs in self.jobs:
            jobs.add_to(mock.world, at)
        mock.mark_start()

    def _limits(self) -> list[LimitRule]:
        phases = [(phase.at, phase.limit) for phase in self.timeline if phase.limit is not None]
        if not phases:
            return [limit_rule(given) for given in self.limit]
        spans = _spans([(0.0, self.limit), *phases])
        return [_limited(limit_rule(given), *span) for span, some in spans for given in some]

    def _rules(self) -> list[Rule]:
        phases = [(phase.at, phase.faults) for phase in self.timeline if phase.faults is not None]
        spans = _spans([(0.0, self.faults), *phases])
        rules = (_windowed(rule_of(given), *span) for span, some in spans for given in some)
        return [rule for rule in rules if rule is not None]


# Changes with time, as limits and faults that begin and end by themselves

_Span = tuple[float, float]
"""From when to when, in seconds since the world's start; the end is excluded."""


def _spans(
    phases: Sequence[tuple[float, tuple[Any, ...]]],
) -> list[tuple[_Span, tuple[Any, ...]]]:
    """From when to when each phase's settings are in force: until the next one."""
    ends = [begin for begin, _ in phases[1:]]
    return [
        ((begin, end), some) for (begin, some), end in zip(phases, [*ends, math.inf], strict=True)
    ]


def _limited(rule: LimitRule, begin: float, end: float) -> LimitRule:
    """The rule, with a limit that admits everything before its span and after it."""
    phases: list[tuple[float, Limit]] = [(begin, rule.limit)]
    if begin > 0:
        phases.insert(0, (0.0, Unlimited()))
    if end < math.inf:
        phases.append((end, Unlimited()))
    return attrs.evolve(rule, limit=Scheduled(phases))


def _windowed(rule: Rule, begin: float, end: float) -> Rule | None:
    """The rule within a span, or None if its own window is outside of it."""
    when = rule.when
    after = max(begin, when.after or 0.0)
    until = min(end, math.inf if when.until is None else when.until)
    if after >= until:
        return None
    within = attrs.evolve(when, after=after or None, until=None if until == math.inf else until)
    return attrs.evolve(rule, when=within)


# Files


def read_scenario(path: str | PathLike[str]) -> Scenario:
    """Read a scenario from a file of TOML, or of JSON if its name ends in `.json`.

    Args:
        path: The file.

    Raises:
        ScenarioError: It is no scenario; the message has every problem, with its place in the file.
        OSError: It can't be read.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        return from_plain(Scenario, data)
    except PlainError as error:
        raise ScenarioError(file, error.problems) from error
    except ValueError as error:
        raise ScenarioError(file, [str(error)]) from error


def write_scenario(scenario: Scenario, path: str | PathLike[str]) -> None:
    """Write a scenario to a file of JSON, from which `read_scenario` makes an equal one.

    Args:
        scenario: The scenario, e.g. one that Hypothesis has found.
        path: The file; its name should end in `.json`.

    Raises:
        PlainError: The scenario holds what a file can't say, such as run times that are a function.
        OSError: It can't be written.
    """
    text = json.dumps(to_plain(scenario), indent=2, ensure_ascii=False)
    Path(path).write_text(f"{text}\n", encoding="utf-8")
