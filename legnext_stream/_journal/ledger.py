"""What a batch writes into its journal: which prompts there are, and what has become of each.

That a prompt is about to be submitted is on the disk before its request goes out, and its job's id
before the job is waited for. Whatever a kill interrupts is then known to have been interrupted.
"""

from __future__ import annotations

import time

from legnext_stream._core.model.prompts import Prompt
from legnext_stream._journal.entries import Taken
from legnext_stream._journal.prompts import Claim, Content, KeptPrompt, Moved, Submitted
from legnext_stream._journal.store import Store
from legnext_stream._journal.writer import Writer
from legnext_stream._util.threads import off_the_event_path


class Ledger:
    """The prompts of a batch in an open journal. Made by a `Keeper`.

    Args:
        store: The file.
        writer: The way into it.
    """

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    async def open_prompts(self) -> list[KeptPrompt]:
        """The prompts that were being submitted, or whose job or refusal is not finished with.

        Raises:
            JournalError: The file can't be read.
        """
        return await off_the_event_path(self._store.open_prompts)

    async def unsent_prompts(self, after: int, most: int) -> list[KeptPrompt]:
        """The first prompts beyond a place in the batch that are to be submitted.

        Raises:
            JournalError: The file can't be read.
        """
        await self._writer.flush()
        return await off_the_event_path(lambda: self._store.unsent_prompts(after, most))

    def claim(self, prompt: Prompt) -> Claim:
        """A prompt has come in: its place in the batch is in the claim after the next `flush`.

        Raises:
            TypeError: JSON can't hold it.
        """
        claim = Claim(Content.of(prompt), time.time())
        self._writer.put(claim)
        return claim

    def sending(self, position: int) -> None:
        """A prompt is about to be submitted; `flush` before it is."""
        self._writer.put(Moved(position, "sending"))

    def unsent(self, position: int) -> None:
        """A prompt was surely not submitted."""
        self._writer.put(Moved(position, "unsent"))

    def submitted(self, position: int, job_id: str) -> None:
        """A prompt has a job; `flush` before that is waited for."""
        self._writer.put(Submitted(position, job_id))
        self._writer.put(Taken(job_id, time.time()))

    async def flush(self) -> None:
        """Wait until all that was said so far is on the disk, with what others have said meanwhile.

        Raises:
            JournalError: It can't be written; nothing can be any more.
        """
        await self._writer.flush()
