"""How prompts come into a batch: no more at a time than are in hand, and with a journal none twice."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

import trio

from legnext_stream._core.model.prompts import Prompt, as_prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._engine.sources import check_source, take_in
from legnext_stream._generate.batch import Item

if TYPE_CHECKING:
    # Only who has a journal pays for the database's import.
    from legnext_stream._journal.ledger import Ledger
    from legnext_stream._journal.prompts import Claim

Prompts: TypeAlias = Iterable[str | Prompt] | AsyncIterable[str | Prompt]

AHEAD: Final = 100
"""Prompts that are taken in at most before their submits: enough that they share writes to a disk."""


def check_prompts(prompts: object, task_type: TaskType) -> None:
    """Refuse what can't be a source of prompts, before any is submitted.

    Args:
        prompts: What the caller gave.
        task_type: The kind of work that a mere text is for.

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
    """Brings prompts in, and says when there can be no more.

    Args:
        prompts: What the caller gave.
        task_type: The kind of work that a mere text is for.
        ledger: The batch's journal, or None. What it has that was not submitted comes first.
        take: Takes a prompt that is to be submitted; returns when there is a place for the next.
    """

    def __init__(
        self,
        prompts: Prompts,
        *,
        task_type: TaskType,
        ledger: Ledger | None,
        take: Callable[[Item], Awaitable[None]],
    ) -> None:
        self._prompts = prompts
        self._task_type = task_type
        self._ledger = ledger
        self._take = take
        self._given = 0

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Bring all of them in.

        Raises:
            TypeError: Something among them is no prompt, or the journal can't hold it.
            ValueError: A task takes no text.
            JournalError: The journal can't be read or written.
        """
        if self._ledger is None:
            await take_in(self._prompts, self._number)
            return
        await self._take_left_over(self._ledger)
        async with trio.open_nursery() as nursery:
            claims, settled = trio.open_memory_channel["tuple[Claim, Prompt]"](AHEAD)
            nursery.start_soon(self._settle, self._ledger, settled)
            with claims:
                ledger = self._ledger

                async def claim(given: str | Prompt) -> None:
                    prompt = as_prompt(given, self._task_type)
                    claimed = (ledger.claim(prompt), prompt)
                    try:
                        # Without a turn for others: what is at hand comes together.
                        claims.send_nowait(claimed)
                    except trio.WouldBlock:
                        await claims.send(claimed)

                await take_in(self._prompts, claim)

    async def _number(self, given: str | Prompt) -> None:
        prompt = as_prompt(given, self._task_type)
        self._given += 1
        await self._take(Item(self._given, prompt))

    async def _take_left_over(self, ledger: Ledger) -> None:
        """Go on with what an earlier run didn't submit."""
        after = 0
        while kept := await ledger.unsent_prompts(after, AHEAD):
            for one in kept:
                await self._take(Item(one.position, one.prompt))
            after = kept[-1].position

    @trio.lowlevel.enable_ki_protection
    async def _settle(
        self, ledger: Ledger, claimed: trio.MemoryReceiveChannel[tuple[Claim, Prompt]]
    ) -> None:
        """Take those that the journal didn't know; those that come together share a write."""
        async for first in claimed:
            together = [first]
            with suppress(trio.WouldBlock, trio.EndOfChannel):
                while True:
                    together.append(claimed.receive_nowait())
            await ledger.flush()
            for claim, prompt in together:
                if claim.is_new:
                    await self._take(Item(claim.position, prompt))
