"""`legnext-stream download`: save the results of completed jobs in a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from json import dumps
from pathlib import Path

import attrs
import trio

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import EXPECTED, Exit, UsageError, nothing_in, say
from legnext_stream._cli.inputs import (
    LineStream,
    check_id,
    check_name,
    from_journal,
    parse_id,
    read,
)
from legnext_stream._cli.notices import client_for
from legnext_stream._cli.options import ApiOptions, Count, Flag, Ids, Source
from legnext_stream._cli.running import need_key, need_stdout
from legnext_stream._cli.words import counted, printable
from legnext_stream._core.model.events import SavedFile
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.results.file_names import DEFAULT_NAME
from legnext_stream._journal.contents import read_jobs
from legnext_stream._results import check_folder
from legnext_stream.errors import (
    ApiError,
    AuthenticationError,
    DownloadError,
    InsufficientCreditsError,
    InvalidJobId,
    LegnextError,
    RateLimitError,
    ServerError,
    UnexpectedAnswerError,
)

_FAILURES_SHOWN = 10
# With so many answers in a row that are none, the host is at fault and not a job.
_MOST_IN_TROUBLE = 5


async def download(
    source: Source = None,
    /,
    *,
    save_to: Path,
    ids: Ids = (),
    journal: Path | None = None,
    name: str = DEFAULT_NAME,
    parallel: Count = 4,
    grid: Flag = False,
    options: ApiOptions = ApiOptions(),  # noqa: B008 - frozen
) -> Exit:
    """Save the results of completed jobs in a folder.

    Existing files are kept, and partial downloads are resumed. Jobs that haven't completed, that the
    API refuses to show, or whose results have expired, are listed at the end, and the exit status is
    then 1.

    Args:
        source: A file of job ids, one a line; - for standard input, which is read as it arrives.
        save_to: The folder; it is created if it doesn't exist. Existing files are never
            overwritten.
        ids: A job id. May be given several times, also beside a file.
        journal: The journal of watch or generate: all its completed jobs.
        name: The file names. {job_id}, {number}, {suffix} and {task_type} are filled in; with the
            journal of generate also {prompt}, {tag} and {position}.
        parallel: The most jobs whose files are downloaded at the same time.
        grid: Save the grid image too.
        options: What the commands that call the API have in common.
    """
    if source is None and not ids and journal is None:
        raise UsageError("nothing to download: name a file of job ids, --id or --journal")
    template = check_name(name)
    wanted = [Wanted(check_id(item, "--id")) for item in ids]
    wanted += [] if journal is None else _completed_in(journal)
    more = [] if source is None else read(source, parse_id)
    if not wanted and not more and source is not None:
        return nothing_in(source, "job ids")
    if template.names_position and (more or any(each.position is None for each in wanted)):
        raise UsageError("--name: only jobs from the journal of generate have a {position}")
    check_folder(save_to)
    need_key()
    stdout = need_stdout()
    async with client_for(options) as client:
        fetch = partial(client.download, folder=save_to, name=name, parallel=1, grid=grid)
        is_json = options.json or not stdout.isatty()
        downloads = _Downloads(_each_wanted(wanted, more), fetch, stdout.fileno(), is_json)
        try:
            await downloads.run(parallel)
        finally:
            if downloads.jobs:
                say(downloads.summary())
    return Exit.INCOMPLETE if downloads.failed else Exit.COMPLETED


@attrs.frozen
class Wanted:
    """A job to download; with its prompt, and that one's position in the batch, if they are known."""

    job_id: str
    prompt: Prompt | None = None
    position: int | None = None


def _completed_in(journal: Path) -> list[Wanted]:
    return [
        Wanted(job.job_id, job.prompt, job.position)
        for job in from_journal(read_jobs, journal)
        if job.is_ended and job.status is JobStatus.COMPLETED
    ]


async def _each_wanted(
    wanted: Sequence[Wanted], more: Sequence[str] | LineStream[str]
) -> AsyncIterator[Wanted]:
    """All jobs; each that is known from the start comes once."""
    listed = () if isinstance(more, LineStream) else more
    by_id: dict[str, Wanted] = {}
    for each in [*wanted, *map(Wanted, listed)]:
        by_id.setdefault(each.job_id, each)
    for each in by_id.values():
        yield each
    if isinstance(more, LineStream):
        async for job_id in more:
            yield Wanted(job_id)


@attrs.define
class _Downloads:
    """The downloads of a command: several at a time, reported and counted in one place."""

    _wanted: AsyncIterator[Wanted]
    _fetch: Callable[..., Awaitable[tuple[SavedFile, ...]]]
    _fd: int
    _is_json: bool
    jobs: int = 0
    new: int = 0
    kept: int = 0
    failed: list[str] = attrs.field(factory=list)
    # How many answers in a row, the last one included, were none that the API gives in health.
    _in_trouble: int = 0
    _fatal: Exception | None = None
    _taking: trio.Lock = attrs.field(factory=trio.Lock)
    _writing: trio.Lock = attrs.field(factory=trio.Lock)

    async def run(self, parallel: int) -> None:
        """Download everything, `parallel` jobs at a time, until an error that concerns all jobs."""
        async with trio.open_nursery() as nursery:
            for _ in range(parallel):
                nursery.start_soon(self._work, nursery.cancel_scope)
        if self._fatal is not None:
            raise self._fatal

    async def _work(self, scope: trio.CancelScope) -> None:
        try:
            while (each := await self._next()) is not None:
                await self._save(each)
        except EXPECTED as error:
            # Raised by `run`, alone: several tasks may meet it at the same time.
            self._fatal = error
            scope.cancel()

    async def _next(self) -> Wanted | None:
        async with self._taking:
            return await anext(self._wanted, None)

    async def _save(self, wanted: Wanted) -> None:
        files: tuple[SavedFile, ...] = ()
        problem = None
        try:
            files = await self._fetch(wanted.job_id, prompt=wanted.prompt, position=wanted.position)
        except (ApiError, DownloadError, InvalidJobId) as error:
            if self._concerns_all(error):
                raise
            problem = printable(str(error))
            self.failed.append(f"{wanted.job_id}  {problem}")
        else:
            self._in_trouble = 0
        self.jobs += 1
        self.kept += sum(file.was_there for file in files)
        self.new += sum(not file.was_there for file in files)
        # A path that is not in UTF-8 comes out as it is.
        text = self._lines(wanted.job_id, files, problem)
        async with self._writing:
            await write_all(self._fd, text.encode(errors="surrogateescape"))

    def _concerns_all(self, error: LegnextError) -> bool:
        """Whether to end with this error, instead of listing it for one job."""
        if isinstance(error, ServerError | UnexpectedAnswerError | RateLimitError):
            self._in_trouble += 1
            return self._in_trouble >= _MOST_IN_TROUBLE
        self._in_trouble = 0
        return isinstance(error, AuthenticationError | InsufficientCreditsError)

    def _lines(self, job_id: str, files: Sequence[SavedFile], problem: str | None) -> str:
        if self._is_json:
            described = [attrs.asdict(file, filter=attrs.filters.exclude("url")) for file in files]
            line = {"job_id": job_id, "files": described, "error": problem}
            return dumps(line, default=str) + "\n"
        if problem is not None:
            return f"{job_id}  {problem}\n"
        return "".join(f"{file.path}\n" for file in files)

    def summary(self) -> str:
        """How the downloads went, over a few lines."""
        were = "was" if self.kept == 1 else "were"
        kept = f", {self.kept:,} {were} there already" if self.kept else ""
        lines = [f"{counted(self.jobs, 'job')}: {counted(self.new, 'file')} saved{kept}."]
        if self.failed:
            lines += ["Not saved:", *(f"  {line}" for line in self.failed[:_FAILURES_SHOWN])]
        if len(self.failed) > _FAILURES_SHOWN:
            lines.append(f"  and {len(self.failed) - _FAILURES_SHOWN:,} more")
        return "\n".join(lines)
