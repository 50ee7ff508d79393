"""How features beyond polling hang on a watch: the journal, webhooks, telemetry, generating from prompts.

The engine knows none of them. It tells its extensions what happens, always in the order in which they
were given to it. In the order in which they happen, these are:

1. `open`, for every extension, then `restore`, for every extension. Only then does the watch begin.
2. `run` and `produce`, each in a task of its own.
3. `before_step`, each time before the engine decides which job to poll next.
4. `taken` when a job comes in, and `removed` when it is to be watched no longer.
5. For each event `annotate`, then `observed`; then, only if `delays` says so, `complete`. After that the
   consumer may have it.
6. `acknowledged` and `flush` when the consumer is done with an event, before it gets the next one.
7. `ended` when the watch has ended, for whatever reason. The tasks of 2 are over by then.
8. `close` when the consumer has also read, and acknowledged, to the end, or has left.

An extension belongs to one watch. It overrides what it needs; what no extension overrides costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from legnext_stream._core.answers import Answer
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.tracker import Tracker
from legnext_stream._engine.delivery import Delivery
from legnext_stream._http import Request


class Watch(Protocol):
    """What an extension may use of the watch it belongs to."""

    tracker: Tracker
    delivery: Delivery

    def deliver(self, events: Sequence[JobEvent], size: int = 0) -> None:
        """Take events, made from an answer of `size` bytes, to all extensions and the consumers."""
        ...

    def wake(self) -> None:
        """Have the engine decide again which job to poll next."""
        ...


class Extension:
    """One feature of a watch. See the module for when each method is called.

    The engine sets `watch`, the watch it belongs to, before it calls any method.
    """

    watch: Watch

    async def open(self) -> None:
        """Acquire what is needed. If this raises, the watch ends; `ended` and `close` still follow."""

    async def restore(self) -> Sequence[JobEvent]:
        """Go on from an earlier watch; return the events that its consumer has not acknowledged.

        They are annotated, and perhaps delayed, like others; `observed` is not called for them.
        """
        return ()

    async def run(self) -> None:
        """Work beside the watch. It is cancelled when the watch ends; an error ends the watch."""

    async def produce(self) -> None:
        """Bring in jobs. The watch does not end before this returns; an error ends the watch."""

    def before_step(self) -> None:
        """Tell the tracker what has come other than by polling."""

    def taken(self, item: str | Job) -> None:
        """A job has come in that the watch didn't know; not one that `produce` has brought."""

    def removed(self, job_id: str) -> None:
        """A job is to be watched no longer."""

    def annotate(self, event: JobEvent) -> JobEvent:
        """Return an event with what this extension knows about it."""
        return event

    def observed(self, event: JobEvent) -> None:
        """A new event was made."""

    def delays(self, event: JobEvent) -> bool:
        """Return whether `complete` has to run before the event is delivered."""
        del event
        return False

    async def complete(self, event: JobEvent) -> JobEvent:
        """Do what the event has to wait for; return the event to deliver."""
        return event

    def acknowledged(self, event: JobEvent) -> None:
        """The consumer is done with an event, as it was delivered."""

    async def flush(self) -> None:
        """Return when `acknowledged` has taken effect for good. Overridden together with it."""

    def ended(self) -> None:
        """The watch has ended. Must not raise."""

    async def close(self) -> None:
        """Release everything. Also called under cancellation, so it bounds itself; must not raise."""


class Hooks:
    """The methods that extensions override, each in the order of the extensions.

    Only these are called; what they do is said at `Extension`.
    """

    def __init__(self, extensions: Sequence[Extension]) -> None:
        def overriding(name: str) -> list[Extension]:
            base = getattr(Extension, name)
            return [each for each in extensions if getattr(type(each), name) is not base]

        self.run = [each.run for each in overriding("run")]
        self.produce = [each.produce for each in overriding("produce")]
        self.before_step = [each.before_step for each in overriding("before_step")]
        self.taken = [each.taken for each in overriding("taken")]
        self.removed = [each.removed for each in overriding("removed")]
        self.annotate = [each.annotate for each in overriding("annotate")]
        self.observed = [each.observed for each in overriding("observed")]
        self.delays = overriding("delays")
        self.acknowledged = [each.acknowledged for each in overriding("acknowledged")]
        self.flush = [each.flush for each in overriding("flush")]
        self.close = [each.close for each in overriding("close")]


class Observer(Protocol):
    """Follows an account: all its requests, and each of its watches."""

    async def send(self, request: Request) -> Answer:
        """Send one request over the account's lanes."""
        ...

    def extension(self) -> Extension:
        """Return an extension for a watch that begins. It comes before the watch's own."""
        ...

    def close(self) -> None:
        """The account is closed."""
        ...
