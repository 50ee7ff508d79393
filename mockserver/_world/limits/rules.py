"""Which limits a request meets: those of the account, of its key, of its job, of its route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, Protocol, TypeAlias

import attrs

from mockserver._world.limits.limit import Admitted, Hint, Limit, Refused
from mockserver._world.recent import Recent
from mockserver._world.routes import Route, is_route_word

Per: TypeAlias = Literal["account", "key", "job"]
"""Whose requests are counted together."""
_PER: Final = ("account", "key", "job")


class RequestLike(Protocol):
    """What limits ask about a request; a `RequestFacts` has it."""

    @property
    def at(self) -> float:
        """When it arrives, in seconds since the world's start."""
        ...

    @property
    def route(self) -> Route | None:
        """What it asks for."""
        ...

    @property
    def job_id(self) -> str | None:
        """The job it asks for."""
        ...

    @property
    def key(self) -> str:
        """Whose it is."""
        ...


@attrs.frozen
class LimitRule:
    """A limit and the requests that it is about.

    Attributes:
        limit: The limit; a description, of which each world has one in its first state.
        per: Whether it counts the whole account's requests together, or has a state of its own for
            each API key or for each job's status requests. The requests that have no job are not
            limited per job.
        route: The only route whose requests count, by its template or name as in `When`; None for
            all. `"submit"` counts the submits of all task types together.

    Raises:
        ValueError: There is no such route, or nothing that it could be counted per.
    """

    limit: Limit
    per: Per = attrs.field(default="account", validator=attrs.validators.in_(_PER))
    route: str | None = attrs.field(default=None, validator=is_route_word)

    @property
    def label(self) -> str:
        """How the `RateLimit` fields call it."""
        return self.per if self.route is None else f"{self.per}:{self.route}"


LimitLike: TypeAlias = Limit | LimitRule | Iterable[Limit | LimitRule] | None
"""Limits as they may be given: a bare one is about all requests of the account."""


def _rules(given: LimitLike) -> tuple[LimitRule, ...]:
    match given:
        case None:
            return ()
        case LimitRule():
            return (given,)
        case Iterable():
            return tuple(_rule(each) for each in given)
        case _:
            return (LimitRule(given),)


def _rule(given: Limit | LimitRule) -> LimitRule:
    return given if isinstance(given, LimitRule) else LimitRule(given)


@attrs.frozen
class Ticket:
    """What a request that was admitted has in hand until it is answered.

    Attributes:
        delay: For how many seconds it is held before it passes.
    """

    delay: float
    _limits: tuple[Limit, ...] = attrs.field(repr=False)

    @property
    def is_counted(self) -> bool:
        """Whether any limit has it on its books."""
        return bool(self._limits)

    def finish(self, t: float) -> None:
        """Tell the limits that it has been answered at `t`, in seconds since the world's start."""
        for limit in self._limits:
            limit.finish(t)


_PASSES: Final = Ticket(0.0, ())


class _Live:
    """A rule with the state of its limit, or with one for each key or job."""

    def __init__(self, rule: LimitRule) -> None:
        self.rule = rule
        self._states: Recent[Limit] = Recent(rule.limit.fresh)

    def limit_for(self, request: RequestLike) -> Limit | None:
        """The limit that counts a request, or None where none does."""
        rule = self.rule
        if rule.route is not None and (
            request.route is None or rule.route not in request.route.words
        ):
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


@attrs.frozen(eq=False)
class LimitsSnapshot:
    """The limits at one time, with what they had counted by then.

    Attributes:
        live: The rules, with their limits.
    """

    live: tuple[_Live, ...] = attrs.field(repr=False)


class LimitRules:
    """All limits that are on.

    A request asks every limit that is about it. It passes where all admit it, and then it counts
    with each; where one refuses it, it counts with none, and is told the longest wait.

    Args:
        limit: A limit, a rule, several of them, or None for no limit.
    """

    def __init__(self, limit: LimitLike = None) -> None:
        self._live: tuple[_Live, ...] = ()
        self.replace(limit)

    @property
    def rules(self) -> tuple[LimitRule, ...]:
        """The rules."""
        return tuple(live.rule for live in self._live)

    def replace(self, limit: LimitLike) -> None:
        """Put other limits in the place of these, in their first states.

        Requests under way end where they were admitted, and count nowhere else.
        """
        self._live = tuple(map(_Live, _rules(limit)))

    def _limits_for(self, request: RequestLike) -> list[tuple[LimitRule, Limit]]:
        asked = ((live.rule, live.limit_for(request)) for live in self._live)
        return [(rule, limit) for rule, limit in asked if limit is not None]

    def admit(self, request: RequestLike) -> Ticket | Refused:
        """Decide about a request when it arrives.

        Returns:
            The ticket to be finished when the request has been answered; or the refusal.
        """
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

    def hints(self, request: RequestLike, t: float) -> list[tuple[str, Hint]]:
        """What the limits that are about a request tell of themselves at `t`, by their labels.

        Of those with the same label, all but the first have a number added.
        """
        told: list[tuple[str, Hint]] = []
        known: Counter[str] = Counter()
        for rule, limit in self._limits_for(request):
            if (hint := limit.hint(t)) is not None:
                known[rule.label] += 1
                number = known[rule.label]
                told.append((rule.label if number == 1 else f"{rule.label} {number}", hint))
        return told

    def snapshot(self) -> LimitsSnapshot:
        """The limits as they are, to go back to."""
        return LimitsSnapshot(tuple(live.copy() for live in self._live))

    def restore(self, snapshot: LimitsSnapshot) -> None:
        """Go back to the limits of a snapshot."""
        self._live = tuple(live.copy() for live in snapshot.live)
