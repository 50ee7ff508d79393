"""`MockLegnext`: a stand-in for the service, to be used in a program or a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.api.app import build_app
from mockserver.api.wire import DEFAULT_EPOCH
from mockserver.clocks import WorldClock
from mockserver.network import MemoryBackend, MemoryTransport, serve_connection
from mockserver.network.sockets import serve_app
from mockserver.service import Service
from mockserver.world import TYPICAL, Distribution, Fixed, World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    import httpx
    import trio
    from starlette.applications import Starlette

    from mockserver.journal import Journal
    from mockserver.world import Limit, Order, RunTimes, Script, Truth


class MockLegnext:
    """A simulated account and the API in front of it.

    What happens in it is a function of the seed, of what is done to it and of the time, and of
    nothing else.

        async def test_my_pipeline():
            mock = MockLegnext(seed=7)
            ids = mock.add_jobs(1000)
            async with httpx.AsyncClient(transport=mock.transport()) as client:
                ...

    Args:
        seed: Two mocks of the same seed, to which the same is done, behave the same.
        slots: How many jobs run at once; the others wait. None for no limit.
        order: Which waiting job gets a free slot: `"fifo"`, the first, or `"random"`, any.
        clock: Gives seconds, from whatever origin. By default Trio's clock; for another event
            loop or a server in another process, e.g. `time.monotonic`.
        time_scale: How many seconds pass in the world while one passes on the clock.
        epoch: What the calendar says at the world's start; a fixed date by default, so that the
            bytes of a simulated run are the same every time.
        run_times: How long jobs run, once they are processed; by default lognormal within the
            published range of their task type. See `mockserver.world.durations`.
        failure_share: The share of jobs that fail, from 0 to 1.
        limit: How many requests are admitted, e.g. `TokenBucket(rate=10, burst=10)`; the others
            are answered with 429 and a `Retry-After`. Used as a description: each mock begins with
            one in its first state. None for no limit.
        latency: How long each answer takes, in the world's seconds; or a distribution of it.
        api_keys: The keys that are let in; None for any, as long as there is one.

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
        slots: int | None = 12,
        *,
        order: Order = "fifo",
        clock: Callable[[], float] | None = None,
        time_scale: float = 1.0,
        epoch: datetime = DEFAULT_EPOCH,
        run_times: RunTimes = TYPICAL,
        failure_share: float = 0.0,
        limit: Limit | None = None,
        latency: float | Distribution = 0.0,
        api_keys: Collection[str] | None = None,
    ) -> None:
        if isinstance(api_keys, str):
            raise TypeError("api_keys is a collection of keys, not one key")
        if isinstance(latency, (int, float)):
            delay: Distribution | None = Fixed(latency) if latency else None
        else:
            delay = latency
        self._service = Service(
            world=World(
                seed,
                slots=slots,
                order=order,
                run_times=run_times,
                failure_share=failure_share,
                limit=limit,
            ),
            now=WorldClock(clock, time_scale),
            epoch=epoch,
            latency=delay,
            api_keys=None if api_keys is None else frozenset(api_keys),
        )
        self.app: Starlette = build_app(self._service)

    @property
    def world(self) -> World:
        """The simulated account."""
        return self._service.world

    @property
    def requests(self) -> Journal:
        """The journal: every request and its answer, in the order of time."""
        return self._service.journal

    @property
    def crashes(self) -> list[Exception]:
        """Errors inside the mock itself, each of them a bug."""
        return self._service.crashes

    @property
    def now(self) -> float:
        """The seconds since the world's start."""
        return self._service.now()

    @property
    def truth(self) -> Truth:
        """Every change that has happened until now: job id → changes, each `(at, status)`.

        `truth.changes()` gives the changes of all jobs in the order of time, and `truth.at(t)` what
        had happened by another time.
        """
        return self.world.truth(self.now)

    def add_jobs(self, n: int, task_type: str = "diffusion") -> list[str]:
        """Add `n` jobs now, as if they had been submitted, and return their ids.

        Raises:
            ValueError: There is no such task type.
        """
        return self.world.add_jobs(n, task_type, at=self.now)

    def add_job(
        self,
        script: Script | None = None,
        task_type: str = "diffusion",
        job_id: str | None = None,
    ) -> str:
        """Add a job now, and return its id.

        Args:
            script: Its lifecycle; None to have it drawn.
            task_type: One of the 19.
            job_id: Its id; None to have it drawn.

        Raises:
            ValueError: There is no such task type, or there is such a job already.
        """
        return self.world.add_job(task_type, at=self.now, script=script, job_id=job_id)

    def transport(self, *, connect_seconds: float = 0.0) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient` that leads to this mock, whatever the host.

        Real HTTP/1.1 over streams in memory, in the same Trio run: timeouts fire in the run's time.

        Args:
            connect_seconds: How long it takes to connect, in seconds.
        """
        return MemoryTransport(MemoryBackend(self._serve_stream, connect_seconds))

    async def _serve_stream(self, stream: trio.abc.Stream) -> None:
        await serve_connection(self.app, stream, self._service.note_crash)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
        """Serve on a socket, in this Trio run, for as long as the context is open.

        For a run in real time: a virtual clock would jump ahead whenever the bytes are on their
        way. To be quick, set a `time_scale`.

            async with mock.serve() as url: ...

        Args:
            host: The address to listen on.
            port: The port; 0 for any that is free.

        Returns:
            An async context manager that gives the URL, e.g. `"http://127.0.0.1:49152"`.

        Raises:
            OSError: On entering: the address can't be listened on.
        """
        return serve_app(self.app, host, port)

    def __repr__(self) -> str:
        return f"<MockLegnext seed={self.world.seed}: {len(self.world)} jobs, {self.requests!r}>"
