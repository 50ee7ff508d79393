"""The service behind the routes: a world, its clock, and what is kept about requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from mockserver._api.hints import DEFAULT_HINTS, Hints
from mockserver._api.outputs import RESULTS_URL
from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._faults import Faults
from mockserver._serving.journal import Journal
from mockserver._serving.webhooks import Webhooks, WebhookSettings
from mockserver._world import LimitRules
from mockserver._world.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from mockserver._api.moderation import Moderation
    from mockserver._replay.cues import Cues
    from mockserver._serving.clocks import WorldClock
    from mockserver._serving.control.snapshots import Snapshot
    from mockserver._world import Distribution, World


@attrs.define(eq=False)
class Service:
    """One running mock of the API.

    Attributes:
        world: The simulated account.
        now: Gives the time, in seconds since the world's start.
        epoch: What the calendar said when the world began.
        latency: How long answers take, in the world's seconds; None for no time at all.
        api_keys: The keys that are accepted; None for any.
        quirks: The shapes in which the API answers.
        moderation: Which prompts are refused; None for none.
        webhook_settings: Whom webhooks are sent to at the start, when, and what goes wrong.
        webhooks: What tells the callbacks of jobs.
        limits: How many requests are admitted.
        hints: How clients are told of the limits.
        faults: What goes wrong.
        results_at: Where results lie, in the bodies of webhooks; in answers that depends on how the
            API was reached.
        admin: Whether there are the admin routes.
        admin_hosts: The names of this machine by which the admin routes may be asked for, besides
            `localhost`.
        start: What `Control.reset` leads back to.
        cues: What happens to which request, where a recording is replayed; else None.
        journal: The requests so far.
        asked: How often each path was asked for, where latencies are drawn.
        crashes: What went wrong in the mock itself: bugs, to be raised where the mock is used.
    """

    world: World
    now: WorldClock
    epoch: datetime
    latency: Distribution | None
    api_keys: Collection[str] | None
    quirks: Quirks = DEFAULT_QUIRKS
    moderation: Moderation | None = None
    webhook_settings: WebhookSettings = attrs.field(factory=WebhookSettings)
    limits: LimitRules = attrs.field(factory=LimitRules)
    hints: Hints = DEFAULT_HINTS
    faults: Faults = attrs.field(
        default=attrs.Factory(
            lambda self: Faults(randomness=self.world.randomness), takes_self=True
        )
    )
    results_at: str = RESULTS_URL
    admin: bool = True
    admin_hosts: Collection[str] = ()
    start: Snapshot | None = attrs.field(default=None, init=False)
    cues: Cues | None = attrs.field(default=None, init=False)
    journal: Journal = attrs.field(factory=Journal, init=False)
    crashes: list[Exception] = attrs.field(factory=list, init=False)
    webhooks: Webhooks = attrs.field(
        default=attrs.Factory(lambda self: Webhooks(self, self.webhook_settings), takes_self=True),
        init=False,
    )
    asked: Recent[int] = attrs.field(factory=lambda: Recent(int), init=False)

    def accepts(self, api_key: str) -> bool:
        """Whether requests with this key are let in."""
        return bool(api_key) if self.api_keys is None else api_key in self.api_keys

    def note_crash(self, error: Exception) -> None:
        """Keep an error that nobody here expected; once, through however many hands it goes."""
        if not any(error is known for known in self.crashes):
            self.crashes.append(error)

    def draw_latency(self, latency: Distribution, method: str, path: str) -> float:
        """How long this answer takes, in the world's seconds.

        It depends on how many of its like came before, and on no other requests.
        """
        key = f"{method} {path}"
        count = self.asked[key] + 1
        self.asked[key] = count
        share = self.world.randomness.uniform("latency", key, count)
        return latency.quantile(share)
