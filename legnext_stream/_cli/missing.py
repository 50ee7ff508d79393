"""Results that an earlier run was to save and that are not in the folder: found, and fetched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import trio

from legnext_stream._cli.exits import say
from legnext_stream._cli.words import counted, printable
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.results.file_names import NameTemplate, Origin
from legnext_stream._core.results.urls import results_of
from legnext_stream._journal.contents import CompletedJob, read_completed
from legnext_stream._results.part import OtherFileError, find_whole
from legnext_stream._util.threads import run_blocking
from legnext_stream.errors import DownloadError

_SHOWN = 10


@attrs.frozen
class Missing:
    """The results of the jobs that completed in earlier runs of a journal, and were to be saved.

    Attributes:
        journal: The journal.
        folder: Where the files are to be.
        name: The template of their names.
        parallel: How many jobs are fetched at a time.
    """

    journal: Path
    folder: Path
    name: str
    parallel: int

    def find(self) -> list[CompletedJob]:
        """The jobs that have not all of their files. Blocks.

        Raises:
            JournalError: The journal can't be read.
        """
        template = NameTemplate(self.name)
        return [each for each in read_completed(self.journal) if not self._is_whole(each, template)]

    def _is_whole(self, each: CompletedJob, template: NameTemplate) -> bool:
        try:
            return all(
                find_whole(self.folder, template.stem(_origin(each, number)))
                for number, _ in enumerate(results_of(each.job, grid=False), 1)
            )
        except (OSError, OtherFileError, ValueError):
            # The download says what is wrong.
            return False

    async def fetch(
        self,
        jobs: list[CompletedJob],
        client: LegnextClient,
        note: Callable[[JobEvent], Awaitable[None]],
    ) -> bool:
        """Fetch the results of these jobs; return whether all of them are there now.

        Each job makes an event that says what was saved.
        """
        failures: list[str] = []
        limiter = trio.CapacityLimiter(self.parallel)
        events: list[JobEvent] = []
        files = 0

        async def fetch(each: CompletedJob) -> None:
            nonlocal files
            event = JobEvent(
                job_id=each.job.job_id,
                status=JobStatus.COMPLETED,
                previous=JobStatus.COMPLETED,
                job=each.job,
                observed_at=trio.current_time(),
                changed_between=(None, trio.current_time()),
                prompt=each.prompt,
                position=each.position,
            )
            async with limiter:
                try:
                    saved = await client.download(
                        each.job,
                        self.folder,
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


async def find_missing(missing: Missing) -> list[CompletedJob]:
    """The jobs that have not all of their files."""
    return await run_blocking(missing.find)


def _origin(each: CompletedJob, number: int) -> Origin:
    return Origin(
        job=each.job,
        number=number,
        position=each.position,
        prompt="" if each.prompt is None else each.prompt.text,
        tag=None if each.prompt is None else each.prompt.tag,
    )
