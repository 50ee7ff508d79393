"""The client: one account at one host, and everything that can be asked of it."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

import attrs
import trio

from legnext_stream._core.answers import Reply
from legnext_stream._core.model.decoding import (
    decode_amount,
    decode_body,
    decode_job,
    decode_status,
)
from legnext_stream._core.model.ids import check_job_id, is_same_id
from legnext_stream._core.model.jobs import Job, JobStatus, TaskType
from legnext_stream._core.model.saved import SavedFile
from legnext_stream._core.model.tasks import api_fields, check_task_type
from legnext_stream._core.pace import RequestKind
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.stats import Stats
from legnext_stream._engine.account import Account, job_path, submit_request
from legnext_stream._engine.collecting import ends, gathered
from legnext_stream._engine.extension import Observer
from legnext_stream._engine.sources import Jobs
from legnext_stream._engine.stream import EventStream, Selection
from legnext_stream._extensions import watch_extensions
from legnext_stream._http import Lanes, Request
from legnext_stream._options import WaitOptions, WatchOptions, passing, refuse_unknown
from legnext_stream._util.trio_only import require_trio
from legnext_stream.errors import (
    ConfigurationError,
    InvalidJobId,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    JobUnsuccessful,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    import httpx

    from legnext_stream._core.model.prompts import Prompt
    from legnext_stream._generate import IfUnknown, Prompts
    from legnext_stream._telemetry import Telemetry
    from legnext_stream._webhooks import WebhookReceiver

_DEFAULT_BASE_URL = "https://api.legnext.ai"


@attrs.frozen(kw_only=True)
class Balance:
    """What the account has left.

    Attributes:
        balance_usd: In US dollars.
        available_credits: In credits.
        available_points: In points.
        raw: The whole answer, as decoded from JSON.
    """

    balance_usd: float
    available_credits: float
    available_points: float
    raw: Mapping[str, object] = attrs.field(eq=False, repr=False)


class LegnextClient:
    """One account at the API. An async context manager: lanes and watches live as long as it is open.

    All watches, waits and submits of one client share one pace, so that together they keep to the
    account's limits.

    Args:
        api_key: The key; by default the environment variable `LEGNEXT_API_KEY`.
        base_url: Where the API is; by default `LEGNEXT_BASE_URL`, else `https://api.legnext.ai`. A
            trailing `/api` or `/api/v1`, as other clients want it, is let pass.
        transport: An `httpx.AsyncBaseTransport` to use instead of sockets; the mock server has one.
            It is closed with the client.
        pacing: How fast the account may be asked, and the default of its watches.
        request_timeout: How long one request may take once connected, seconds.
        retry_for: How long `get_job`, `balance` and `submit` are repeated while there is trouble
            that may pass, seconds.
        http2: Whether to speak HTTP/2 where the host does, on one connection for a hundred requests
            instead of one for each. It needs the package h2 (`pip install 'legnext-stream[http2]'`),
            takes https, and costs more processor time a request than HTTP/1.1.
        telemetry: Whether to record metrics and traces with OpenTelemetry's global providers, or a
            `legnext_stream._telemetry.Telemetry` that says with which. It needs the package
            opentelemetry-api (`pip install 'legnext-stream[telemetry]'`).

    Raises:
        ConfigurationError: There is no key, the base URL is none, or HTTP/2 or telemetry can't be had.
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
        self._account = open_account(
            api_key,
            base_url,
            transport,
            pacing=Pacing() if pacing is None else pacing,
            request_timeout=request_timeout,
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
        """Where the API is."""
        return self._account.lanes.base_url

    @property
    def stats(self) -> Stats:
        """The numbers of all watches of this client together, up to now."""
        return self._account.stats

    async def __aenter__(self) -> Self:
        require_trio("async with LegnextClient(...)")
        if self._running is not None:
            raise ConfigurationError("a client is opened once: make a new one")
        self._running = self._open()
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
            await self._running.__aexit__(kind, error, traceback)  # noqa: ASYNC102 - `_open` bounds it

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[trio.Nursery]:
        """The nursery of this client's watches. What the body raises comes out as it was."""
        failure: BaseException | None = None
        try:
            async with trio.open_nursery() as nursery:
                # The nursery must not see the body's error, or it would come out in a group.
                try:
                    yield nursery
                except BaseException as error:  # noqa: BLE001, ASYNC103 - raised again below
                    failure = error
                nursery.cancel_scope.cancel()
        finally:
            await self._account.aclose()
            # Here, so that it comes out bare even where a cancellation goes on at the same time.
            if failure is not None:
                raise failure

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

        Write `async for event in client.watch(job_ids)`, or, to be sure that polling has stopped when
        the block is left, `async with client.watch(job_ids) as events`. Rate limits, retries,
        intervals and queues are taken care of.

        Args:
            jobs: Job ids or `Job`s: any iterable or async iterable, for example a list of 100,000 or a
                Trio receive channel. The stream takes them as they come, and watches one that comes
                twice once. A `Job` that has ended makes its event without a request.
            timeout: How long a job may run, counted from its start, or from when it was first seen
                running; and how long the watch may see no change at all while jobs wait, seconds. So
                hours in a long queue are no timeout, and a stuck queue ends. None for no limit.
            pacing: When and how fast to poll; by default the client's pacing.
            journal: A file that records which events were delivered and acknowledged, or None. A watch
                that is given the file of an earlier one continues it: it watches the same jobs (leave
                `jobs` out, or give more), doesn't deliver acknowledged events again (asking for the
                next event acknowledges the one before; see `EventStream.ack`), sends no request for
                jobs whose end was seen, and starts with what was learned. Only one watch at a time
                can use a file.
            webhooks: A receiver of the API's callbacks (see `webhook_app`), or None. A callback becomes
                an event at once, and while callbacks come, few requests are sent.

        Raises:
            InvalidJobId: One of the first 10,000 items of a collection can't be a job id. (A later one,
                or one from another iterable, raises where events are read, and ends the watch.)
            TypeError: `jobs` is not iterable, or is a single string; or `timeout` is not a number.
            ValueError: `timeout` is not above 0.
        """
        return EventStream(
            jobs,
            account=self._account,
            open_nursery=self._host(),
            timeout=timeout,
            pacing=self._account.pacing if pacing is None else pacing,
            extensions=watch_extensions(self._account, journal=journal, webhooks=webhooks),
        )

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
        webhooks: WebhookReceiver | None = None,
    ) -> EventStream:
        """Submit prompts and watch their jobs, as one stream: from texts to images on disk.

        Write `async for event in client.generate(prompts, save_to="out")`, or, to be sure that
        everything has stopped when the block is left, `async with client.generate(prompts) as events`.

        Each event has its `prompt` and that prompt's `position`. Each prompt has exactly one terminal
        event: the end of its job; `NOT_SUBMITTED`, if the API refuses it (moderation, a bad field, no
        credits: `event.job.error` says why) or it can't be sent; or `SUBMIT_UNKNOWN`, if it was sent and
        no answer came, so that a job may exist, and may cost. In the latter two `job_id` is empty.

        Prompts are submitted as fast as the API accepts them. One that is refused with 429 is submitted
        again, however long that takes; where an account runs only so many jobs at a time, when one of
        them ends. After a 402 nothing is submitted for a minute, and prompts that come in meanwhile end
        as `NOT_SUBMITTED`; jobs that run are watched to their ends.

        Args:
            prompts: Texts or `Prompt`s: any iterable or async iterable, for example a list or a Trio
                receive channel. The stream takes them as it can submit them, so there may be millions.
            task_type: The kind of work that texts are for; a `Prompt` has its own.
            callback: A URL that the API calls when a job ends; a prompt's own takes precedence. By
                default that of `webhooks`, where it has one.
            timeout: As for `watch`, seconds; also how long a prompt that can't be sent is tried again.
            pacing: When and how fast to poll; by default the client's pacing.
            journal: A file that records what was submitted, delivered and acknowledged, or None. A
                stream that is given the file of an earlier one continues it, with the prompts in the
                file and with others, if `prompts` has any (it may be the same list). None is submitted
                twice: prompts are the same if all they say is the same, their tags included; of several
                equal ones each counts. A prompt that was being submitted when the earlier stream was
                killed ends as `SUBMIT_UNKNOWN`. Those that weren't submitted for lack of credits, or
                because they could not be sent, are submitted now.
            save_to: A folder for the results, or None. The event of a completed job comes once its
                files are there (`event.files`), or can't be had (`event.download_error`).
            name: The files' names, a template for `str.format` with `job_id`, `number` (which of the
                job's results, from 1), `suffix`, `task_type`, `position`, `tag` and `prompt`.
            parallel_downloads: How many files are downloaded at a time.
            at_once: How many jobs may be unfinished at a time; by default as many as the account
                accepts, up to 1,000.
            if_unknown: What to do with a prompt that was sent and got no answer: `"tell"` ends it as
                `SUBMIT_UNKNOWN`; `"submit_again"` submits it again, so that there may be two jobs for
                it, both of which cost.
            webhooks: As for `watch`.

        Raises:
            ConfigurationError: The client is closed.
            TypeError: `prompts` is not iterable, or is a single string; or one of the first 10,000
                items of a collection is not a prompt. (A later one, or one from another iterable,
                raises where events are read, and ends the stream. So does a prompt that JSON can't
                hold, with a journal.)
            ValueError: There is no such task type, or it takes no text; or a number is out of range.
        """
        # Imported here, for most programs don't generate.
        from legnext_stream._generate import generate  # noqa: PLC0415 - see above

        return generate(
            prompts,
            account=self._account,
            open_nursery=self._host(),
            get_job=self.get_job,
            task_type=task_type,
            callback=callback,
            timeout=timeout,
            pacing=self._account.pacing if pacing is None else pacing,
            journal=journal,
            save_to=save_to,
            name=name,
            parallel_downloads=parallel_downloads,
            at_once=at_once,
            if_unknown=if_unknown,
            webhooks=webhooks,
        )

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

        Write `async for job in client.as_completed(job_ids)`, and look at `job.status`: it says whether
        the job completed, failed, timed out or was not found, and `job.error` says why. The options, and
        what is raised, are those of `watch`; leave it in the same ways, by `break` or in `async with`.
        """
        return ends(self.watch(jobs, **options))

    @passing(WaitOptions, watch)
    async def gather(self, jobs: Jobs, **options: Unpack[WaitOptions]) -> dict[str, Job]:
        """Wait until all jobs have ended, and return each in its final state.

        A job that ends badly raises nothing, for that would discard the others, which cost money: look
        at `job.status` and `job.error`. What concerns all jobs is raised, as `watch` raises it. The
        options are those of `watch` without the journal: events that an earlier watch acknowledged are
        not delivered again, so their jobs would be missing here.

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

        A file has its name only once it is whole and on the disk; what is there already is kept, and
        what an interrupted call has left is gone on with. Nothing is ever overwritten. The key is not
        sent to the hosts of results, and only https is asked for there (plain http on this machine,
        where the API is on it too).

        Args:
            job: The job; an id is asked about first. So are, once, the fresh URLs of a job whose own
                have expired.
            folder: Where the files go; it is made if it isn't there.
            name: How they are called: as for `str.format`, with `job_id`, `number` (which of the
                job's results, from 1), `suffix` (by what the file is: `.png`, `.mp4`, …),
                `task_type`, and `prompt`, `tag` and `position` if these are given.
            parallel: How many are fetched at once.
            grid: Whether the grid image is saved too, as the last; where it is all there is, it is
                saved always.
            max_size: How long a file may be, bytes.
            timeout: How long one may take with all attempts, seconds; None for as long as bytes come.
            prompt: What the job was made from, for the name.
            position: The place of the prompt in its batch, from 1, for the name.

        Returns:
            The files, in the order of their numbers; none for a job whose result is text.

        Raises:
            DownloadError: The job isn't completed, or one of its results can't be had. The others are
                saved all the same.
            ValueError: The template would let results collide, or lead out of the folder; or a number
                is out of its range.
            LegnextError: What `get_job` raises, if an id was given.
        """
        # Only who downloads pays for the import.
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
        """Ask once how a job is (again only while there is trouble that may pass).

        Raises:
            InvalidJobId: `job_id` can't be a job id.
            NotFoundError: The API does not know it.
            ApiError: The API refuses, or what answers is not the API.
            HostUnreachableError: The host gave no answer for `retry_for` seconds.
        """
        check_job_id(job_id)
        self._check_open()
        return await ask_once(self._account, job_id, retry_for=self._retry_for)

    async def submit(self, task_type: TaskType | str, **params: object) -> Job:
        """Submit a job of any of the 19 task types.

        Args:
            task_type: The kind of work, e.g. `"diffusion"`.
            params: The task's fields, under the API's names (`imageNo`) or in snake_case
                (`image_no`); those that are None are left out. A `mask` given as bytes is sent as
                a PNG file, which only `inpaint` takes.

        Returns:
            The new job, not yet begun.

        Raises:
            ValueError: There is no such task type.
            InsufficientCreditsError: The account has run out of credits.
            PermissionDeniedError: Moderation refused it.
            InvalidRequestError: A field is missing or out of range; the message says which.
            SubmitUnknownError: It was sent, but no answer came. It is never repeated by itself,
                for the job may exist.
            ApiError: The API refuses for another reason.
            HostUnreachableError: The host could not be reached for `retry_for` seconds.
        """
        request = submit_request(check_task_type(task_type), api_fields(params))
        return _job(await self._request(request, RequestKind.SUBMIT))

    async def diffusion(self, text: str, callback: str | None = None) -> Job:
        """Submit a text-to-image job; see `submit`.

        Args:
            text: The prompt, 1–8,192 characters.
            callback: A URL that the API calls when the job ends.
        """
        return await self.submit(TaskType.DIFFUSION, text=text, callback=callback)

    async def balance(self) -> Balance:
        """What the account has left.

        Raises:
            ApiError: The API refuses, or what answers is not the API.
            HostUnreachableError: The host gave no answer for `retry_for` seconds.
        """
        reply = await self._request(Request("GET", "/api/account/balance"), RequestKind.STATUS)
        body = decode_body(reply.content)
        data = None if body is None else body.get("data")
        if body is None or not isinstance(data, dict):
            raise _unexpected(reply, "a balance")
        numbers = {
            name: amount
            for name in ("balance_usd", "available_credits", "available_points")
            if (amount := decode_amount(data.get(name, 0))) is not None
        }
        if len(numbers) < 3:
            raise _unexpected(reply, "a balance")
        return Balance(**numbers, raw=body)

    def _host(self) -> Callable[[], trio.Nursery] | None:
        """What gives a stream the nursery to run in; None if the stream is to open the account itself."""
        return self._open_nursery

    def _check_open(self) -> None:
        self._open_nursery()

    def _open_nursery(self) -> trio.Nursery:
        if self._nursery is None:
            raise ConfigurationError(
                "the client is not open: use it inside `async with LegnextClient(...) as client:`"
            )
        return self._nursery

    async def _request(self, request: Request, kind: RequestKind) -> Reply:
        self._check_open()
        return await self._account.request(
            request, kind, is_safe=request.method == "GET", retry_for=self._retry_for
        )


def open_account(
    api_key: str | None,
    base_url: str | None,
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    pacing: Pacing,
    request_timeout: float = 10.0,
    http2: bool = False,
    telemetry: Telemetry | bool = False,
) -> Account:
    """An account by what the caller said, else by what the environment says.

    Raises:
        ConfigurationError: There is no key, the base URL is none, or HTTP/2 can't be had.
    """
    if not (math.isfinite(request_timeout) and request_timeout > 0):
        msg = f"request_timeout must be above 0 and finite, not {request_timeout!r}"
        raise ConfigurationError(msg)
    lanes = Lanes(
        base_url=base_url or os.environ.get("LEGNEXT_BASE_URL") or _DEFAULT_BASE_URL,
        api_key=_find_key(api_key),
        transport=transport,
        request_timeout=request_timeout,
        http2=http2,
    )
    return Account(lanes, pacing, None if telemetry is False else _recording(telemetry))


def _recording(given: Telemetry | bool) -> Callable[[Account], Observer]:  # noqa: FBT001 - as the caller gave it
    try:
        # Only those who want telemetry need its package, and wait for its import.
        from legnext_stream._telemetry import Recording, Telemetry  # noqa: PLC0415 - see above
    except ImportError:
        raise ConfigurationError(
            "telemetry needs the package opentelemetry-api: pip install 'legnext-stream[telemetry]'"
        ) from None
    return partial(Recording, given if isinstance(given, Telemetry) else Telemetry())


def _find_key(api_key: str | None) -> str:
    key = os.environ.get("LEGNEXT_API_KEY", "") if api_key is None else api_key
    key = key.strip()
    if not key:
        raise ConfigurationError(
            "no API key: set the environment variable LEGNEXT_API_KEY, or pass api_key=…"
        )
    if not (key.isascii() and key.isprintable()):
        # Said here, for the header's encoder would put the key into its message.
        raise ConfigurationError("the API key has characters that no header can carry")
    return key


async def ask_once(account: Account, job_id: str, *, retry_for: float = 60.0) -> Job:
    """Ask how a job is; see `LegnextClient.get_job`."""
    request = Request("GET", job_path(job_id))
    reply = await account.request(request, RequestKind.STATUS, is_safe=True, retry_for=retry_for)
    job = _job(reply)
    if not is_same_id(job.job_id, job_id):
        raise _unexpected(reply, "the job that was asked about")
    return attrs.evolve(job, job_id=job_id)


async def completed(events: EventStream) -> Job:
    """The job of a stream of one job, once it is completed.

    Raises:
        JobFailed: The API says that it failed.
        JobTimedOut: It ran, or waited without any change, for longer than the timeout.
        JobNotFound: The API does not know it.
    """
    last = [event async for event in events][-1]
    if last.status is JobStatus.COMPLETED:
        return last.job
    kind, what = _UNSUCCESSFUL[last.status]
    msg = f"job {last.job_id} {what}: {last.job.error or 'no reason given'}"
    raise kind(msg, last.job)


_UNSUCCESSFUL: Mapping[JobStatus, tuple[type[JobUnsuccessful], str]] = {
    JobStatus.FAILED: (JobFailed, "failed"),
    JobStatus.TIMED_OUT: (JobTimedOut, "timed out"),
    JobStatus.NOT_FOUND: (JobNotFound, "was not found"),
}


def _job(reply: Reply) -> Job:
    body = decode_body(reply.content)
    if body is None or decode_status(body.get("status")) is None:
        raise _unexpected(reply, "a job")
    try:
        # It goes into paths: the API's, and perhaps those of files.
        check_job_id(body.get("job_id"))
    except InvalidJobId:
        raise _unexpected(reply, "a job") from None
    return decode_job(body)


def _unexpected(reply: Reply, wanted: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"the host answered {reply.status_code}, but with something that is not {wanted}",
        status_code=reply.status_code,
        content=reply.content,
    )
