"""`MockLegnext`: a stand-in for the service, to be used in a program or a test."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from mockserver._api.files import FILES
from mockserver._api.hints import DEFAULT_HINTS, Hints
from mockserver._api.outputs import RESULTS_URL
from mockserver._api.quirks import DEFAULT_QUIRKS, Quirks
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._faults import Faults
from mockserver._serving.app import build_app
from mockserver._serving.clocks import WorldClock
from mockserver._serving.control.control import Control
from mockserver._serving.control.routes import admin_routes
from mockserver._serving.latency import Latency
from mockserver._serving.network import MemoryBackend, MemoryTransport, serve_connection
from mockserver._serving.network.acceptor import Door
from mockserver._serving.network.sockets import serve_app
from mockserver._serving.service import Service
from mockserver._serving.webhooks import Webhooks, WebhookSettings
from mockserver._world import TYPICAL, Distribution, Fixed, LimitRules, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
    from datetime import datetime

    import httpx
    import trio
    from starlette.types import ASGIApp

    from mockserver._api.moderation import Moderation
    from mockserver._faults import Fault, Rule
    from mockserver._serving.app import Layer
    from mockserver._serving.control.snapshots import Part
    from mockserver._world import (
        Account,
        Failures,
        LimitLike,
        Order,
        Preset,
        RunTimes,
        WhenFull,
    )


class MockLegnext(Control):
    """A simulated account and the API in front of it, with all that can be done to it (`Control`).

    What happens in it is a function of the seed, of what is done to it and of the time, and of
    nothing else.

        async def test_my_pipeline():
            mock = MockLegnext(seed=7)
            ids = mock.add_jobs(1000)
            async with httpx.AsyncClient(transport=mock.transport()) as client:
                ...

    Args:
        seed: Two mocks of the same seed, to which the same is done, behave the same.
        slots: How many jobs run at once; the others wait. None for no limit. Also in one word with
            `when_full`: `"queue@6"`, `"reject@6"`.
        order: Which waiting job gets a free slot: `"fifo"`, the first, `"random"`, any, or
            `"priority"`, the one of the highest priority.
        when_full: What becomes of a submit when there are as many unfinished jobs as slots:
            `"queue"`, it waits, or `"reject"`, it is answered with 429.
        clock: Gives seconds, from whatever origin. By default Trio's clock; for another event
            loop or a server in another process, e.g. `time.monotonic`.
        time_scale: How many seconds pass in the world while one passes on the clock.
        epoch: What the calendar says at the world's start; a fixed date by default, so that the
            bytes of a simulated run are the same every time.
        run_times: How long jobs run, once they are processed; by default lognormal within the
            published range of their task type. See `mockserver._world.durations`. Or a `Preset` or
            the name of one, e.g. `"relax"`, which also says how long jobs wait and how often they
            fail.
        failure_share: The share of jobs that fail, from 0 to 1; None for what the preset says, and
            without one for none.
        failures: How often jobs fail, by mode; instead of `failure_share`.
        priorities: The priority of jobs by task type, for the order `"priority"`; 0 for the others.
        account: What there is to spend and what jobs cost; by default as in the published sample.
        limit: How many requests are admitted, e.g. `TokenBucket(rate=10, burst=10)`; the others
            are answered with 429 and a `Retry-After`. With a `LimitRule` it is about each key, each
            job or one route; several can be given. Used as a description: each mock begins with
            one in its first state. None for no limit.
        hints: How clients are told of the limits; by default by `Retry-After` alone.
        faults: What goes wrong from the start, and when: `Rule`s, or bare faults that meet every
            request.
        latency: How long each answer takes, in the world's seconds; or a distribution of it.
        api_keys: The keys that are let in; None for any, as long as there is one.
        quirks: The shapes in which the API answers; by default those documented.
        moderation: Which prompts are refused with 403; None for none.
        webhooks: How callbacks are told of their jobs; None for once and at once, on this machine.
        admin: Whether there are the routes `/__admin/…`, by which whoever reaches the mock can read
            and change all of it.
        admin_hosts: The names of this machine by which those routes may be asked for, besides its
            addresses and `localhost`: what keeps the pages of other sites out.
        keep_requests: How many requests the journal keeps, the latest; None for all of them.

    Attributes:
        world: The simulated account.
        app: The API as an ASGI application, for any server.
        requests: The journal: every request and its answer.
        crashes: Errors inside the mock itself, each of them a bug. The pytest fixture raises them.

    Raises:
        ValueError: A setting out of its range.
    """

    def __init__(
        self,
        seed: int = 0,
        slots: int | str | None = 12,
        *,
        order: Order = "fifo",
        when_full: WhenFull = "queue",
        clock: Callable[[], float] | None = None,
        time_scale: float = 1.0,
        epoch: datetime = DEFAULT_EPOCH,
        run_times: RunTimes | Preset | str = TYPICAL,
        failure_share: float | None = None,
        failures: Failures | None = None,
        priorities: Mapping[str, int] | None = None,
        account: Account | None = None,
        limit: LimitLike = None,
        hints: Hints = DEFAULT_HINTS,
        faults: Iterable[Rule | Fault] = (),
        latency: float | Distribution = 0.0,
        api_keys: Collection[str] | None = None,
        quirks: Quirks = DEFAULT_QUIRKS,
        moderation: Moderation | None = None,
        webhooks: WebhookSettings | None = None,
        admin: bool = True,
        admin_hosts: Collection[str] = (),
        keep_requests: int | None = None,
    ) -> None:
        if isinstance(api_keys, str):
            raise TypeError("api_keys is a collection of keys, not one key")
        if isinstance(admin_hosts, str):
            raise TypeError("admin_hosts is a collection of names, not one name")
        if isinstance(latency, (int, float)):
            delay: Distribution | None = Fixed(latency) if latency else None
        else:
            delay = latency
        world = World(
            seed,
            slots=slots,
            order=order,
            when_full=when_full,
            run_times=run_times,
            failure_share=failure_share,
            failures=failures,
            priorities=priorities,
            account=account,
        )
        service = Service(
            world=world,
            now=WorldClock(clock, time_scale),
            epoch=epoch,
            latency=None if delay is None else Latency(delay, world.randomness),
            api_keys=None if api_keys is None else frozenset(api_keys),
            quirks=quirks,
            moderation=moderation,
            limits=LimitRules(limit),
            hints=hints,
            faults=Faults(faults, world.randomness),
        )
        super().__init__(service, Webhooks(service, webhooks or WebhookSettings()))
        self.requests.keep = keep_requests
        self._admin_routes = admin_routes(self, admin_hosts) if admin else []
        self.app: ASGIApp = self._build_app()
        self._door = Door(service.faults, service.now, knows_requests=True)

    def _build_app(self, behind_gate: Layer | None = None) -> ASGIApp:
        return build_app(
            self._service, self._webhooks, other_routes=self._admin_routes, behind_gate=behind_gate
        )

    def _replay(self, cues: Part, layer: Layer) -> None:
        """Put a replay between the gate and the routes; its cues belong in snapshots."""
        self._parts.append(cues)
        self.app = self._build_app(layer)
        self.mark_start()

    def transport(self, *, connect_seconds: float = 0.0) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient` that leads to this mock, whatever the host.

        Real HTTP/1.1 over streams in memory, in the same Trio run: timeouts fire in the run's time.

        Args:
            connect_seconds: How long it takes to connect, in seconds.
        """
        backend = MemoryBackend(self._serve_stream, connect_seconds, self._door.admit)
        return MemoryTransport(backend)

    async def _serve_stream(self, stream: trio.abc.Stream) -> None:
        self.webhooks.wake()
        await serve_connection(self.app, stream, self._service.note_crash)

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve on a socket, in this Trio run, for as long as the context is open.

        For a run in real time: a virtual clock would jump ahead whenever the bytes are on their
        way. To be quick, set a `time_scale`.

            async with mock.serve() as url: ...

        Args:
            host: The address to listen on.
            port: The port; 0 for any that is free.

        Yields:
            The URL, e.g. `"http://127.0.0.1:49152"`; results lie there too, under `/files/`.

        Raises:
            OSError: On entering: the address can't be listened on.
        """
        service = self._service
        self.webhooks.wake()
        serving = serve_app(self.app, host, port, on_crash=service.note_crash, door=self._door)
        async with serving as url:
            service.results_at = f"{url}{FILES}"
            try:
                yield url
            finally:
                service.results_at = RESULTS_URL

    def __repr__(self) -> str:
        return f"<MockLegnext seed={self.world.seed}: {len(self.world)} jobs, {self.requests!r}>"
