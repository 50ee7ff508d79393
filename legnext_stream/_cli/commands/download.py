"""`legnext-stream download`: the results of jobs that have completed, into a folder."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from json import dumps
from pathlib import Path
from typing import Annotated, TextIO

import attrs
import trio
from cyclopts import Parameter
from cyclopts.validators import Number

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit, OutputError, UsageError, printable, say
from legnext_stream._cli.ids_file import check_item, id_stream, read_file
from legnext_stream._cli.lines_in import LineStream
from legnext_stream._cli.options import BaseUrl, Json, Source
from legnext_stream._cli.running import need_key, need_stdout, run_to_exit
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.saved import SavedFile
from legnext_stream._journal.contents import read_jobs
from legnext_stream.errors import DownloadError, JournalError, LegnextError, NotFoundError


@attrs.frozen(kw_only=True)
class DownloadSettings:
    """What was asked for on the command line.

    Attributes:
        source: A file of ids, `-` for standard input, or None.
        ids: Ids given directly.
        journal: A journal whose completed jobs are meant, or None.
        save_to: The folder.
        name: How the files are called.
        parallel: How many jobs are fetched at once.
        grid: Whether the grid image is saved too.
        wants_json: Whether to write JSON on a terminal too.
        base_url: Where the API is, or None for the default.
    """

    source: str | None
    ids: Sequence[str]
    journal: Path | None
    save_to: Path
    name: str
    parallel: int
    grid: bool
    wants_json: bool
    base_url: str | None


def download(
    source: Source = None,
    /,
    *,
    save_to: Path,
    ids: Annotated[tuple[str, ...], Parameter(name="--id", negative="", show_default=False)] = (),
    journal: Path | None = None,
    name: str = "{job_id}-{number}{suffix}",
    parallel: Annotated[int, Parameter(validator=Number(gte=1))] = 4,
    grid: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    json: Json = False,
    base_url: BaseUrl = None,
) -> int:
    """Save the results of completed jobs in a folder.

    Files that are there already are kept, and what an interrupted download has left is gone on with.
    A job that isn't completed, or whose results have expired, is named at the end, and makes the
    exit status 1.

    Args:
        source: A file of job ids, one a line; - for standard input, which is read as it arrives.
        save_to: The folder; it is made if it isn't there. Nothing in it is ever overwritten.
        ids: A job id. May be given several times, also beside a file.
        journal: The journal of a watch or of generate: all its completed jobs.
        name: How files are called: {job_id}, {number}, {suffix} and {task_type} stand for what they
            say; with the journal of generate also {prompt}, {tag} and {position}.
        parallel: How many jobs' files are fetched at once.
        grid: Save the grid image too.
        json: Write JSON lines on a terminal too.
        base_url: Where the API is.
    """
    settings = DownloadSettings(
        source=source,
        ids=ids,
        journal=journal,
        save_to=save_to,
        name=name,
        parallel=parallel,
        grid=grid,
        wants_json=json,
        base_url=base_url,
    )
    return run_to_exit(partial(run_download, settings))


@attrs.frozen
class Wanted:
    """A job whose results are wanted.

    Attributes:
        job_id: The job.
        prompt: What it was submitted for, if that is known; so the next.
        position: The place of the prompt in its batch.
    """

    job_id: str
    prompt: Prompt | None = None
    position: int | None = None


def find_wanted(
    settings: DownloadSettings, stdin: TextIO | None
) -> tuple[list[Wanted], LineStream[str] | None]:
    """The jobs that are known at once, and the stream on which more arrive, if there is one.

    Raises:
        UsageError: There are none to be had, or one can't be an id.
    """
    if settings.source is None and not settings.ids and settings.journal is None:
        raise UsageError("nothing to download: name a file of job ids, --id or --journal")
    wanted = [Wanted(check_item(item, "--id")) for item in settings.ids]
    if settings.journal is not None:
        wanted += _of_journal(settings.journal)
    if settings.source == "-":
        if stdin is None:
            raise UsageError("can't read standard input: it is closed")
        return wanted, id_stream(stdin.fileno(), "standard input")
    if settings.source is not None:
        wanted += map(Wanted, read_file(settings.source))
    return list({each.job_id: each for each in reversed(wanted)}.values())[::-1], None


def _of_journal(path: Path) -> list[Wanted]:
    try:
        known = read_jobs(path)
    except JournalError as error:
        raise UsageError(str(error)) from None
    return [
        Wanted(job.job_id, job.prompt, job.position)
        for job in known
        if job.is_ended and job.status is JobStatus.COMPLETED
    ]


@attrs.define
class _Downloads:
    """The downloads of a command: what is fetched by several tasks, told and counted in one place."""

    client: LegnextClient
    settings: DownloadSettings
    fd: int
    is_json: bool
    jobs: int = 0
    new: int = 0
    kept: int = 0
    failed: list[str] = attrs.field(factory=list)
    fatal: Exception | None = None
    _lock: trio.Lock = attrs.field(factory=trio.Lock)

    async def run(self, wanted: AsyncIterator[Wanted]) -> None:
        """Fetch all that is wanted.

        Raises:
            LegnextError: What concerns all jobs.
            UsageError: The files can't be called so.
            OutputError: It can't be told.
        """
        send, receive = trio.open_memory_channel[Wanted](0)
        async with trio.open_nursery() as nursery:
            scope = nursery.cancel_scope
            for _ in range(self.settings.parallel):
                nursery.start_soon(self._to_the_end, partial(self._take, receive), scope)
            await self._to_the_end(partial(self._give, send, wanted), scope)
        if self.fatal is not None:
            raise self.fatal

    async def _to_the_end(
        self, work: Callable[[], Awaitable[None]], scope: trio.CancelScope
    ) -> None:
        """Do a part of it; what goes wrong ends all of it, and is raised once, by itself."""
        try:
            await work()
        except (LegnextError, UsageError, OutputError) as error:
            self.fatal = error
            scope.cancel()

    async def _give(
        self, send: trio.MemorySendChannel[Wanted], wanted: AsyncIterator[Wanted]
    ) -> None:
        with send:
            async for each in wanted:
                await send.send(each)

    async def _take(self, wanted: trio.MemoryReceiveChannel[Wanted]) -> None:
        async for each in wanted:
            await self._fetch(each)

    async def _fetch(self, wanted: Wanted) -> None:
        files: tuple[SavedFile, ...] = ()
        problem = None
        try:
            files = await self.client.download(
                wanted.job_id,
                self.settings.save_to,
                name=self.settings.name,
                parallel=1,
                grid=self.settings.grid,
                prompt=wanted.prompt,
                position=wanted.position,
            )
        except (DownloadError, NotFoundError) as error:
            problem = str(error)
            self.failed.append(f"{wanted.job_id}  {printable(problem)}")
        except ValueError as error:
            raise UsageError(str(error)) from None
        self.jobs += 1
        self.kept += sum(file.was_there for file in files)
        self.new += sum(not file.was_there for file in files)
        line = self._line(wanted.job_id, files, problem)
        # One line after the other: a write may take several turns.
        async with self._lock:
            await write_all(self.fd, line.encode())

    def _line(self, job_id: str, files: Sequence[SavedFile], problem: str | None) -> str:
        if self.is_json:
            told = [
                {
                    "path": str(file.path),
                    "size": file.size,
                    "media_type": file.media_type,
                    "was_there": file.was_there,
                }
                for file in files
            ]
            return dumps({"job_id": job_id, "files": told, "error": problem}) + "\n"
        if problem is not None:
            return f"{job_id}  {printable(problem)}\n"
        return "".join(f"{file.path}\n" for file in files)

    def summary(self) -> str:
        """What came of it, over a few lines."""
        kept = f", {self.kept:,} were there already" if self.kept else ""
        lines = [f"{self.jobs:,} jobs: {self.new:,} files saved{kept}."]
        if self.failed:
            lines += ["Not saved:", *(f"  {line}" for line in self.failed[:10])]
        if len(self.failed) > 10:
            lines.append(f"  and {len(self.failed) - 10:,} more")
        return "\n".join(lines)


async def run_download(settings: DownloadSettings) -> Exit:
    """Fetch everything.

    Raises:
        UsageError: The ids, the names, the environment or the streams of this process can't be used.
        LegnextError: What ended it as a whole.
        OutputError: What was saved can't be told.
    """
    need_key()
    stdout = need_stdout()
    known, arriving = find_wanted(settings, sys.stdin)

    async def wanted() -> AsyncIterator[Wanted]:
        for each in known:
            yield each
        if arriving is not None:
            async for job_id in arriving:
                yield Wanted(job_id)

    async with LegnextClient(base_url=settings.base_url) as client:
        is_json = settings.wants_json or not stdout.isatty()
        downloads = _Downloads(client, settings, stdout.fileno(), is_json)
        try:
            await downloads.run(wanted())
        finally:
            if downloads.jobs:
                say(downloads.summary())
    return Exit.INCOMPLETE if downloads.failed else Exit.COMPLETED
