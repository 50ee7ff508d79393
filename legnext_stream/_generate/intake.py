"""How prompts come into a batch: a bounded number ahead of their submits, and with a journal none twice."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

import trio

from legnext_stream._core.model.prompts import Prompt, Tag, as_prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._engine.sources import check_source, take_in
from legnext_stream._generate.batch import Item

if TYPE_CHECKING:
    # Only those who have a journal wait for the import of its database.
    from legnext_stream._journal import JournalExtension
    from legnext_stream._journal.group_commit import Claim

Prompts: TypeAlias = Iterable[str | Prompt] | AsyncIterable[str | Prompt]
Texts: TypeAlias = Iterable[str] | AsyncIterable[str]
Tagged: TypeAlias = Iterable[Prompt[Tag]] | AsyncIterable[Prompt[Tag]]

AHEAD: Final = 100
"""Prompts that are taken in at most ahead of their submits: enough that they share writes to a disk."""


def check_prompts(prompts: object, task_type: TaskType) -> None:
    """Refuse what can't be a source of prompts, before any is submitted. Texts are for this task.

    Raises:
        TypeError: It is not iterable, or is one string, or one of the first items is no prompt.
        ValueError: The task takes no text.
    """
    check_source(
        prompts,
        lambda item: as_prompt(item, task_type),
        one="generate() takes many prompts, not one string: write generate([text])",
        none=f"generate() takes an iterable or async iterable of prompts, not {prompts!r}",
    )


class Intake:
    """Brings prompts in, and returns when there can be no more.

    Those in the journal that were not submitted come first. `take` takes a prompt that is to be
    submitted, and returns when there is room for the next. Mere texts are for `task_type`.
    """

    def __init__(
        self,
        prompts: Prompts,
        *,
        task_type: TaskType,
        journal: JournalExtension | None,
        take: Callable[[Item], Awaitable[None]],
    ) -> None:
        self._prompts = prompts
        self._task_type = task_type
        self._journal = journal
        self._take = take
        self._given = 0

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Bring all of them in.

        Raises:
            TypeError: One of them is no prompt, or the journal can't hold it.
            ValueError: A task takes no text.
            JournalError: The journal can't be read or written.
        """
        journal = self._journal
        if journal is None:
            await take_in(self._prompts, self._number)
            return
        await self._take_left_over(journal)
        async with trio.open_nursery() as nursery:
            claims, flushed = trio.open_memory_channel["tuple[Claim, Prompt]"](AHEAD)
            nursery.start_soon(self._take_claimed, journal, flushed)
            with claims:

                async def claim(given: str | Prompt) -> None:
                    prompt = as_prompt(given, self._task_type)
                    claimed = (journal.claim(prompt), prompt)
                    try:
                        # Without a turn for other tasks, so that what is at hand is written together.
                        claims.send_nowait(claimed)
                    except trio.WouldBlock:
                        await claims.send(claimed)

                await take_in(self._prompts, claim)

    async def _number(self, given: str | Prompt) -> None:
        prompt = as_prompt(given, self._task_type)
        self._given += 1
        await self._take(Item(self._given, prompt))

    async def _take_left_over(self, journal: JournalExtension) -> None:
        """Take the prompts that an earlier run did not submit."""
        after = 0
        while prompts := await journal.unsent_prompts(after, AHEAD):
            for one in prompts:
                await self._take(Item(one.position, one.prompt))
            after = prompts[-1].position

    @trio.lowlevel.enable_ki_protection
    async def _take_claimed(
        self, journal: JournalExtension, claimed: trio.MemoryReceiveChannel[tuple[Claim, Prompt]]
    ) -> None:
        """Take the prompts that the journal didn't know; those that come together share a write."""
        async for first in claimed:
            together = [first]
            with suppress(trio.WouldBlock, trio.EndOfChannel):
                while True:
                    together.append(claimed.receive_nowait())
            await journal.flush()
            for claim, prompt in together:
                if claim.place is not None and claim.place.is_new:
                    await self._take(Item(claim.place.position, prompt))
