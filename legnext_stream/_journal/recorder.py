"""The recorder protocol: how a watch keeps what must survive a restart, wherever that is kept.

`sqlite` keeps it in a file, which users know as the journal. Tests have one that keeps it in memory. The
rules that every recorder keeps are these:

- One run at a time owns the records. A run that has lost them to another is *fenced*: nothing that it
  writes counts any more, except what became of its submits.
- A batch of records is written as a whole or not at all.
- Batches are numbered by the run that writes them, and so are the events of each job. The last batch may
  be written again, and changes nothing then; what is missing is a *gap*. After a gap the run can't know
  what is recorded, and has to end.
- When `write` returns `DONE`, the batch is where it survives what the recorder promises to survive.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

import attrs

from legnext_stream._journal.records import (
    LoggedEvent,
    Place,
    Record,
    RecordedJob,
    RecordedPrompt,
)


class Outcome(enum.Enum):
    """What has become of a batch."""

    DONE = enum.auto()
    """It is recorded, now or by an earlier call with the same number."""
    FENCED = enum.auto()
    """Another run has taken the records over. Only what became of submits is recorded."""
    GAP = enum.auto()
    """Something before it is missing. Only what became of submits is recorded."""
    UNAVAILABLE = enum.auto()
    """It may be recorded or not: write it again, with the same number, until another answer comes."""


@attrs.frozen
class Written:
    """The answer to a batch."""

    outcome: Outcome  # what has become of it
    # If it is done, the answers to its `Claimed` records, in their order.
    places: Sequence[Place] = ()


class Recorder(Protocol):
    """Keeps the records of an account's jobs and prompts.

    What reads raises `JournalError` if the records can't be read.
    """

    async def open(self) -> None:
        """Become the run that owns the records.

        Raises:
            JournalInUseError: Another run owns them.
            ConfigurationError: They belong to another host or account.
            JournalError: They can't be had, or read.
        """
        ...

    async def close(self) -> None:
        """Give the records up. What was not written is not written."""
        ...

    async def write(self, number: int, records: Sequence[Record]) -> Written:
        """Write a batch of records in their order.

        The first batch of this run has the number 1, each further one the next. It is the same as
        before only if the batch is.

        Raises:
            JournalError: They can't be written, and trying again is no use.
        """
        ...

    def ended(self) -> AsyncGenerator[Sequence[str], None]:
        """The ids of the jobs whose end was acknowledged, many at a time."""
        ...

    def unfinished(self) -> AsyncGenerator[Sequence[RecordedJob], None]:
        """All other jobs, in the order in which they came in, many at a time."""
        ...

    async def learned(self, name: str) -> Mapping[str, Any] | None:
        """The last `Learned` of this name, or None."""
        ...

    async def unsent_prompts(self, after: int, limit: int) -> Sequence[RecordedPrompt]:
        """The first prompts beyond a position that are to be submitted."""
        ...

    async def open_prompts(self) -> Sequence[RecordedPrompt]:
        """The prompts that are being submitted, or whose job or refusal is not acknowledged."""
        ...

    async def read_events(self, after: int, limit: int) -> Sequence[LoggedEvent]:
        """The log: the first reported events beyond a position.

        What was not acknowledged of a removed job is no longer in it.
        """
        ...
