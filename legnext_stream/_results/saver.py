"""All results of a job: downloaded concurrently within a limit, and named by a template."""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio

from legnext_stream._core.model.events import SavedFile
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.results.file_names import (
    DEFAULT_NAME,
    LongNameError,
    NameTemplate,
    Origin,
)
from legnext_stream._core.results.urls import MOST_RESULTS, results_of, soon_gone
from legnext_stream._http.files import Files
from legnext_stream._log import LOGGER
from legnext_stream._results.fetching import Fetching
from legnext_stream._results.folders import check_folder
from legnext_stream._util.threads import run_blocking
from legnext_stream.errors import DownloadError

if TYPE_CHECKING:
    from legnext_stream._core.model.prompts import Prompt

MAX_SIZE = 1024**3
"""The default limit for a file's size, in bytes: far more than any result has."""


class Saver:
    """Saves the results of completed jobs in a folder. One `Saver` serves any number of jobs.

    A file gets its name only when it is complete and on disk. Until then it is a part (`….part`),
    which a later attempt resumes, even in a later process. Existing files are kept; none is ever
    overwritten.

    Args:
        files: Requests files by HTTP: `Account.files`.
        folder: See `LegnextClient.download`, as for all that is not explained here.
        parallel: The most files that are downloaded at the same time, over all jobs.
        retry_for: How long to retry while no new bytes arrive, in seconds.
        get_job: Requests a job, for fresh URLs if those of an old `Job` have expired; None to do
            without.

    Raises:
        ValueError: The template is invalid, or a number is out of range.
    """

    def __init__(
        self,
        files: Files,
        folder: str | os.PathLike[str],
        *,
        name: str = DEFAULT_NAME,
        parallel: int = 4,
        grid: bool = False,
        max_size: int = MAX_SIZE,
        timeout: float | None = 600.0,
        retry_for: float = 60.0,
        get_job: Callable[[str], Awaitable[Job]] | None = None,
    ) -> None:
        if parallel < 1:
            raise ValueError(f"parallel must be 1 or more, not {parallel!r}")
        if max_size < 1:
            raise ValueError(f"max_size must be 1 byte or more, not {max_size!r}")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be above 0 s, or None, not {timeout!r}")
        self._files = files
        self._folder = Path(folder)
        self._template = NameTemplate(name)
        self._limiter = trio.CapacityLimiter(parallel)
        self._grid = grid
        self._max_size = max_size
        self._retry_for = retry_for
        self._timeout = math.inf if timeout is None else timeout
        self._get_job = get_job

    async def check(self) -> None:
        """Check that files can be written to the folder.

        Raises:
            ConfigurationError: They can't; the message says why.
        """
        await run_blocking(partial(check_folder, self._folder))

    async def save(
        self, job: Job, prompt: Prompt | None = None, *, position: int | None = None
    ) -> tuple[SavedFile, ...]:
        """Save a completed job's results, and return the files; see `LegnextClient.download`.

        Raises:
            DownloadError: The job isn't completed, or one of its results can't be saved. The others
                are saved all the same. If several fail, the error has a note for each.
            InvalidJobId: The job's id is invalid.
            ValueError: The template needs a position, and there is none.
        """
        renewal = _Renewal(job, self._get_job, self._grid)
        urls = renewal.urls()
        stems = self._stems(len(urls), job, prompt, position)
        try:
            await run_blocking(lambda: self._folder.mkdir(parents=True, exist_ok=True))
        except OSError as error:
            problem = f"the folder {self._folder} can't be created: {error.strerror or error}"
            raise _failed(job, problem) from error
        is_warned = False

        def look(url: str, present: float) -> None:
            nonlocal is_warned
            how_long = soon_gone(url, present)
            if how_long is not None and not is_warned:
                is_warned = True
                LOGGER.warning("job %s: the URLs of its results %s", job.job_id, how_long)

        fetchings = [
            Fetching(
                files=self._files,
                max_size=self._max_size,
                retry_for=self._retry_for,
                keeps=self._template.names_job,
                job_id=job.job_id,
                number=number,
                url=url,
                folder=self._folder,
                stem=stem,
                renewed=renewal.url,
                on_answer=look,
            )
            for number, (url, stem) in enumerate(zip(urls, stems, strict=True), 1)
        ]
        return _all_or_first_failure(await self._save_all(fetchings))

    def _stems(
        self, count: int, job: Job, prompt: Prompt | None, position: int | None
    ) -> list[str]:
        origins = [
            Origin(
                job=job,
                number=number,
                position=position,
                prompt="" if prompt is None else prompt.text,
                tag=None if prompt is None else prompt.tag,
            )
            for number in range(1, count + 1)
        ]
        try:
            return [self._template.stem(origin) for origin in origins]
        except LongNameError as error:
            raise _failed(job, str(error)) from None

    async def _save_all(self, fetchings: Sequence[Fetching]) -> list[SavedFile | DownloadError]:
        """The file of each, or the error."""
        outcomes: dict[int, SavedFile | DownloadError] = {}

        async def save(place: int, fetching: Fetching) -> None:
            outcomes[place] = await self._save_one(fetching)

        try:
            async with trio.open_nursery() as nursery:
                for place, fetching in enumerate(fetchings):
                    nursery.start_soon(save, place, fetching)
        except BaseExceptionGroup as group:
            # A bug, or Ctrl-C: raised by itself, unless there are several.
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise
        return [outcomes[place] for place in range(len(fetchings))]

    async def _save_one(self, fetching: Fetching) -> SavedFile | DownloadError:
        async with self._limiter:
            with trio.move_on_after(self._timeout):
                try:
                    return await fetching.run()
                except DownloadError as error:
                    return error
        return fetching.failed(f"it took longer than {self._timeout:g} s")


def _all_or_first_failure(
    outcomes: Sequence[SavedFile | DownloadError],
) -> tuple[SavedFile, ...]:
    failures = [outcome for outcome in outcomes if isinstance(outcome, DownloadError)]
    if failures:
        first, *others = failures
        for other in others:
            first.add_note(f"and {other}")
        raise first
    return tuple(outcome for outcome in outcomes if isinstance(outcome, SavedFile))


@attrs.define(eq=False)
class _Renewal:
    """The URLs of a job's results, which are requested again at most once."""

    job: Job
    get_job: Callable[[str], Awaitable[Job]] | None
    grid: bool
    _lock: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def urls(self) -> tuple[str, ...]:
        """The URLs of all results.

        Raises:
            DownloadError: The job isn't completed, or has no results, or implausibly many.
        """
        job = self.job
        if job.status is not JobStatus.COMPLETED:
            raise _failed(job, f"it is {job.status}; only a completed job has results")
        urls = results_of(job, grid=self.grid)
        if len(urls) > MOST_RESULTS:
            raise _failed(job, f"it names {len(urls):,} results, more than any job has")
        if not urls and not job.output.texts:
            raise _failed(job, "it is completed, but names no result")
        return urls

    async def url(self, number: int) -> str | None:
        """The current URL of one result; None if there is none.

        Raises:
            LegnextError: The API refused, or didn't answer.
        """
        async with self._lock:
            await self._ask_once()
        urls = results_of(self.job, grid=self.grid)
        return urls[number - 1] if number <= len(urls) else None

    async def _ask_once(self) -> None:
        get_job, self.get_job = self.get_job, None
        if get_job is not None:
            self.job = await get_job(self.job.job_id)


def _failed(job: Job, problem: str) -> DownloadError:
    return DownloadError(f"job {job.job_id}: {problem}", job_id=job.job_id, url="")
