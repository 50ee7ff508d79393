"""The service behind the routes: a world, its clock, and what is kept about requests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from mockserver.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from mockserver.clocks import WorldClock
    from mockserver.world import Distribution, World


@attrs.define(eq=False)
class Service:
    """One running mock of the API.

    Attributes:
        world: The simulated account.
        now: Gives the time, in seconds since the world's start.
        epoch: What the calendar said when the world began.
        latency: How long answers take, in the world's seconds; None for no time at all.
        api_keys: The keys that are accepted; None for any.
        journal: The requests so far.
        crashes: What went wrong in the mock itself: bugs, to be raised where the mock is used.
    """

    world: World
    now: WorldClock
    epoch: datetime
    latency: Distribution | None
    api_keys: Collection[str] | None
    journal: Journal = attrs.field(factory=Journal, init=False)
    crashes: list[Exception] = attrs.field(factory=list, init=False)
    _asked: dict[str, int] = attrs.field(factory=dict, init=False)

    def accepts(self, api_key: str) -> bool:
        """Whether requests with this key are let in."""
        return bool(api_key) if self.api_keys is None else api_key in self.api_keys

    def client_seconds(self, world_seconds: float) -> int:
        """How long a client has to wait for so much time to pass in the world; whole seconds."""
        return math.ceil(world_seconds / self.now.time_scale)

    def note_crash(self, error: Exception) -> None:
        """Keep an error that nobody here expected; once, through however many hands it goes."""
        if not any(error is known for known in self.crashes):
            self.crashes.append(error)

    def draw_latency(self, latency: Distribution, method: str, path: str) -> float:
        """How long this answer takes, in the clock's seconds.

        It depends on how many of its like came before, and on no other requests.
        """
        key = f"{method} {path}"
        count = self._asked[key] = self._asked.get(key, 0) + 1
        share = self.world.randomness.uniform("latency", key, count)
        return latency.quantile(share) / self.now.time_scale
