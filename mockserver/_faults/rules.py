"""Rules: which requests and connections each fault meets, and what all of them do to a request."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypedDict, Unpack

import attrs

from mockserver._faults.connection import Refuse
from mockserver._faults.fault import ConnectionFault, Damages, Delays, Fault, Misleads, Replaces
from mockserver._faults.matching import When
from mockserver._world.kinds import kind_of
from mockserver._world.randomness import Randomness
from mockserver._world.recent import Recent
from mockserver._world.routes import RequestFacts

# A name is in journals, and in the paths of the admin routes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}|")


def _is_name(_instance: object, _attribute: object, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"name must be up to 100 letters, digits and signs of '_.:-', not {name!r}"
        )


@attrs.frozen
class Rule:
    """A fault and the requests that it meets.

    Attributes:
        fault: What happens.
        when: To which requests; by default to all.
        name: Its name in the journal and for `Faults.remove`; empty for one made from the fault.

    Raises:
        ValueError: An impossible name.
    """

    fault: Fault
    when: When = attrs.field(factory=When)
    name: str = attrs.field(default="", validator=_is_name)

    @property
    def needs_request(self) -> bool:
        """Whether only a request can meet it, and no connection as a whole."""
        return self.fault.needs_request or self.when.needs_request

    @property
    def is_for_connections(self) -> bool:
        """Whether it is decided when a connection is made, before there is a request.

        That is so for a `Refuse`, unless its criteria are about something that only a request has.
        """
        return isinstance(self.fault, Refuse) and not self.when.needs_request


def rule_of(given: Fault | Rule) -> Rule:
    """A rule as it is; a bare fault meets every request."""
    return given if isinstance(given, Rule) else Rule(given)


class Criteria(TypedDict, total=False):
    """The criteria of `When`, as keywords."""

    route: str | None
    method: str | None
    job: str | None
    nth: int | None
    every: int | None
    probability: float | None
    after: float | None
    until: float | None
    each_job: bool


@attrs.frozen
class FaultsSnapshot:
    """The rules at one time, with their counts."""

    rules: tuple[Rule, ...]
    counts: Recent[int] = attrs.field(repr=False)


class Faults:
    """The rules in force, in the order in which they were added.

        faults = Faults([Rule(Status(503), When(route="job", every=10))])
        name = faults.add(Delay(2.0), probability=0.1)
        faults.remove(name)

    Which requests are met depends only on the seed and on earlier requests for the same job, or for
    the same route.

    Args:
        rules: The first rules; a bare fault meets every request.
        randomness: The random numbers for probabilities; None for those of seed 0.

    Raises:
        ValueError: Two rules with the same name.
    """

    def __init__(
        self, rules: Iterable[Rule | Fault] = (), randomness: Randomness | None = None
    ) -> None:
        self._randomness = Randomness(0) if randomness is None else randomness
        self._rules: dict[str, Rule] = {}
        self._counts: Recent[int] = Recent(int)
        self._watchers: list[Callable[[], None]] = []
        for rule in rules:
            self._add(rule_of(rule))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, each with its name."""
        return tuple(self._rules.values())

    def __bool__(self) -> bool:
        """Whether there are any rules."""
        return bool(self._rules)

    def __len__(self) -> int:
        """How many rules there are."""
        return len(self._rules)

    def add(
        self,
        fault: Fault,
        *,
        name: str | None = None,
        when: When | None = None,
        **criteria: Unpack[Criteria],
    ) -> str:
        """Add a rule after the others, and return its name.

        Args:
            fault: What happens.
            name: The rule's name; None for one made from the fault.
            when: The requests that it meets.
            **criteria: Or the criteria for them, see `When`.

        Raises:
            ValueError: There is a rule with this name already, or a criterion is impossible.
            TypeError: Both `when` and criteria, or an unknown criterion.
        """
        if when is not None and criteria:
            raise TypeError("either when or criteria can be given, and not both")
        return self._add(Rule(fault, When(**criteria) if when is None else when, name or ""))

    def _add(self, rule: Rule) -> str:
        name = rule.name or self._free_name(kind_of(type(rule.fault)))
        if name in self._rules:
            raise ValueError(f"there is a rule {name!r} already")
        self._rules[name] = attrs.evolve(rule, name=name)
        self._notify()
        return name

    def _free_name(self, kind: str) -> str:
        if kind not in self._rules:
            return kind
        return next(name for n in itertools.count(2) if (name := f"{kind}-{n}") not in self._rules)

    def remove(self, name: str) -> None:
        """Remove a rule, with its counts.

        Raises:
            KeyError: There is no rule with this name.
        """
        del self._rules[name]
        self._counts.forget(_key(name, ""))
        self._notify()

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()
        self._counts = Recent(int)
        self._notify()

    @contextlib.contextmanager
    def watched(self, on_change: Callable[[], None]) -> Iterator[None]:
        """Call `on_change` whenever the rules change, for as long as the context is open."""
        self._watchers.append(on_change)
        try:
            yield
        finally:
            self._watchers.remove(on_change)

    def _notify(self) -> None:
        for on_change in self._watchers:
            on_change()

    def choose(self, request: RequestFacts) -> tuple[Rule, ...]:
        """The rules that a request meets, in their order. Call it once for each request.

        Rules that are for connections are not among them.
        """
        return tuple(rule for rule in self._rules.values() if self._meets(rule, request))

    def _meets(self, rule: Rule, request: RequestFacts) -> bool:
        when = rule.when
        if rule.is_for_connections or not when.fits(request):
            return False
        if when.nth is not None or when.every is not None:
            job = request.job_id or "" if when.each_job else ""
            if not when.counts(self.count(rule, "met", job)):
                return False
        return when.probability is None or self.draw(rule, "meets", request) < when.probability

    def choose_for_connection(self, at: float, number: int) -> tuple[Rule, ...]:
        """The rules with a connection fault that a connection meets, in their order.

        These are the rules without criteria about requests: here `nth` and `every` count
        connections, and a probability is that of one connection. A server that knows requests
        applies only those with `is_for_connections` to the connection, and the others to its
        requests.

        Args:
            at: When the connection is made, in seconds since the world's start.
            number: The number of the connection, counted from 1.
        """
        return tuple(
            rule
            for rule in self._rules.values()
            if not rule.needs_request
            and rule.when.has_time(at)
            and rule.when.counts(number)
            and (
                rule.when.probability is None
                or self._randomness.uniform("fault", rule.name, "connection", number)
                < rule.when.probability
            )
        )

    def count(self, rule: Rule, purpose: str, of: str = "") -> int:
        """Add one to a count of a rule, and return the count.

        Args:
            rule: The rule.
            purpose: What is counted.
            of: For what it is counted separately, e.g. a job.
        """
        key = _key(rule.name, purpose, of)
        number = self._counts[key] + 1
        self._counts[key] = number
        return number

    def draw(self, rule: Rule, purpose: str, request: RequestFacts) -> float:
        """The next random number in [0, 1) of a rule for the job of a request, or for its route.

        It doesn't depend on requests for other jobs and routes.
        """
        route = "" if request.route is None else request.route.template
        of = f"{request.method} {request.job_id or route}"
        number = self.count(rule, purpose, of)
        return self._randomness.uniform("fault", rule.name, purpose, of, number)

    def snapshot(self) -> FaultsSnapshot:
        """The rules and counts as they are; see `restore`."""
        return FaultsSnapshot(self.rules, self._counts.copy(int))

    def restore(self, snapshot: FaultsSnapshot) -> None:
        """Return to the rules and counts of a snapshot."""
        self._rules = {rule.name: rule for rule in snapshot.rules}
        self._counts = snapshot.counts.copy(int)
        self._notify()


def _key(*parts: str) -> str:
    # No name of a rule contains the separator, and no purpose.
    return "\x1f".join(parts)


@attrs.frozen
class Plan:
    """What happens to a request because of the rules that it meets.

    Delays add up. The first fault that replaces the answer does so, and the route never sees the
    request. The faults that mislead change the job that is reported, one after the other. The
    faults that damage change the answer, even if it is an error. The server carries out the rest.
    `delay` is in the world's seconds.
    """

    names: tuple[str, ...] = ()
    delay: float = 0.0
    replacement: Replaces | None = None
    misleading: tuple[Rule, ...] = ()
    damages: tuple[Damages, ...] = ()
    connection: tuple[ConnectionFault, ...] = ()


NOTHING: Final = Plan()
"""What happens to a request that meets no rule."""


def plan_for(faults: Faults, request: RequestFacts) -> Plan:
    """Choose the rules that a request meets, and what they do; call it once for each request."""
    rules = faults.choose(request)
    if not rules:
        return NOTHING
    delay = 0.0
    for rule in rules:
        if isinstance(rule.fault, Delays):
            delay += rule.fault.drawn(faults.draw(rule, "delay", request))
    met = [rule.fault for rule in rules]
    return Plan(
        names=tuple(rule.name for rule in rules),
        delay=delay,
        replacement=next((fault for fault in met if isinstance(fault, Replaces)), None),
        misleading=tuple(rule for rule in rules if isinstance(rule.fault, Misleads)),
        damages=tuple(fault for fault in met if isinstance(fault, Damages)),
        connection=tuple(fault for fault in met if isinstance(fault, ConnectionFault)),
    )
