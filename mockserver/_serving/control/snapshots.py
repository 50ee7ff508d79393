"""Snapshots of a whole mock: what it is at one moment, to go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver._faults.rules import FaultsSnapshot
    from mockserver._replay.cues import Asked
    from mockserver._serving.journal.journal import JournalSnapshot
    from mockserver._serving.service import Service
    from mockserver._serving.webhooks.live import WebhooksState
    from mockserver._world import WorldSnapshot
    from mockserver._world.limits.rules import LimitsSnapshot
    from mockserver._world.recent import Recent


@attrs.frozen(eq=False)
class Snapshot:
    """A mock as it was at one moment; it never changes, and can be gone back to many times.

    Requests that were under way are in no snapshot.

    Attributes:
        at: When it was taken, in seconds since the world's start.
        is_frozen: Whether the world's time stood still.
        world: The jobs, and all that is to come of them.
        limits: The limits, with what they had counted.
        faults: The faults, with what they had counted.
        webhooks: What was still to be told, and what had been.
        journal: The requests.
        asked: How often each path had been asked for, where latencies are drawn.
        cues: How far a replay had come.
    """

    at: float
    is_frozen: bool
    world: WorldSnapshot = attrs.field(repr=False)
    limits: LimitsSnapshot = attrs.field(repr=False)
    faults: FaultsSnapshot = attrs.field(repr=False)
    webhooks: WebhooksState = attrs.field(repr=False)
    journal: JournalSnapshot = attrs.field(repr=False)
    asked: Recent[int] = attrs.field(repr=False)
    cues: Mapping[Asked, int] = attrs.field(repr=False)

    @classmethod
    def of(cls, service: Service) -> Snapshot:
        """A service as it is now."""
        at = service.now()
        service.world.advance(at)
        return cls(
            at=at,
            is_frozen=service.now.is_frozen,
            world=service.world.snapshot(),
            limits=service.limits.snapshot(),
            faults=service.faults.snapshot(),
            webhooks=service.webhooks.snapshot(),
            journal=service.journal.snapshot(),
            asked=service.asked.copy(int),
            cues={} if service.cues is None else service.cues.snapshot(),
        )

    def put_back(self, service: Service) -> None:
        """Make a service what it was, and its clock go on from `at`.

        Raises:
            ValueError: It is of another seed.
        """
        # The world first: it is what refuses a snapshot that isn't its own.
        service.world.restore(self.world)
        service.now.set(self.at)
        if self.is_frozen:
            service.now.freeze()
        else:
            service.now.resume()
        service.limits.restore(self.limits)
        service.faults.restore(self.faults)
        service.journal.restore(self.journal)
        service.asked = self.asked.copy(int)
        service.webhooks.restore(self.webhooks)
        if service.cues is not None:
            service.cues.restore(self.cues)
