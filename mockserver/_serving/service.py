"""The service behind the routes: a world, its clock, and what is kept about requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from mockserver._api.hints import DEFAULT_HINTS, Hints
from mockserver._api.outputs import RESULTS_URL
from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._faults import Faults
from mockserver._serving.journal import Journal
from mockserver._world.limit_rules import LimitRules

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from mockserver._api.moderation import Moderation
    from mockserver._serving.clocks import WorldClock
    from mockserver._serving.latency import Latency
    from mockserver._world.world import World


@attrs.define(eq=False)
class Service:
    """One running mock of the API: what its routes, its webhooks and its control share.

    Attributes:
        world: The simulated account.
        now: Gives the time, in seconds since the world's start.
        epoch: The calendar's time at the world's start.
        latency: How long answers take; None for no time at all.
        api_keys: The accepted keys; None for any.
        quirks: The variants in which the API answers.
        moderation: Which prompts are refused; None for none.
        limits: How many requests are admitted.
        hints: The header fields that report the limits.
        faults: What goes wrong.
        results_at: The URL below which results are, in the bodies of webhooks. In answers that
            depends on the request.
        journal: The requests so far.
        crashes: The errors in the mock itself, each of them a bug. They are raised where the mock
            is used.
    """

    world: World
    now: WorldClock
    epoch: datetime
    latency: Latency | None = None
    api_keys: Collection[str] | None = None
    quirks: Quirks = DEFAULT_QUIRKS
    moderation: Moderation | None = None
    limits: LimitRules = attrs.field(factory=LimitRules)
    hints: Hints = DEFAULT_HINTS
    faults: Faults = attrs.field(
        default=attrs.Factory(
            lambda self: Faults(randomness=self.world.randomness), takes_self=True
        )
    )
    results_at: str = RESULTS_URL
    journal: Journal = attrs.field(factory=Journal, init=False)
    crashes: list[Exception] = attrs.field(factory=list, init=False)

    def accepts(self, api_key: str) -> bool:
        """Whether requests with this key are admitted."""
        return bool(api_key) if self.api_keys is None else api_key in self.api_keys

    def note_crash(self, error: Exception) -> None:
        """Keep an unexpected error, once however often it is reported."""
        if not any(error is known for known in self.crashes):
            self.crashes.append(error)
