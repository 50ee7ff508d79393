"""Connects a batch of prompts to a watch: submits jobs, and adds their prompts to events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import trio

from legnext_stream._core.model.events import JobEvent, with_prompt
from legnext_stream._core.model.jobs import JobError, JobStatus
from legnext_stream._core.submitting import event_without_job
from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension
from legnext_stream._generate.batch import Batch, Item
from legnext_stream._generate.intake import Prompts, check_prompts
from legnext_stream._generate.submitter import SubmitSettings, Submitter
from legnext_stream._util.slices import Slices
from legnext_stream.errors import DownloadError

if TYPE_CHECKING:
    from legnext_stream._journal import JournalExtension
    from legnext_stream._results import Saver


class PromptsExtension(Extension):
    """The prompts of one stream of `generate`, from their coming in to the end of their jobs.

    The journal comes after this in the watch's extensions. The saver saves the results of completed
    jobs.

    Raises:
        TypeError: `prompts` is not iterable, or one of the first of them is no prompt.
        ValueError: The task takes no text.
    """

    def __init__(
        self,
        prompts: Prompts,
        journal: JournalExtension | None,
        *,
        account: Account,
        settings: SubmitSettings,
        saver: Saver | None,
    ) -> None:
        check_prompts(prompts, settings.task_type)
        self._batch = Batch()
        self._prompts = prompts
        self._account = account
        self._settings = settings
        self._saver = saver
        self._journal = journal

    async def open(self) -> None:
        """Check that results can be saved, before any of them costs money.

        Raises:
            ConfigurationError: They can't be saved in the folder.
        """
        if self._saver is not None:
            await self._saver.check()

    async def restore(self) -> Sequence[JobEvent]:
        """Go on from an earlier run; return the unacknowledged ends of prompts without a job."""
        if self._journal is None:
            return ()
        journal = self._journal
        submit_again = self._settings.if_unknown == "submit_again"
        now, ends, slices = trio.current_time(), [], Slices()
        for kept in await journal.open_prompts():
            refusal = kept.refusal
            if kept.state == "submitted":
                self._batch.items[kept.job_id] = Item(kept.position, kept.prompt)
            elif submit_again and (refusal is None or refusal.status is JobStatus.SUBMIT_UNKNOWN):
                journal.reopen(kept.position)
            elif refusal is not None:
                ends.append(with_prompt(journal.event_of(refusal), kept.prompt, kept.position))
            else:
                event = event_without_job(
                    now,
                    since=None,
                    status=JobStatus.SUBMIT_UNKNOWN,
                    error=JobError(message="it was being submitted when an earlier run ended"),
                    prompt=kept.prompt,
                    position=kept.position,
                )
                journal.observed(event)
                ends.append(event)
            await slices.done_one()
        return ends

    async def produce(self) -> None:
        """Submit all prompts; return when each has a job, or has ended without one."""
        self.watch.tracker.arrivals.expect(self._prompts)
        submitter = Submitter(
            self._batch,
            self._prompts,
            account=self._account,
            settings=self._settings,
            journal=self._journal,
            watch=self.watch,
        )
        await submitter.run()

    def removed(self, job_id: str) -> None:
        """A job is to be watched no longer."""
        self._batch.forget(job_id)

    def annotate(self, event: JobEvent) -> JobEvent:
        """Return an event with the prompt of its job."""
        item = self._batch.items.get(event.job_id)
        if event.status.is_terminal:
            self._batch.forget(event.job_id)
        if item is None:
            return event
        return with_prompt(event, item.prompt, item.position)

    def delays(self, event: JobEvent) -> bool:
        """Return whether files are to be saved before the event is delivered."""
        return self._saver is not None and event.status is JobStatus.COMPLETED

    async def complete(self, event: JobEvent) -> JobEvent:
        """Save the results of a completed job; return its event with what was saved."""
        assert self._saver is not None  # noqa: S101 - for the type checker: see `delays`
        self._batch.unsaved += 1
        try:
            files = await self._saver.save(event.job, event.prompt, position=event.position)
        except DownloadError as error:
            return attrs.evolve(event, download_error=error)
        finally:
            self._batch.unsaved -= 1
            self._batch.wake()
        return attrs.evolve(event, files=files)
