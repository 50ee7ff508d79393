"""What earlier runs of a journal made: looked up, and fetched as far as it is missing in the folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import trio

from legnext_stream._cli.exits import say
from legnext_stream._cli.words import counted, printable
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.events import JobEvent, SavedFile
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.results.file_names import DEFAULT_NAME, NameTemplate, Origin
from legnext_stream._core.results.urls import results_of, without_query
from legnext_stream._journal.contents import CompletedJob, read_completed
from legnext_stream._results.part import OtherFileError, find_whole
from legnext_stream._util.threads import run_blocking
from legnext_stream.errors import DownloadError

_SHOWN = 10


@attrs.frozen
class Earlier:
    """What the jobs made that completed in earlier runs of a journal.

    Attributes:
        journal: The journal.
        folder: Where their files are to be, or None if they are not to be saved.
        name: The template of the files' names.
        parallel: How many jobs are fetched at a time.
    """

    journal: Path
    folder: Path | None = None
    name: str = DEFAULT_NAME
    parallel: int = 1

    async def look(self) -> tuple[list[JobEvent], list[CompletedJob]]:
        """What was made, as events; and the jobs of which files are missing.

        Raises:
            JournalError: The journal can't be read.
        """
        return await run_blocking(self._look)

    def _look(self) -> tuple[list[JobEvent], list[CompletedJob]]:
        template = NameTemplate(self.name)
        made, missing = [], []
        for each in read_completed(self.journal):
            files = self._files(each, template)
            if files is None:
                missing.append(each)
            else:
                made.append(attrs.evolve(_event(each, 0.0), files=files))
        return made, missing

    def _files(self, each: CompletedJob, template: NameTemplate) -> tuple[SavedFile, ...] | None:
        """The files of a job; none if they are not to be saved; None if some are missing."""
        if self.folder is None:
            return ()
        files = []
        try:
            for number, url in enumerate(results_of(each.job), 1):
                found = find_whole(self.folder, template.stem(_origin(each, number)))
                if found is None:
                    return None
                path, size, kind = found
                files.append(
                    SavedFile(
                        url=without_query(url),
                        path=path,
                        size=size,
                        media_type=kind.media_type,
                        was_there=True,
                    )
                )
        except (OSError, OtherFileError, ValueError):
            # The download says what is wrong.
            return None
        return tuple(files)

    async def fetch(
        self,
        jobs: list[CompletedJob],
        client: LegnextClient,
        note: Callable[[JobEvent], Awaitable[None]],
    ) -> bool:
        """Fetch the results of these jobs into the folder; return whether all of them are there now.

        Each job makes an event that says what was saved.
        """
        folder = self.folder
        assert folder is not None  # noqa: S101 - for the type checker: else nothing is missing
        failures: list[str] = []
        limiter = trio.CapacityLimiter(self.parallel)
        events: list[JobEvent] = []
        files = 0

        async def fetch(each: CompletedJob) -> None:
            nonlocal files
            event = _event(each, trio.current_time())
            async with limiter:
                try:
                    saved = await client.download(
                        each.job,
                        folder,
                        name=self.name,
                        parallel=1,
                        prompt=each.prompt,
                        position=each.position,
                    )
                except DownloadError as error:
                    event = attrs.evolve(event, download_error=error)
                    failures.append(f"  {each.job.job_id}  {printable(str(error))}")
                else:
                    event = attrs.evolve(event, files=saved)
                    files += sum(not file.was_there for file in saved)
            events.append(event)

        say(f"Fetching the files of {counted(len(jobs), 'job')} that are missing.")
        async with trio.open_nursery() as nursery:
            for each in jobs:
                nursery.start_soon(fetch, each)
        for event in events:
            await note(event)
        say(f"  files     {files:,} saved that were missing")
        if failures:
            say("\n".join(["Still not saved:", *failures[:_SHOWN]]))
            if len(failures) > _SHOWN:
                say(f"  and {len(failures) - _SHOWN:,} more")
        return not failures


def _event(each: CompletedJob, now: float) -> JobEvent:
    return JobEvent(
        job_id=each.job.job_id,
        status=JobStatus.COMPLETED,
        previous=JobStatus.COMPLETED,
        job=each.job,
        observed_at=now,
        changed_between=(None, now),
        prompt=each.prompt,
        position=each.position,
    )


def _origin(each: CompletedJob, number: int) -> Origin:
    return Origin(
        job=each.job,
        number=number,
        position=each.position,
        prompt="" if each.prompt is None else each.prompt.text,
        tag=None if each.prompt is None else each.prompt.tag,
    )
