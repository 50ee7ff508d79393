"""`MockLegnext`: a stand-in for the service, for tests and programs."""

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
from mockserver._serving.network import (
    MemoryBackend,
    MemoryTransport,
    require_trio,
    serve_connection,
)
from mockserver._serving.network.acceptor import Door
from mockserver._serving.network.direct import DirectTransport
from mockserver._serving.network.sockets import serve_app
from mockserver._serving.service import Service
from mockserver._serving.webhooks import Webhooks, WebhookSettings
from mockserver._world.checks import texts
from mockserver._world.durations import TYPICAL, Distribution, Fixed
from mockserver._world.limit_rules import LimitRules
from mockserver._world.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
    from datetime import datetime

    import httpx
    import trio
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mockserver._api.moderation import Moderation
    from mockserver._faults import Fault, Rule
    from mockserver._serving.app import Layer
    from mockserver._serving.control.snapshots import Part
    from mockserver._world.account import Account
    from mockserver._world.durations import RunTimes
    from mockserver._world.failures import Failures
    from mockserver._world.limit_rules import LimitLike
    from mockserver._world.presets import Preset
    from mockserver._world.slots import Order, WhenFull


class MockLegnext(Control):
    """A simulated account behind the API, with the methods of `Control` to read and change it.

    What happens depends only on the seed, on the requests and calls, and on the time.

        async def test_my_pipeline():
            mock = MockLegnext(seed=7)
            ids = mock.add_jobs(1000)
            async with httpx.AsyncClient(transport=mock.transport()) as client:
                ...

    Args:
        seed: Two mocks with the same seed behave the same if the same is done to them.
        slots: The most jobs that run at once; others wait. None for no limit. `"queue@6"` and
            `"reject@6"` also set `when_full`.
        order: Which waiting job gets a free slot: `"fifo"`, the first; `"random"`; or `"priority"`,
            the one with the highest priority.
        when_full: What happens to a submit if there are as many unfinished jobs as slots:
            `"queue"`, the job waits; or `"reject"`, the answer is 429.
        clock: Gives seconds, from any origin. By default Trio's clock; for another event loop or a
            server in another process, use `time.monotonic`.
        time_scale: How many seconds pass in the world while one passes on the clock.
        epoch: The calendar time at the world's start; by default a fixed date, so that a simulated
            run has the same bytes every time.
        run_times: How long jobs run once they are processed; by default lognormal within the
            published range of their task type. Or a `Preset` or the name of one, e.g. `"relax"`,
            which also says how long jobs wait and how often they fail.
        failure_share: The share of jobs that fail, from 0 to 1; None for that of the preset, or
            none without a preset.
        failures: How often jobs fail, by mode; in place of `failure_share`.
        priorities: The priority of jobs by task type, for the order `"priority"`; 0 for others.
        account: The balance, and the prices of jobs; by default as in the published sample.
        limit: How many requests are admitted, e.g. `TokenBucket(rate=10, burst=10)`; others get 429
            and a `Retry-After`. A `LimitRule` limits each key, each job or one route; there can be
            several. Each mock starts with a fresh copy. None for no limit.
        hints: The header fields that report limits; by default `Retry-After` alone.
        faults: What goes wrong from the start, and when: `Rule`s, or bare faults that apply to all
            requests.
        latency: How long each answer takes, in the world's seconds; or a distribution of it.
        api_keys: The accepted keys; None for any that isn't empty.
        quirks: The variants in which the API answers; by default as documented.
        moderation: Which prompts are refused with 403; None for none.
        webhooks: How callbacks are made; None for once and without delay, on this machine.
        admin: Whether to serve the routes `/__admin/…`, by which any client of the mock can read
            and change all of it.
        admin_hosts: Names of this machine by which clients may reach those routes, in addition to
            addresses and `localhost`. Other names are refused, to keep out pages of other sites.
        keep_requests: How many of the latest requests the journal keeps; None for all.

    Attributes:
        world: The simulated account.
        app: The API as an ASGI application, for any server.
        requests: The journal: all requests and their answers.
        crashes: The errors in the mock itself, each of them a bug. The pytest fixture raises them.

    Raises:
        ValueError: A setting is out of its range.
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
            api_keys=None if api_keys is None else frozenset(texts(api_keys)),
            quirks=quirks,
            moderation=moderation,
            limits=LimitRules(limit),
            hints=hints,
            faults=Faults(faults, world.randomness),
        )
        super().__init__(service, Webhooks(service, webhooks or WebhookSettings()))
        self.requests.keep = keep_requests
        self._admin_routes = admin_routes(self, texts(admin_hosts)) if admin else []
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

    def transport(
        self, *, connect_seconds: float = 0.0, framing: bool = True
    ) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient` that leads to this mock, on any host.

        It speaks HTTP/1.1 over streams in memory, in the same Trio run, so timeouts follow the run's
        clock. The clients of `legnext_stream.aio` and `.sync` run on Trio too. Other clients under
        asyncio, and clients that block, get a `RuntimeError` that says what to use instead.

        Args:
            connect_seconds: How long connecting takes, in seconds.
            framing: Whether to speak HTTP/1.1. Without it, requests and answers are passed on as they
                are, which takes half the time. There are no connections then: connecting takes no
                time, and a fault of the connection is answered 500.
        """
        if not framing:
            return DirectTransport(self._answer_directly, self._service.note_crash)
        backend = MemoryBackend(self._serve_stream, connect_seconds, self._door.admit)
        return MemoryTransport(backend)

    async def _answer_directly(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.webhooks.wake()
        await self.app(scope, receive, send)

    async def _serve_stream(self, stream: trio.abc.Stream) -> None:
        self.webhooks.wake()
        await serve_connection(self.app, stream, self._service.note_crash)

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve on a socket, in this Trio run, while the context is open.

        It needs real time: a virtual clock would jump ahead while bytes are in transit. To be fast,
        set a `time_scale`.

            async with mock.serve() as url: ...

        Args:
            host: The address to listen on.
            port: The port; 0 for any that is free.

        Yields:
            The URL, e.g. `"http://127.0.0.1:49152"`; result files are there too, under `/files/`.

        Raises:
            OSError: On entering: the address isn't available.
            RuntimeError: On entering: this is not a Trio run.
        """
        require_trio(
            "mock.serve()", "elsewhere, run `legnext-mock`, or a server of ASGI with mock.app"
        )
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
