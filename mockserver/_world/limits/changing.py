"""Limits that are no fixed rate: on the requests under way, and on what changes with time."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable

import attrs

from mockserver._world.limits.limit import ADMITTED, Admitted, Hint, Limit, Refused


@attrs.define
class Concurrency:
    """Admits a request while fewer than `most` are under way.

    Attributes:
        most: Requests under way at once.
        retry_after: What those that are refused are told, in seconds: the limit can't know when a
            request under way will end, and so says always the same, as servers do.
    """

    most: int = attrs.field(validator=attrs.validators.ge(1), on_setattr=attrs.setters.frozen)
    retry_after: float = attrs.field(
        default=1.0, validator=attrs.validators.ge(0), on_setattr=attrs.setters.frozen
    )
    _under_way: int = attrs.field(default=0, init=False, repr=False, eq=False)

    def admit(self, t: float, /) -> Admitted | Refused:
        """Admit it if there is a place."""
        verdict = self.verdict(t)
        self._under_way += verdict is ADMITTED
        return verdict

    def verdict(self, t: float, /) -> Admitted | Refused:  # noqa: ARG002 - the protocol has it
        """Whether there is a place."""
        return ADMITTED if self._under_way < self.most else Refused(self.retry_after)

    def finish(self, t: float, /) -> None:  # noqa: ARG002 - the protocol has it
        """A place is free again.

        Raises:
            ValueError: No request is under way.
        """
        if not self._under_way:
            raise ValueError("no request is under way that could finish")
        self._under_way -= 1

    def hint(self, t: float, /) -> Hint | None:  # noqa: ARG002 - the protocol has it
        """Nothing: the fields for a rate can't say it."""
        return None

    def fresh(self) -> Concurrency:
        """The same, with nothing under way."""
        return Concurrency(self.most, self.retry_after)

    def copy(self) -> Concurrency:
        """The same, with nothing under way."""
        return self.fresh()


Phases = tuple[tuple[float, Limit], ...]


def _phases(given: Iterable[tuple[float, Limit]]) -> Phases:
    return tuple((float(begin), limit) for begin, limit in given)


def _in_order(_instance: object, _attribute: object, phases: Phases) -> None:
    begins = [begin for begin, _ in phases]
    if not begins or begins[0] != 0:
        raise ValueError("the first limit of a schedule begins at 0 s")
    if any(after <= before for before, after in itertools.pairwise(begins)):
        raise ValueError(f"the limits of a schedule begin one after the other, not at {begins}")


@attrs.define
class Scheduled:
    """One limit after another: `Scheduled([(0, TokenBucket(20, 20)), (300, TokenBucket(5, 5))])`.

    Each begins in its first state when its time comes: what came before it does not count.

    Attributes:
        phases: When each limit begins, in seconds since the world's start, and the limit.

    Raises:
        ValueError: The first does not begin at 0, or one not after the one before it.
    """

    phases: Phases = attrs.field(
        converter=_phases, validator=_in_order, on_setattr=attrs.setters.frozen
    )
    _limits: list[Limit] = attrs.field(
        default=attrs.Factory(
            lambda self: [limit.fresh() for _, limit in self.phases], takes_self=True
        ),
        init=False,
        repr=False,
        eq=False,
    )
    _latest: float = attrs.field(default=-math.inf, init=False, repr=False, eq=False)
    # How many requests of each phase are under way.
    _under_way: list[int] = attrs.field(
        default=attrs.Factory(lambda self: [0] * len(self.phases), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )

    def _phase(self, t: float) -> int:
        self._latest = max(self._latest, t, 0.0)
        return bisect_right(self.phases, self._latest, key=lambda phase: phase[0]) - 1

    def admit(self, t: float, /) -> Admitted | Refused:
        """Decide as the limit of this time does; a change ahead is known to nobody."""
        phase = self._phase(t)
        verdict = self._limits[phase].admit(t)
        self._under_way[phase] += isinstance(verdict, Admitted)
        return verdict

    def verdict(self, t: float, /) -> Admitted | Refused:
        """What the limit of this time would decide."""
        return self._limits[self._phase(t)].verdict(t)

    def finish(self, t: float, /) -> None:
        """Tell the limit that admitted it, taking those under way to end oldest first.

        Raises:
            ValueError: No request is under way.
        """
        for phase, count in enumerate(self._under_way):
            if count:
                self._under_way[phase] -= 1
                self._limits[phase].finish(t)
                return
        raise ValueError("no request is under way that could finish")

    def hint(self, t: float, /) -> Hint | None:
        """What the limit of this time tells."""
        return self._limits[self._phase(t)].hint(t)

    def fresh(self) -> Scheduled:
        """The same, before its first limit."""
        return Scheduled(self.phases)

    def copy(self) -> Scheduled:
        """The same, at the same point and with its limits as they are."""
        other = self.fresh()
        other._limits = [limit.copy() for limit in self._limits]  # noqa: SLF001 - of its own class
        other._latest = self._latest  # noqa: SLF001 - of its own class
        return other
