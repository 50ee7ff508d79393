"""What the parts of `generate` share about one batch: whose job is whose, and when to look again."""

from __future__ import annotations

from typing import Final

import msgspec
import trio

from legnext_stream._core.model.prompts import Prompt

# Completed jobs whose files are still to be saved; with so many submitting waits, for their bodies are held.
_MOST_UNSAVED: Final = 100


class Item(msgspec.Struct, eq=False):
    """A prompt of a batch."""

    position: int  # its position in the batch
    prompt: Prompt
    failures: int = 0  # how many of its submits have made no job
    since: float | None = None  # when it was first submitted, seconds; None before
    reserved: float = 0.0  # the points that its current submit may cost, where that is limited
    attempt: str = ""  # tells its last submit from others, in the journal; empty without one


class Batch:
    """The state of one batch."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}  # the prompt of each unfinished job, by the job's id
        self.unsaved: int = 0  # how many completed jobs have files that are still to be saved
        self._changed = trio.Event()

    @property
    def is_behind(self) -> bool:
        """Whether so many files are still to be saved that submitting waits for them."""
        return self.unsaved >= _MOST_UNSAVED

    def forget(self, job_id: str) -> None:
        """A job has ended, or is watched no longer."""
        self.items.pop(job_id, None)
        self.wake()

    def wake(self) -> None:
        """Something has changed: it may be time for the next submit."""
        self._changed.set()

    async def change(self, until: float) -> None:
        """Wait until something has changed since the last call, or until a time, seconds."""
        with trio.move_on_at(until):
            await self._changed.wait()
        self._changed = trio.Event()
