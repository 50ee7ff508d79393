"""Accepting connections: the faults of each, and when all of them are refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from mockserver._faults.connection import Refuse
from mockserver._faults.fault import ConnectionFault

if TYPE_CHECKING:
    from mockserver._faults.rules import Faults, Rule
    from mockserver._serving.clocks import WorldClock


class Door:
    """Counts the connections to a server, and chooses the faults of each.

    If the server knows requests, most rules apply to requests, and only the others to connections.
    """

    def __init__(self, faults: Faults, now: WorldClock, *, knows_requests: bool) -> None:
        self._faults = faults
        self._now = now
        self._knows_requests = knows_requests
        self._number = 0

    def admit(self) -> tuple[ConnectionFault, ...]:
        """The faults of the next connection."""
        self._number += 1
        return tuple(
            rule.fault
            for rule in self._faults.choose_for_connection(self._now(), self._number)
            if isinstance(rule.fault, ConnectionFault)
            and (rule.is_for_connections or not self._knows_requests)
        )

    @property
    def is_shut(self) -> bool:
        """Whether all connections are refused now, by a rule with no criteria but a time window."""
        at = self._now()
        return any(_shuts(rule) and rule.when.has_time(at) for rule in self._faults.rules)

    async def until_shut(self) -> None:
        """Wait until all connections are refused."""
        while not self.is_shut:
            await self._until_it_may_differ()

    async def until_open(self) -> None:
        """Wait until connections are accepted again."""
        while self.is_shut:
            await self._until_it_may_differ()

    async def _until_it_may_differ(self) -> None:
        at = self._now()
        windows = [rule.when for rule in self._faults.rules if _shuts(rule)]
        edges = [t for when in windows for t in (when.after, when.until) if t is not None]
        next_edge = min((t for t in edges if t > at), default=math.inf)
        with trio.CancelScope() as wait, self._faults.watched(wait.cancel):
            await self._now.wait_until(next_edge)


def _shuts(rule: Rule) -> bool:
    when = rule.when
    return (
        isinstance(rule.fault, Refuse)
        and rule.is_for_connections
        and when.nth is when.every is when.probability is None
    )
