"""The client under asyncio."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from legnext_stream import _client as trio_client
from legnext_stream._bridges.sources_aio import for_trio
from legnext_stream._bridges.stream import client_closed, ended, withdrawn_as
from legnext_stream._bridges.trio_thread import Lease
from legnext_stream._bridges.waiting_aio import end, result
from legnext_stream._core.model.events import Event_co, PromptEvent, SavedFile
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.model.prompts import Prompt, Tag
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.stats import Stats
from legnext_stream._engine import stream as trio_stream
from legnext_stream._options import (
    ClientOptions,
    DownloadOptions,
    GenerateOptions,
    WaitOptions,
    WatchOptions,
    passing,
)
from legnext_stream._requests import Balance
from legnext_stream._task_methods import TaskMethods
from legnext_stream.aio._streams import EventStream, Selection
from legnext_stream.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx


T = TypeVar("T")


@passing(ClientOptions, trio_client.LegnextClient)
class LegnextClient(TaskMethods[Coroutine[Any, Any, Job]]):
    """One account at the API, under asyncio; see `legnext_stream.LegnextClient`. Use it in `async with`.

    Several event loops may use it at once; they share its pace.

    Args:
        transport: An `httpx.AsyncBaseTransport` to use instead of sockets, on the Trio side; the
            mock server has one. It is closed with the client.

    Raises:
        ConfigurationError: As for `legnext_stream.LegnextClient`.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._client = trio_client.LegnextClient(api_key, base_url, transport, **options)
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
        """The numbers of all watches of this client together, so far."""
        lease = self._lease
        if lease is None:
            return self._client.stats
        with withdrawn_as(client_closed):
            return lease.run_sync(lambda: self._client.stats)

    async def __aenter__(self) -> Self:
        if self._was_opened:
            raise ConfigurationError("a client is opened once: make a new one")
        self._was_opened = True
        self._lease = Lease(self._client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the client, its connections and its watches. May be called again."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await end(lease)

    @passing(WatchOptions, trio_client.LegnextClient.watch)
    def watch(
        self,
        jobs: Iterable[str | Job] | AsyncIterable[str | Job] = (),
        **options: Unpack[WatchOptions],
    ) -> EventStream:
        """Watch many jobs as one stream; see `legnext_stream.LegnextClient.watch`."""
        return self._stream(partial(self._client.watch, for_trio(jobs), **options))

    @overload
    def generate(
        self, prompts: tuple[()] = (), **options: Unpack[GenerateOptions]
    ) -> EventStream[PromptEvent[Any]]: ...
    @overload
    def generate(
        self, prompts: Iterable[str] | AsyncIterable[str], **options: Unpack[GenerateOptions]
    ) -> EventStream[PromptEvent[None]]: ...
    @overload
    def generate(
        self,
        prompts: Iterable[Prompt[Tag]] | AsyncIterable[Prompt[Tag]],
        **options: Unpack[GenerateOptions],
    ) -> EventStream[PromptEvent[Tag]]: ...
    @overload
    def generate(
        self,
        prompts: Iterable[str | Prompt] | AsyncIterable[str | Prompt],
        **options: Unpack[GenerateOptions],
    ) -> EventStream[PromptEvent]: ...
    @passing(GenerateOptions, trio_client.LegnextClient.generate)
    def generate(
        self,
        prompts: Iterable[str | Prompt] | AsyncIterable[str | Prompt] = (),
        **options: Unpack[GenerateOptions],
    ) -> EventStream[PromptEvent[Any]]:
        """Submit prompts and watch their jobs; see `legnext_stream.LegnextClient.generate`."""
        # One at a time, so that a prompt is asked for only when it can be submitted.
        return self._stream(partial(self._client.generate, for_trio(prompts, batch=1), **options))

    @passing(WatchOptions, trio_client.LegnextClient.as_completed)
    def as_completed(
        self,
        jobs: Iterable[str | Job] | AsyncIterable[str | Job] = (),
        **options: Unpack[WatchOptions],
    ) -> Selection[Job]:
        """Iterate over jobs as they end; see `legnext_stream.LegnextClient.as_completed`."""
        return Selection(self.watch(jobs, **options), ended)

    @passing(WaitOptions, trio_client.LegnextClient.gather)
    async def gather(
        self,
        jobs: Iterable[str | Job] | AsyncIterable[str | Job],
        **options: Unpack[WaitOptions],
    ) -> dict[str, Job]:
        """Wait until all jobs have ended; see `legnext_stream.LegnextClient.gather`."""
        return await self._call(partial(self._client.gather, for_trio(jobs), **options))

    @passing(WaitOptions, trio_client.LegnextClient.wait)
    async def wait(self, job: str | Job, **options: Unpack[WaitOptions]) -> Job:
        """Wait for one job to complete; see `legnext_stream.LegnextClient.wait`."""
        return await self._call(partial(self._client.wait, job, **options))

    @passing(DownloadOptions, trio_client.LegnextClient.download)
    async def download(
        self,
        job: Job | str,
        folder: str | os.PathLike[str],
        **options: Unpack[DownloadOptions],
    ) -> tuple[SavedFile, ...]:
        """Save a completed job's images and videos; see `legnext_stream.LegnextClient.download`."""
        return await self._call(partial(self._client.download, job, folder, **options))

    async def get_job(self, job_id: str) -> Job:
        """Ask for the current state of a job; see `legnext_stream.LegnextClient.get_job`."""
        return await self._call(partial(self._client.get_job, job_id))

    async def submit(self, task_type: TaskType | str, **params: object) -> Job:
        """Submit a job of any task type; see `legnext_stream.LegnextClient.submit`."""
        return await self._call(partial(self._client.submit, task_type, **params))

    async def balance(self) -> Balance:
        """Ask what the account has left; see `legnext_stream.LegnextClient.balance`."""
        return await self._call(self._client.balance)

    def _open_lease(self) -> Lease:
        lease = self._lease
        if lease is None:
            raise ConfigurationError(
                "the client is not open: use it inside `async with LegnextClient(...) as client:`"
            )
        return lease

    def _stream(
        self, make: Callable[[], trio_stream.EventStream[Event_co]]
    ) -> EventStream[Event_co]:
        """Make a stream, on the Trio side if the client is open there."""
        stream = make() if self._lease is None else self._lease.run_sync(make)
        return EventStream(stream, self._open_lease)

    async def _call(self, work: Callable[[], Awaitable[T]]) -> T:
        lease = self._open_lease()
        with withdrawn_as(client_closed):
            return await result(lease.call(work), lease)
