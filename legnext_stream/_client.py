"""The client: one account at one host, and all that a program can do with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

import trio

from legnext_stream import _requests
from legnext_stream._accounts import open_account
from legnext_stream._core.model.events import PromptEvent, SavedFile
from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.model.prompts import Prompt, Tag
from legnext_stream._core.model.tasks import TaskType, api_fields, check_task_type
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.stats import Stats
from legnext_stream._engine.account import submit_request
from legnext_stream._engine.collecting import completed, ends, gathered
from legnext_stream._engine.sources import Jobs
from legnext_stream._engine.stream import EventStream, Selection
from legnext_stream._extensions import watch_extensions
from legnext_stream._options import (
    GenerateOptions,
    WaitOptions,
    WatchOptions,
    passing,
    refuse_unknown,
)
from legnext_stream._requests import Balance
from legnext_stream._task_methods import TaskMethods
from legnext_stream._util.nurseries import background
from legnext_stream._util.trio_only import require_trio
from legnext_stream.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

    from legnext_stream._generate import IfUnknown, Prompts, PromptsExtension, Tagged, Texts
    from legnext_stream._journal import JournalExtension
    from legnext_stream._telemetry import Telemetry
    from legnext_stream._webhooks import WebhookReceiver


class LegnextClient(TaskMethods[Coroutine[Any, Any, Job]]):
    """One account at the API. Use it in `async with`: connections and watches live as long as it is open.

    All watches, waits and submits of a client share one pace, so that together they keep to the
    account's limits.

    Args:
        api_key: The key; by default the environment variable `LEGNEXT_API_KEY`.
        base_url: The URL of the API; by default `LEGNEXT_BASE_URL`, else `https://api.legnext.ai`.
            It may end in `/api` or `/api/v1`, as other clients want it.
        transport: An `httpx.AsyncBaseTransport` to use instead of sockets; the mock server has one.
            The client closes it.
        pacing: When and how fast to poll; by default `Pacing()`. Its rate holds for all requests.
        request_timeout: How long one request may take once connected, seconds.
        retry_for: How long `get_job`, `balance` and `submit` try again after errors that may pass,
            seconds.
        headers: Header fields that each request to the API has besides, for a proxy or gateway in
            front of it; `User-Agent` replaces the library's. They are not sent to the hosts of
            results.
        http2: Whether to use HTTP/2 where the host does: a hundred requests share one connection,
            instead of one each. It needs the package h2 (`pip install 'legnext-stream[http2]'`) and
            https, and takes more processor time a request than HTTP/1.1.
        telemetry: Whether to record metrics and traces with OpenTelemetry's global providers; or a
            `Telemetry` that names others. It needs the package opentelemetry-api
            (`pip install 'legnext-stream[telemetry]'`).

    Raises:
        ConfigurationError: There is no key, `base_url` is not a URL, `headers` has a field that
            can't be sent or that the library sets itself, a package that `http2` or `telemetry`
            needs is not installed, or a variable of the environment for proxies or certificates
            can't be used; the message names it.
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
        headers: Mapping[str, str] | None = None,
        http2: bool = False,
        telemetry: Telemetry | bool = False,
    ) -> None:
        self._account = open_account(
            api_key,
            base_url,
            transport,
            pacing=Pacing() if pacing is None else pacing,
            request_timeout=request_timeout,
            headers=headers or {},
            http2=http2,
            telemetry=telemetry,
        )
        self._retry_for = retry_for
        self._running: AbstractAsyncContextManager[trio.Nursery] | None = None
        self._nursery: trio.Nursery | None = None

    def __repr__(self) -> str:
        state = "closed" if self._nursery is None else "open"
        return f"<LegnextClient {self.base_url} {state}>"

    @property
    def base_url(self) -> str:
        """The URL of the API."""
        return self._account.lanes.base_url

    @property
    def stats(self) -> Stats:
        """The numbers of all watches of this client together, so far."""
        return self._account.stats

    @property
    def _has_answered(self) -> bool:
        """Whether the host has ever answered; for the command line."""
        return self._account.has_answered

    async def __aenter__(self) -> Self:
        require_trio("async with LegnextClient(...)")
        if self._running is not None:
            raise ConfigurationError("a client is opened once: make a new one")
        self._running = background(self._account.aclose)
        self._nursery = await self._running.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._nursery = None
        if self._running is not None:
            await self._running.__aexit__(kind, error, traceback)  # noqa: ASYNC102 - it bounds itself

    def watch(
        self,
        jobs: Jobs = (),
        *,
        timeout: float | None = 600.0,
        pacing: Pacing | None = None,
        journal: str | os.PathLike[str] | None = None,
        webhooks: WebhookReceiver | None = None,
    ) -> EventStream:
        """Turn many job ids into one stream of their status changes.

        Write `async for event in client.watch(job_ids)`, or, to be sure that polling has stopped
        when the block is left, `async with client.watch(job_ids) as events`. Rate limits, retries,
        intervals and queues are taken care of.

        Args:
            jobs: Job ids or `Job`s: any iterable or async iterable, for example a list of 100,000
                or a Trio receive channel. The stream takes them as they come, and watches one that
                comes twice once. A `Job` that has ended makes its event without a request.
            timeout: How long a job may run, counted from its start, or from when it was first seen
                running; and how long the watch may see no change at all while jobs wait, seconds.
                So hours in a long queue are no timeout, and a stuck queue ends. None for no limit.
            pacing: When and how fast to poll; by default the client's pacing.
            journal: A file that records which events were delivered and acknowledged, or None. A
                watch that is given the file of an earlier one continues it: it watches the same
                jobs (leave `jobs` out, or give more), doesn't deliver acknowledged events again
                (asking for the next event acknowledges the one before; see `EventStream.ack`),
                sends no request for jobs whose end was seen, and starts with what was learned. Only
                one watch at a time can use a file.
            webhooks: A receiver of the API's callbacks (see `webhook_app`), or None. A callback
                becomes an event at once, and while callbacks come, few requests are sent.

        Raises:
            InvalidJobId: One of the first 10,000 items of a collection can't be a job id. (A later
                one, or one from another iterable, raises where events are read, and ends the
                watch.)
            TypeError: `jobs` is not iterable, or is a single string; or `timeout` is not a number.
            ValueError: `timeout` is not above 0.
        """
        return self._stream(jobs, timeout, pacing, journal, webhooks)

    @overload
    def generate(
        self, prompts: tuple[()] = (), **options: Unpack[GenerateOptions]
    ) -> EventStream[PromptEvent[Any]]: ...
    @overload
    def generate(
        self, prompts: Texts, **options: Unpack[GenerateOptions]
    ) -> EventStream[PromptEvent[None]]: ...
    @overload
    def generate(
        self, prompts: Tagged[Tag], **options: Unpack[GenerateOptions]
    ) -> EventStream[PromptEvent[Tag]]: ...
    @overload
    def generate(
        self, prompts: Prompts, **options: Unpack[GenerateOptions]
    ) -> EventStream[PromptEvent]: ...
    def generate(
        self,
        prompts: Prompts = (),
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
        max_cost: float | None = None,
        webhooks: WebhookReceiver | None = None,
    ) -> EventStream[PromptEvent[Any]]:
        """Submit prompts and watch their jobs, as one stream: from texts to images on disk.

        Write `async for event in client.generate(prompts, save_to="out")`, or, to be sure that
        everything has stopped when the block is left, `async with client.generate(prompts) as
        events`.

        Each event has its `prompt` and that prompt's `position`. Each prompt has exactly one
        terminal event: the end of its job; `NOT_SUBMITTED`, if the API refuses it (moderation, a
        bad field, no credits: `event.job.error` says why) or it can't be sent; or `SUBMIT_UNKNOWN`,
        if it was sent and no answer came, so that a job may exist, and may cost. In the latter two
        `job_id` is empty.

        Prompts are submitted as fast as the API accepts them. One that is refused with 429 is
        submitted again, however long that takes; where an account runs only so many jobs at a time,
        when one of them ends. After a 402 nothing is submitted for a minute, and prompts that come
        in meanwhile end as `NOT_SUBMITTED`; jobs that run are watched to their ends.

        Args:
            prompts: Texts or `Prompt`s: any iterable or async iterable, for example a list or a
                Trio receive channel. The stream takes them as it can submit them, so there may be
                millions.
            task_type: The kind of work that texts are for; a `Prompt` has its own.
            callback: A URL that the API calls when a job ends; a prompt's own takes precedence. By
                default that of `webhooks`, where it has one.
            timeout: As for `watch`, seconds; also how long a prompt that can't be sent is tried
                again.
            pacing: When and how fast to poll; by default the client's pacing.
            journal: A file that records what was submitted, delivered and acknowledged, or None. A
                stream that is given the file of an earlier one continues it, with the prompts in
                the file and with others, if `prompts` has any (it may be the same list). None is
                submitted twice: prompts are the same if all they say is the same, their tags
                included; of several equal ones each counts. A prompt that was being submitted when
                the earlier stream was killed ends as `SUBMIT_UNKNOWN`. Those that weren't submitted
                for lack of credits, or because they could not be sent, are submitted now.
            save_to: A folder for the results, or None. The event of a completed job comes once its
                files are there (`event.files`), or can't be had (`event.download_error`).
            name: The files' names, a template for `str.format` with `job_id`, `number` (which of
                the job's results, from 1), `suffix`, `task_type`, `position`, `tag` and `prompt`.
            parallel_downloads: How many files are downloaded at a time.
            at_once: How many jobs may be unfinished at a time; by default as many as the account
                accepts, up to 1,000.
            if_unknown: What to do with a prompt that was sent and got no answer: `"tell"` ends it
                as `SUBMIT_UNKNOWN`; `"submit_again"` submits it again, so that there may be two
                jobs for it, both of which cost.
            max_cost: How many points the jobs may cost that this call submits, or None for no
                limit. Prompts for which not enough is left end as `NOT_SUBMITTED`; a later call
                with the same journal submits them. The first job of each kind is counted at an
                estimated price, all others at what the API said the one before costs.
            webhooks: As for `watch`.

        Raises:
            ConfigurationError: The client is closed; or, where events are read, before anything is
                submitted, no file can be written to `save_to`.
            TypeError: `prompts` is not iterable, or is a single string; or one of the first 10,000
                items of a collection is not a prompt. (A later one, or one from another iterable,
                raises where events are read, and ends the stream. So does a prompt that JSON can't
                hold, with a journal.)
            ValueError: There is no such task type, or it takes no text; or a number is out of
                range.
        """
        # Imported here, so that programs that don't generate start faster.
        from legnext_stream._generate import PromptsExtension, SubmitSettings  # noqa: PLC0415 - see above

        saver = None
        if save_to is not None:
            from legnext_stream._results import Saver  # noqa: PLC0415 - as above

            saver = Saver(
                self._account.files,
                save_to,
                name=name,
                parallel=parallel_downloads,
                get_job=self.get_job,
            )
        settings = SubmitSettings(
            task_type=task_type,
            callback=webhooks.url if callback is None and webhooks is not None else callback,
            timeout=timeout,
            at_once=at_once,
            if_unknown=if_unknown,
            max_cost=max_cost,
        )
        batch = partial(
            PromptsExtension, prompts, account=self._account, settings=settings, saver=saver
        )
        return self._stream((), timeout, pacing, journal, webhooks, batch)

    @passing(WaitOptions, watch)
    async def wait(self, job: str | Job, **options: Unpack[WaitOptions]) -> Job:
        """Wait for one job to complete, and return it. The options are those of `watch`.

        Args:
            job: The job, or its id.

        Raises:
            JobFailed: The API says that it failed; the message is the API's.
            JobTimedOut: It ran, or waited without any change, for longer than `timeout`.
            JobNotFound: The API does not know it.
            LegnextError: What the stream of `watch` raises.
        """
        refuse_unknown("wait", options, WaitOptions)
        async with self.watch([job], **options) as events:
            return await completed(events)

    @passing(WatchOptions, watch)
    def as_completed(self, jobs: Jobs = (), **options: Unpack[WatchOptions]) -> Selection[Job]:
        """Iterate over the jobs in the order in which they end, well or badly.

        Write `async for job in client.as_completed(job_ids)`, and look at `job.status`: it says
        whether the job completed, failed, timed out or was not found, and `job.error` says why. The
        options, and what is raised, are those of `watch`; leave it in the same ways, by `break` or
        in `async with`.
        """
        return ends(self.watch(jobs, **options))

    @passing(WaitOptions, watch)
    async def gather(self, jobs: Jobs, **options: Unpack[WaitOptions]) -> dict[str, Job]:
        """Wait until all jobs have ended, and return each in its final state.

        A job that ends badly raises nothing, for that would discard the others, which cost money:
        look at `job.status` and `job.error`. What concerns all jobs is raised, as `watch` raises
        it. The options are those of `watch` without the journal: events that an earlier watch
        acknowledged are not delivered again, so their jobs would be missing here.

        Returns:
            Every job by its id, in the order given; a job that is given twice is there once.
        """
        refuse_unknown("gather", options, WaitOptions)
        return await gathered(jobs, partial(self.watch, **options))

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
        """Save a completed job's images and videos in a folder.

        A file gets its name when it is complete and on the disk. Existing files are kept, never
        overwritten, and a download that was interrupted is continued. The key is not sent to the
        hosts of the results. Only https is used there, or plain http on this machine if the API is
        on it too.

        Args:
            job: The job, or its id, which takes a request more. So does a job whose URLs have
                expired.
            folder: Where to put the files; it is created if it doesn't exist.
            name: The files' names, a template for `str.format` with `job_id`, `number` (which of
                the job's results, from 1), `suffix` (`.png`, `.mp4`, …, by the file's content),
                `task_type`, and `prompt`, `tag` and `position` if these are given.
            parallel: How many files are downloaded at a time.
            grid: Whether to save the grid image too, as the last file. If there is no other image,
                it is saved anyway.
            max_size: How large a file may be, bytes.
            timeout: How long one file may take, with all attempts, seconds; None for no limit while
                bytes arrive.
            prompt: The prompt of the job, for the name.
            position: The place of the prompt in its batch, from 1, for the name.

        Returns:
            The files, in the order of their numbers; none for a job whose result is text.

        Raises:
            DownloadError: The job isn't completed, or one of its results can't be downloaded. The
                others are saved all the same.
            ValueError: By the template, two results would have the same name, or one would be
                outside the folder; or a number is out of range.
            LegnextError: What `get_job` raises, if an id was given.
        """
        # Imported here, so that programs that don't download start faster.
        from legnext_stream._results import Saver  # noqa: PLC0415 - see above

        saver = Saver(
            self._account.files,
            folder,
            name=name,
            parallel=parallel,
            grid=grid,
            max_size=max_size,
            timeout=timeout,
            retry_for=self._retry_for,
            get_job=self.get_job,
        )
        if isinstance(job, str):
            job = await self.get_job(job)
        self._check_open()
        return await saver.save(job, prompt, position=position)

    async def get_job(self, job_id: str) -> Job:
        """Ask for the current state of a job, in one request unless an error may pass.

        Raises:
            InvalidJobId: `job_id` can't be a job id.
            NotFoundError: The API doesn't know the job.
            ApiError: The API refuses the request, or the answer is not the API's.
            HostUnreachableError: There was no answer for `retry_for` seconds.
        """
        check_job_id(job_id)
        self._check_open()
        return await _requests.get_job(self._account, job_id, retry_for=self._retry_for)

    async def submit(self, task_type: TaskType | str, **params: object) -> Job:
        """Submit a job of any task type, with any fields.

        Each task type has a method of its own too, which knows its fields: `diffusion`, `upscale`, …

        Args:
            task_type: The kind of work, e.g. `"diffusion"`.
            params: The task's fields, by the API's names (`imageNo`) or in snake_case (`image_no`);
                those that are None are left out. A `mask` of bytes is sent as a PNG file, which
                only `inpaint` takes.

        Returns:
            The new job, which has not started yet.

        Raises:
            ValueError: There is no such task type.
            InsufficientCreditsError: The account has run out of credits.
            PermissionDeniedError: Moderation refused it.
            InvalidRequestError: A field is missing or out of range; the message says which.
            SubmitUnknownError: The request was sent and there was no answer. It is not sent again,
                because the job may exist.
            ApiError: The API refuses for another reason.
            HostUnreachableError: The host could not be reached for `retry_for` seconds.
        """
        request = submit_request(check_task_type(task_type), api_fields(params))
        self._check_open()
        return await _requests.submit(self._account, request, retry_for=self._retry_for)

    async def balance(self) -> Balance:
        """Ask what the account has left.

        Raises:
            ApiError: The API refuses the request, or the answer is not the API's.
            HostUnreachableError: There was no answer for `retry_for` seconds.
        """
        self._check_open()
        return await _requests.balance(self._account, retry_for=self._retry_for)

    def _stream(
        self,
        jobs: Jobs,
        timeout: float | None,
        pacing: Pacing | None,
        journal: str | os.PathLike[str] | None,
        webhooks: WebhookReceiver | None,
        batch: Callable[[JournalExtension | None], PromptsExtension] | None = None,
    ) -> EventStream[Any]:
        return EventStream(
            jobs,
            account=self._account,
            open_nursery=self._host(),
            timeout=timeout,
            pacing=self._account.pacing if pacing is None else pacing,
            extensions=watch_extensions(
                self._account, journal=journal, webhooks=webhooks, batch=batch
            ),
        )

    def _host(self) -> Callable[[], trio.Nursery] | None:
        """Return what gives a stream its nursery, or None for a stream that opens the account itself."""
        return self._open_nursery

    def _check_open(self) -> None:
        self._open_nursery()

    def _open_nursery(self) -> trio.Nursery:
        if self._nursery is None:
            raise ConfigurationError(
                "the client is not open: use it inside `async with LegnextClient(...) as client:`"
            )
        return self._nursery
