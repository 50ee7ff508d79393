"""A batch: whose job is whose, and what is saved of each. The engine asks it; the submitter fills it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import attrs
import trio

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobError, JobStatus
from legnext_stream._core.submitting import event_without_job
from legnext_stream._core.tracker import Tracker
from legnext_stream._engine.account import Account
from legnext_stream._engine.delivery import Delivery
from legnext_stream._generate.intake import Item, Prompts
from legnext_stream._generate.submitter import Submitter
from legnext_stream._generate.terms import Terms
from legnext_stream._util.slices import Slices
from legnext_stream.errors import DownloadError

if TYPE_CHECKING:
    from legnext_stream._journal import Keeper
    from legnext_stream._journal.ledger import Ledger
    from legnext_stream._results import Saver

# Completed jobs whose files are still to be saved, with which submitting waits: their bodies are held.
_MOST_UNSAVED: Final = 100


class Batch:
    """The prompts of one stream of `generate`, from their coming in to the end of their jobs.

    Args:
        prompts: What the caller gave.
        account: Whose lanes and pace to use.
        terms: How to submit.
        saver: Saves what completed jobs have made, or None.

    Attributes:
        items: What each unfinished job was submitted for, by its id.
    """

    def __init__(
        self, prompts: Prompts, *, account: Account, terms: Terms, saver: Saver | None
    ) -> None:
        self.items: dict[str, Item] = {}
        self._prompts = prompts
        self._account = account
        self._terms = terms
        self._saver = saver
        self._unsaved = 0
        self._ledger: Ledger | None = None
        self._changed = trio.Event()

    async def restore(self, keeper: Keeper) -> list[JobEvent]:
        """Go on from where an earlier run was; return what is owed of prompts without a job.

        Raises:
            JournalError: The file can't be read.
        """
        self._ledger = ledger = keeper.ledger
        is_again = self._terms.if_unknown == "submit_again"
        now, owed, slices = trio.current_time(), [], Slices()
        for kept in await ledger.open_prompts():
            refusal = kept.refusal
            if kept.state == "submitted":
                self.items[kept.job_id] = Item(kept.position, kept.prompt)
            elif is_again and (refusal is None or refusal.status is JobStatus.SUBMIT_UNKNOWN):
                ledger.unsent(kept.position)
            elif refusal is not None:
                event = keeper.event(refusal)
                owed.append(attrs.evolve(event, prompt=kept.prompt, position=kept.position))
            else:
                event = event_without_job(
                    now,
                    since=None,
                    status=JobStatus.SUBMIT_UNKNOWN,
                    error=JobError(message="it was being submitted when an earlier run ended"),
                    prompt=kept.prompt,
                    position=kept.position,
                )
                keeper.observed(event)
                owed.append(event)
            await slices.done_one()
        return owed

    @trio.lowlevel.enable_ki_protection
    async def run(
        self, tracker: Tracker, delivery: Delivery, deliver: Callable[[list[JobEvent]], None]
    ) -> None:
        """Submit all prompts; return when each has a job, or an end without one.

        Args:
            tracker: Watches the jobs.
            delivery: Has room for more events, or not.
            deliver: Takes the events.

        Raises:
            AuthenticationError: The key is not let in.
            HostUnreachableError: The host gave no answer for the whole timeout.
            TypeError: Something among the prompts is none, or the journal can't hold it.
            ValueError: A task takes no text.
            JournalError: The journal can't be written.
        """
        submitter = Submitter(
            self,
            self._prompts,
            account=self._account,
            terms=self._terms,
            ledger=self._ledger,
            tracker=tracker,
            delivery=delivery,
            deliver=deliver,
        )
        await submitter.run()

    def dressed(self, event: JobEvent) -> JobEvent:
        """An event, with the prompt that its job was submitted for."""
        item = self.items.get(event.job_id)
        if event.status.is_terminal:
            self.forget(event.job_id)
        if item is None:
            return event
        return attrs.evolve(event, prompt=item.prompt, position=item.position)

    def forget(self, job_id: str) -> None:
        """A job has ended, or is watched no longer."""
        self.items.pop(job_id, None)
        self.wake()

    def is_to_save(self, event: JobEvent) -> bool:
        """Whether an event is told only when the files of its job are saved: then `save` is due."""
        return self._saver is not None and event.status is JobStatus.COMPLETED

    async def save(self, event: JobEvent) -> JobEvent:
        """Save what a completed job has made; return its event, which says what there is now."""
        assert self._saver is not None  # noqa: S101 - for the type checker: `is_to_save` has said so
        self._unsaved += 1
        try:
            files = await self._saver.save(event.job, event.prompt, position=event.position)
        except DownloadError as error:
            return attrs.evolve(event, download_error=error)
        finally:
            self._unsaved -= 1
            self.wake()
        return attrs.evolve(event, files=files)

    @property
    def is_behind(self) -> bool:
        """Whether so many files are still to be saved that submitting waits for them."""
        return self._unsaved >= _MOST_UNSAVED

    def wake(self) -> None:
        """Something has changed: it may be time for the next submit."""
        self._changed.set()

    async def change(self, until: float) -> None:
        """Wait until something has changed since the last time, or until a time, seconds."""
        with trio.move_on_at(until):
            await self._changed.wait()
        self._changed = trio.Event()
