"""The client under asyncio."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from legnext_stream import _client as trios
from legnext_stream._bridges.sources_aio import outward
from legnext_stream._bridges.stream import client_closed, ended, told_as
from legnext_stream._bridges.trio_thread import Lease
from legnext_stream._bridges.waiting_aio import end, result
from legnext_stream._client import Balance
from legnext_stream._core.model.jobs import Job, TaskType
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.saved import SavedFile
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.stats import Stats
from legnext_stream.aio._streams import EventStream, Selection
from legnext_stream.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

    from legnext_stream._generate import IfUnknown
    from legnext_stream._telemetry import Telemetry
    from legnext_stream._webhooks import WebhookReceiver

T = TypeVar("T")


class LegnextClient:
    """One account at the API, under asyncio: `legnext_stream.LegnextClient`, in `async with`.

    Several event loops may use it at once; they share one pace.

    Args:
        api_key: The key; by default the environment variable `LEGNEXT_API_KEY`.
        base_url: Where the API is; by default `LEGNEXT_BASE_URL`, else `https://api.legnext.ai`.
        transport: An `httpx.AsyncBaseTransport` to use instead of sockets, on the Trio side; the mock
            server has one. It is closed with the client.
        pacing: How fast the account may be asked, and the default of its watches.
        request_timeout: How long one request may take once connected, seconds.
        retry_for: How long `get_job`, `balance` and `submit` are repeated while there is trouble
            that may pass, seconds.
        http2: Whether to speak HTTP/2 where the host does.
        telemetry: Whether, and how, OpenTelemetry is told; see `legnext_stream.LegnextClient`.

    Raises:
        ConfigurationError: There is no key, the base URL is none, or HTTP/2 can't be had.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        pacing: Pacing | None = None,
        request_timeout: float = 10.0,
        retry_for: float = 60.0,
        http2: bool = False,
        telemetry: Telemetry | bool = False,
    ) -> None:
        self._client = trios.LegnextClient(
            api_key,
            base_url,
            transport,
            pacing=pacing,
            request_timeout=request_timeout,
            retry_for=retry_for,
            http2=http2,
            telemetry=telemetry,
        )
        self._lease: Lease | None = None
        self._was_opened = False

    def __repr__(self) -> str:
        state = "closed" if self._lease is None else "open"
        return f"<legnext_stream.aio.LegnextClient {self.base_url} {state}>"

    @property
    def base_url(self) -> str:
        """Where the API is."""
        return self._client.base_url

    @property
    def stats(self) -> Stats:
        """The numbers of all watches of this client together, up to now."""
        lease = self._lease
        if lease is None:
            return self._client.stats
        with told_as(client_closed):
            return lease.at_once(lambda: self._client.stats)

    async def __aenter__(self) -> Self:
        if self._was_opened:
            raise ConfigurationError("a client is opened once: make a new one")
        self._was_opened = True
        self._lease = Lease(self._client)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the client, its connections and its watches. May be called again."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await end(lease)

    def watch(
        self,
        jobs: Iterable[str | Job] | AsyncIterable[str | Job] = (),
        *,
        timeout: float | None = 600.0,
        pacing: Pacing | None = None,
        journal: str | os.PathLike[str] | None = None,
        webhooks: WebhookReceiver | None = None,
    ) -> EventStream:
        """One stream of the status changes of many jobs; see `legnext_stream.aio.watch`."""
        make = partial(
            self._client.watch,
            outward(jobs),
            timeout=timeout,
            pacing=pacing,
            journal=journal,
            webhooks=webhooks,
        )
        return EventStream(self._made(make), self._open_lease)

    def generate(
        self,
        prompts: Iterable[str | Prompt] | AsyncIterable[str | Prompt] = (),
        *,
        task_type: TaskType | str = TaskType.DIFFUSION,
        callback: str | None = None,
        timeout: float | None = 600.0,
        pacing: Pacing | None = None,
        journal: str | os.PathLike[str] | None = None,
        save_to: str | os.PathLike[str] | None = None,
        name: str = "{job_id}-{number}{suffix}",
        parallel_downloads: int = 4,
        at_once: int | None = None,
        if_unknown: IfUnknown = "tell",
        webhooks: WebhookReceiver | None = None,
    ) -> EventStream:
        """Submit prompts and watch their jobs, as one stream; see `legnext_stream.aio.generate`."""
        make = partial(
            self._client.generate,
            # A prompt is asked for when it can be submitted, not before.
            outward(prompts, at_once=1),
            task_type=task_type,
            callback=callback,
            timeout=timeout,
            pacing=pacing,
            journal=journal,
            save_to=save_to,
            name=name,
            parallel_downloads=parallel_downloads,
            at_once=at_once,
            if_unknown=if_unknown,
            webhooks=webhooks,
        )
        return EventStream(self._made(make), self._open_lease)

    def as_completed(
        self,
        jobs: Iterable[str | Job] | AsyncIterable[str | Job] = (),
        *,
        timeout: float | None = 600.0,
        pacing: Pacing | None = None,
        journal: str | os.PathLike[str] | None = None,
        webhooks: WebhookReceiver | None = None,
    ) -> Selection[Job]:
        """The jobs in the order of their ends; see `legnext_stream.as_completed`."""
        stream = self.watch(
            jobs, timeout=timeout, pacing=pacing, journal=journal, webhooks=webhooks
        )
        return Selection(stream, ended)

    async def gather(
        self,
        jobs: Iterable[str | Job] | AsyncIterable[str | Job],
        *,
        timeout: float | None = 600.0,  # noqa: ASYNC109 - not this call's
        pacing: Pacing | None = None,
        webhooks: WebhookReceiver | None = None,
    ) -> dict[str, Job]:
        """Each job at its end, in the order given; see `legnext_stream.gather`."""
        return await self._call(
            partial(
                self._client.gather,
                outward(jobs),
                timeout=timeout,
                pacing=pacing,
                webhooks=webhooks,
            )
        )

    async def wait(
        self,
        job: str | Job,
        *,
        timeout: float | None = 600.0,  # noqa: ASYNC109 - a job's limit, not this call's
        pacing: Pacing | None = None,
    ) -> Job:
        """Wait for one job to complete; see `legnext_stream.wait`."""
        return await self._call(partial(self._client.wait, job, timeout=timeout, pacing=pacing))

    async def download(
        self,
        job: Job | str,
        folder: str | os.PathLike[str],
        *,
        name: str = "{job_id}-{number}{suffix}",
        parallel: int = 4,
        grid: bool = False,
        max_size: int = 1024**3,
        timeout: float | None = 600.0,  # noqa: ASYNC109 - one file's limit, not this call's
        prompt: Prompt | None = None,
        position: int | None = None,
    ) -> tuple[SavedFile, ...]:
        """Save a completed job's images and videos; see `legnext_stream.LegnextClient.download`.

        Raises:
            DownloadError: One of them can't be had, or not be saved.
            ApiError: The job is asked about, and the API refuses.
            HostUnreachableError: The same, and the host gave no answer for `retry_for` seconds.
        """
        return await self._call(
            partial(
                self._client.download,
                job,
                folder,
                name=name,
                parallel=parallel,
                grid=grid,
                max_size=max_size,
                timeout=timeout,
                prompt=prompt,
                position=position,
            )
        )

    async def get_job(self, job_id: str) -> Job:
        """Ask once how a job is; see `legnext_stream.LegnextClient.get_job`.

        Raises:
            InvalidJobId: `job_id` can't be a job id.
            NotFoundError: The API does not know it.
            ApiError: The API refuses, or what answers is not the API.
            HostUnreachableError: The host gave no answer for `retry_for` seconds.
        """
        return await self._call(partial(self._client.get_job, job_id))

    async def submit(self, task_type: TaskType | str, **params: object) -> Job:
        """Submit a job of any task type; see `legnext_stream.LegnextClient.submit`.

        Args:
            task_type: The kind of work, e.g. `"diffusion"`.
            params: The task's fields.

        Raises:
            ValueError: There is no such task type.
            SubmitUnknownError: It was sent, but no answer came; the job may exist.
            ApiError: The API refuses.
            HostUnreachableError: The host could not be reached for `retry_for` seconds.
        """
        return await self._call(partial(self._client.submit, task_type, **params))

    async def diffusion(self, text: str, callback: str | None = None) -> Job:
        """Submit a text-to-image job; see `legnext_stream.LegnextClient.diffusion`.

        Args:
            text: The prompt, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return await self._call(partial(self._client.diffusion, text, callback))

    async def balance(self) -> Balance:
        """What the account has left.

        Raises:
            ApiError: The API refuses, or what answers is not the API.
            HostUnreachableError: The host gave no answer for `retry_for` seconds.
        """
        return await self._call(self._client.balance)

    def _open_lease(self) -> Lease:
        lease = self._lease
        if lease is None:
            raise ConfigurationError(
                "the client is not open: use it inside `async with LegnextClient(...) as client:`"
            )
        return lease

    def _made(self, make: Callable[[], T]) -> T:
        """A stream, made on the Trio side if the account is in use there."""
        return make() if self._lease is None else self._lease.at_once(make)

    async def _call(self, work: Callable[[], Awaitable[T]]) -> T:
        lease = self._open_lease()
        with told_as(client_closed):
            return await result(lease.call(work), lease)
