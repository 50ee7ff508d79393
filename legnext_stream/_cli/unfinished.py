"""What a run that ends early leaves behind: jobs that still run, prompts without a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from legnext_stream._cli.words import counted, label, printable, status_words
from legnext_stream._core.ended import EndedIds
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._journal.contents import Standing, read_standing
from legnext_stream.errors import JournalError

_SHOWN = 10


class Unfinished:
    """Follows which jobs have not ended, as far as events say.

    Args:
        planned: How many prompts there are in all; None if that isn't known, or if there are none.
        journal: Where the run is recorded, or None.
        resume: Returns the line that goes on with these jobs.
    """

    def __init__(
        self,
        *,
        planned: int | None = None,
        journal: Path | None = None,
        resume: Callable[[Sequence[str]], str],
    ) -> None:
        self._planned = planned
        self._journal = journal
        self._resume = resume
        self._jobs: dict[str, tuple[JobStatus | None, str]] = {}
        self._ended = EndedIds()
        self._done = 0
        # Jobs whose results could not be saved, and jobs that were given up while they ran.
        self.unsaved: list[str] = []
        self.timed_out: list[str] = []

    def resume_line(self) -> str | None:
        """The line that resumes the run by its journal; None without a journal."""
        return None if self._journal is None else self._resume([])

    @property
    def is_anything_known(self) -> bool:
        """Whether anything has been seen of any job."""
        return self._done > 0 or any(status is not None for status, _ in self._jobs.values())

    def take(self, job_id: str) -> None:
        """A job is to be watched."""
        if job_id not in self._ended:
            self._jobs.setdefault(job_id, (None, ""))

    def note(self, event: JobEvent) -> None:
        """Take in an event."""
        if not event.status.is_terminal:
            self._jobs[event.job_id] = event.status, label(event.prompt)
            return
        self._done += 1
        if event.job_id:
            self._jobs.pop(event.job_id, None)
            self._ended.add(event.job_id)
        if event.download_error is not None:
            self.unsaved.append(event.job_id)
        if event.status is JobStatus.TIMED_OUT:
            self.timed_out.append(event.job_id)

    def lines(self) -> Iterator[str]:
        """What is left, and the line that goes on with it. Call it when the stream is closed."""
        standing = self._standing()
        jobs, waiting = self._jobs, 0
        if self._planned is not None:
            waiting = max(self._planned - len(jobs) - self._done, 0)
        if standing is not None:
            # The journal also knows the jobs of submits that were answered while the stream closed,
            # and those of earlier runs.
            jobs = {
                job_id: self._jobs.get(job_id, (status, ""))
                for job_id, status in standing.unfinished.items()
            }
            ended = len(standing.ended) + sum(standing.without_job.values())
            waiting = standing.to_submit
            if self._planned is not None:
                waiting = max(waiting, self._planned - len(jobs) - ended)
        if jobs:
            verb = "runs" if len(jobs) == 1 else "run"
            yield f"{counted(len(jobs), 'job')} still {verb}:"
            for job_id, (status, prompt) in list(jobs.items())[:_SHOWN]:
                words = "not seen yet" if status is None else status_words(status)
                yield f"  {job_id}  {words}  {printable(prompt)}".rstrip()
            if len(jobs) > _SHOWN:
                yield f"  and {len(jobs) - _SHOWN:,} more"
        if waiting:
            verb = "has" if waiting == 1 else "have"
            yield f"{counted(waiting, 'prompt')} {verb} no known job."
        if jobs or (waiting and self._journal is not None):
            yield f"To go on: {self._resume(list(jobs))}"

    def _standing(self) -> Standing | None:
        if self._journal is None or not self._journal.exists():
            return None
        try:
            return read_standing(self._journal, is_closed=True)
        except JournalError:
            # It may be what ended the run.
            return None
