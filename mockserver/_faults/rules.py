"""Rules: which fault meets which requests and connections; and the counting that this takes."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypedDict, Unpack

import attrs

from mockserver._faults.connection import Refuse
from mockserver._faults.fault import Fault
from mockserver._faults.matching import When
from mockserver._world import Randomness
from mockserver._world.kinds import kind_of
from mockserver._world.recent import Recent
from mockserver._world.routes import RequestFacts

# A name stands in journals, and in the paths of the admin routes.
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
        name: By which it is known in the journal, and can be removed; empty to be given one.

    Raises:
        ValueError: A name that can't be one.
    """

    fault: Fault
    when: When = attrs.field(factory=When)
    name: str = attrs.field(default="", validator=_is_name)

    @property
    def needs_request(self) -> bool:
        """Whether only a request can meet it, and no connection by itself."""
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
    """The rules at one time, and what they had counted by then.

    Attributes:
        rules: The rules.
        counts: The counts.
    """

    rules: tuple[Rule, ...]
    counts: Recent[int] = attrs.field(repr=False)


class Faults:
    """The rules that are on, in the order in which they were added.

        faults = Faults([Rule(Status(503), When(route="job", every=10))])
        name = faults.add(Delay(2.0), probability=0.1)
        faults.remove(name)

    Which requests are met depends on the seed, on the requests of the same kind before, and on
    nothing else: each probability is that of one request for one job, or of one route.

    Args:
        rules: The first ones; a bare fault meets every request.
        randomness: Decides what happens with a probability; None for that of seed 0.

    Raises:
        ValueError: Two rules of one name.
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
        """Add a rule behind the others, and return its name.

        Args:
            fault: What happens.
            name: The rule's name; None to have it named after the fault.
            when: The requests that it meets.
            **criteria: Or the criteria for them, see `When`.

        Raises:
            ValueError: There is a rule of this name already, or a criterion can't be one.
            TypeError: Both `when` and criteria, or a criterion that there isn't.
        """
        if when is not None and criteria:
            raise TypeError("either when or criteria can be given, and not both")
        return self._add(Rule(fault, When(**criteria) if when is None else when, name or ""))

    def _add(self, rule: Rule) -> str:
        name = rule.name or self._free_name(kind_of(type(rule.fault)))
        if name in self._rules:
            raise ValueError(f"there is a rule {name!r} already")
        self._rules[name] = attrs.evolve(rule, name=name)
        self._tell()
        return name

    def _free_name(self, kind: str) -> str:
        if kind not in self._rules:
            return kind
        return next(name for n in itertools.count(2) if (name := f"{kind}-{n}") not in self._rules)

    def remove(self, name: str) -> None:
        """Remove a rule; one that is given its name later begins to count anew.

        Raises:
            KeyError: There is no rule of this name.
        """
        del self._rules[name]
        self._counts.forget(_key(name, ""))
        self._tell()

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()
        self._counts = Recent(int)
        self._tell()

    @contextlib.contextmanager
    def watched(self, on_change: Callable[[], None]) -> Iterator[None]:
        """Call `on_change` whenever there are other rules, for as long as the context is open."""
        self._watchers.append(on_change)
        try:
            yield
        finally:
            self._watchers.remove(on_change)

    def _tell(self) -> None:
        for on_change in self._watchers:
            on_change()

    def choose(self, request: RequestFacts) -> tuple[Rule, ...]:
        """The rules that a request meets, in their order; each request is to be asked about once.

        Those that are for connections are not among them.
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

        They are those whose criteria ask nothing about a request: `nth` and `every` count
        connections here, and a probability is that of one connection. Where requests are known as
        well, only those with `is_for_connections` act on the connection; the others are chosen for
        its requests.

        Args:
            at: When it is made, in seconds since the world's start.
            number: How many connections there were until then, this one included.
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
        """Count one more for a rule, and return how many there are now.

        Args:
            rule: The rule.
            purpose: What is counted.
            of: Whose it is, e.g. a job.
        """
        key = _key(rule.name, purpose, of)
        number = self._counts[key] + 1
        self._counts[key] = number
        return number

    def draw(self, rule: Rule, purpose: str, request: RequestFacts) -> float:
        """A number in [0, 1) that a rule has for a request: another one each time it is drawn.

        It depends on how many were drawn before for the same job, or for the same route, and on no
        other requests.
        """
        route = "" if request.route is None else request.route.template
        of = f"{request.method} {request.job_id or route}"
        number = self.count(rule, purpose, of)
        return self._randomness.uniform("fault", rule.name, purpose, of, number)

    def snapshot(self) -> FaultsSnapshot:
        """The rules and counts as they are, to go back to."""
        return FaultsSnapshot(self.rules, self._counts.copy(int))

    def restore(self, snapshot: FaultsSnapshot) -> None:
        """Go back to the rules and counts of a snapshot."""
        self._rules = {rule.name: rule for rule in snapshot.rules}
        self._counts = snapshot.counts.copy(int)
        self._tell()


def _key(*parts: str) -> str:
    # No name of a rule contains it, and no purpose.
    return "\x1f".join(parts)
