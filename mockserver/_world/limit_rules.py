"""Which limits a request meets: those of the account, of its key, of its job, of its route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

import attrs

from mockserver._world.limits import Admitted, Hint, Limit, Refused
from mockserver._world.recent import Recent
from mockserver._world.routes import RequestFacts, is_route_word

Per: TypeAlias = Literal["account", "key", "job"]
"""Whose requests are counted together."""


@attrs.frozen
class LimitRule:
    """A limit and the requests that it counts.

    Attributes:
        limit: The limit; a description, of which each world has its own in its first state.
        per: Whether it counts the requests of the whole account together, or those of each API key
            or those for each job's status separately. Per job, requests without a job aren't
            limited.
        route: The only route whose requests count, by its template or name as in `When`; None for
            all. `"submit"` counts the submits of all task types together.

    Raises:
        ValueError: There is no such route, or nothing that could be counted per `per`.
    """

    limit: Limit
    per: Per = attrs.field(default="account", validator=attrs.validators.in_(get_args(Per)))
    route: str | None = attrs.field(default=None, validator=is_route_word)

    @property
    def label(self) -> str:
        """Its name in the `RateLimit` fields."""
        return self.per if self.route is None else f"{self.per}:{self.route}"


LimitLike: TypeAlias = Limit | LimitRule | Iterable[Limit | LimitRule] | None
"""Limits as they may be given: a bare one counts all requests of the account."""


def limit_rule(given: Limit | LimitRule) -> LimitRule:
    """A rule as it is; a bare limit counts all requests of the account."""
    return given if isinstance(given, LimitRule) else LimitRule(given)


@attrs.frozen
class Ticket:
    """What an admitted request holds until it is answered; it passes after `delay` seconds."""

    delay: float
    _limits: tuple[Limit, ...] = attrs.field(repr=False)

    @property
    def is_counted(self) -> bool:
        """Whether any limit has counted it."""
        return bool(self._limits)

    def finish(self, t: float) -> None:
        """Tell the limits that it has been answered at `t`, in seconds since the world's start."""
        for limit in self._limits:
            limit.finish(t)


_PASSES: Final = Ticket(0.0, ())


class _Live:
    """A rule with the state of its limit, or with one state for each key or job."""

    def __init__(self, rule: LimitRule) -> None:
        self.rule = rule
        self._states: Recent[Limit] = Recent(rule.limit.fresh)

    def limit_for(self, request: RequestFacts) -> Limit | None:
        """The limit that counts a request, or None if none does."""
        rule = self.rule
        if rule.route is not None and not request.is_for(rule.route):
            return None
        match rule.per:
            case "account":
                return self._states[""]
            case "key":
                return self._states[request.key]
            case _:
                return None if request.job_id is None else self._states[request.job_id]

    def copy(self) -> _Live:
        """The same in its present state, with no request under way."""
        other = _Live(self.rule)
        other._states = self._states.copy(lambda limit: limit.copy())
        return other


class LimitRules:
    """All limits that are in force.

    A request asks every limit that counts it. It passes if all of them admit it, and then it counts
    with each. If one refuses it, it counts with none, and is told the longest wait.
    """

    def __init__(self, limit: LimitLike = None) -> None:
        self._live: tuple[_Live, ...] = ()
        self.replace(limit)

    @property
    def rules(self) -> tuple[LimitRule, ...]:
        """The rules."""
        return tuple(live.rule for live in self._live)

    def replace(self, limit: LimitLike) -> None:
        """Replace these limits by others, in their first states.

        Requests under way end where they were admitted, and count nowhere else.
        """
        if limit is None:
            limit = ()
        elif not isinstance(limit, Iterable):
            limit = (limit,)
        self._live = tuple(_Live(limit_rule(given)) for given in limit)

    def _limits_for(self, request: RequestFacts) -> list[tuple[LimitRule, Limit]]:
        asked = ((live.rule, live.limit_for(request)) for live in self._live)
        return [(rule, limit) for rule, limit in asked if limit is not None]

    def admit(self, request: RequestFacts) -> Ticket | Refused:
        """Decide about a request that arrives; a ticket must be finished when it is answered."""
        if not self._live:
            return _PASSES
        limits = tuple(limit for _, limit in self._limits_for(request))
        verdicts = [limit.verdict(request.at) for limit in limits]
        waits = [verdict.retry_after for verdict in verdicts if isinstance(verdict, Refused)]
        if waits:
            return Refused(max(waits))
        for limit in limits:
            limit.admit(request.at)
        delays = [verdict.delay for verdict in verdicts if isinstance(verdict, Admitted)]
        return Ticket(max(delays, default=0.0), limits)

    def hints(self, request: RequestFacts, t: float) -> list[tuple[str, Hint]]:
        """What the limits that count a request tell about themselves at `t`, by their labels.

        Of those with the same label, all but the first have a number appended.
        """
        hints: list[tuple[str, Hint]] = []
        known: Counter[str] = Counter()
        for rule, limit in self._limits_for(request):
            if (hint := limit.hint(t)) is not None:
                known[rule.label] += 1
                number = known[rule.label]
                hints.append((rule.label if number == 1 else f"{rule.label} {number}", hint))
        return hints

    def snapshot(self) -> tuple[_Live, ...]:
        """The limits as they are, with what they have counted; see `restore`."""
        return tuple(live.copy() for live in self._live)

    def restore(self, snapshot: tuple[_Live, ...]) -> None:
        """Return to the limits of a snapshot."""
        self._live = tuple(live.copy() for live in snapshot)
