"""All results of a job: fetched side by side within a limit, named by a template, told of once."""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._core.model.saved import SavedFile
from legnext_stream._core.results.file_names import (
    DEFAULT_NAME,
    LongNameError,
    NameTemplate,
    Origin,
)
from legnext_stream._core.results.urls import MOST_RESULTS, results_of, soon_gone
from legnext_stream._http.files import Files
from legnext_stream._log import LOGGER
from legnext_stream._results.fetching import Fetching, Terms
from legnext_stream._util.threads import off_the_event_path
from legnext_stream.errors import DownloadError

if TYPE_CHECKING:
    from legnext_stream._core.model.prompts import Prompt

MAX_SIZE = 1024**3
"""How long a file may be unless told otherwise, bytes: far more than any result has."""


class Saver:
    """Saves the results of completed jobs in a folder. One serves any number of jobs, side by side.

    A file has its name only once it is whole and on the disk; until then it is a part beside its
    place (`….part`), which a later attempt goes on with, also one of a later process. What is there
    already is kept. No file is ever overwritten.

    Args:
        files: What asks for them: `Account.files`.
        folder: Where they go; it is made if it isn't there.
        name: How they are called; see `NameTemplate`.
        parallel: How many are fetched at once, over all jobs.
        grid: Whether the grid image is saved too, as the last; where it is all there is, it always is.
        max_size: How long a file may be, bytes.
        timeout: How long one may take with all attempts, seconds; None for as long as bytes come.
        retry_for: How long one is asked for again while nothing comes, seconds.
        get_job: Asks how a job is, for fresh URLs where those of an old `Job` have expired; None to
            do without.

    Raises:
        ValueError: The template is none, or a number is out of its range.
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
            raise ValueError(f"at least one file has to be fetched at a time, not {parallel!r}")
        if max_size < 1:
            raise ValueError(f"max_size must be 1 byte or more, not {max_size!r}")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be above 0 s, or None, not {timeout!r}")
        self._files = files
        self._folder = Path(folder)
        self._template = NameTemplate(name)
        self._limiter = trio.CapacityLimiter(parallel)
        self._grid = grid
        self._terms = Terms(max_size=max_size, retry_for=retry_for, keeps=self._template.names_job)
        self._timeout = math.inf if timeout is None else timeout
        self._get_job = get_job

    async def save(
        self, job: Job, prompt: Prompt | None = None, *, position: int | None = None
    ) -> tuple[SavedFile, ...]:
        """Save a completed job's results.

        Args:
            job: The job.
            prompt: What it was made from, for its name; None where that isn't known.
            position: The place of the prompt in its batch, from 1, for its name.

        Returns:
            Its files, in the order of their numbers; none for a job whose result is text.

        Raises:
            DownloadError: The job isn't completed, or one of its results can't be had. The others are
                saved all the same; if several can't be had, it has a note for each of them.
            InvalidJobId: The job's id is none.
            ValueError: The template needs a position, and there is none.
        """
        renewal = _Renewal(job, self._get_job, grid=self._grid)
        urls = renewal.urls()
        stems = self._stems(len(urls), job, prompt, position)
        try:
            await off_the_event_path(lambda: self._folder.mkdir(parents=True, exist_ok=True))
        except OSError as error:
            raise _failed(job, f"{self._folder} can't be made: {error}") from error
        warning = _Warning(job)
        fetchings = [
            Fetching(
                self._files,
                self._terms,
                job_id=job.job_id,
                number=number,
                url=url,
                folder=self._folder,
                stem=stem,
                renewed=renewal.url,
                on_answer=warning.look,
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
        """Each one's file, or why there is none."""
        outcomes: dict[int, SavedFile | DownloadError] = {}

        async def save(place: int, fetching: Fetching) -> None:
            outcomes[place] = await self._save_one(fetching)

        try:
            async with trio.open_nursery() as nursery:
                for place, fetching in enumerate(fetchings):
                    nursery.start_soon(save, place, fetching)
        except BaseExceptionGroup as group:
            # A bug, or Ctrl-C: it comes out as it was, unless there are several.
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


class _Renewal:
    """Where a job's results are, asked for anew at most once.

    Args:
        job: The job, as the caller has it.
        get_job: Asks how it is; None to do without.
        grid: Whether the grid image is wanted too.
    """

    def __init__(
        self, job: Job, get_job: Callable[[str], Awaitable[Job]] | None, *, grid: bool
    ) -> None:
        self._job = job
        self._get_job = get_job
        self._grid = grid
        self._lock = trio.Lock()

    def urls(self) -> tuple[str, ...]:
        """The URLs of all results.

        Raises:
            DownloadError: There are none, for the job isn't completed, or too many to be true.
        """
        job = self._job
        if job.status is not JobStatus.COMPLETED:
            raise _failed(job, f"it is {job.status}, and only a completed job has results")
        urls = results_of(job, grid=self._grid)
        if len(urls) > MOST_RESULTS:
            raise _failed(job, f"it names {len(urls):,} results, more than any job has")
        if not urls and not job.output.texts:
            raise _failed(job, "it is completed, but names no result")
        return urls

    async def url(self, number: int) -> str | None:
        """The URL of one result as it is now; None if that can't be known.

        Raises:
            LegnextError: The API doesn't say.
        """
        async with self._lock:
            await self._ask_once()
        urls = results_of(self._job, grid=self._grid)
        return urls[number - 1] if number <= len(urls) else None

    async def _ask_once(self) -> None:
        get_job, self._get_job = self._get_job, None
        if get_job is not None:
            self._job = await get_job(self._job.job_id)


class _Warning:
    """Says once for a job that the URLs of its results don't last."""

    def __init__(self, job: Job) -> None:
        self._job_id = job.job_id
        self._is_given = False

    def look(self, url: str, present: float) -> None:
        """Look at the URL of a result, at a time in seconds since 1970."""
        how_long = soon_gone(url, present)
        if how_long is not None and not self._is_given:
            self._is_given = True
            LOGGER.warning("job %s: the URLs of its results %s", self._job_id, how_long)


def _failed(job: Job, problem: str) -> DownloadError:
    return DownloadError(f"job {job.job_id}: {problem}", job_id=job.job_id, url="")
