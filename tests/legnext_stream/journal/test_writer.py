"""Group commit: one write at a time, those that wait share the next, and failures are told to all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import pytest
import trio
import trio.testing

from legnext_stream import JournalError
from legnext_stream._journal import Entry, Taken, Writer


class Disk:
    """Stands for a store: notes each write, and can be made to fail."""

    def __init__(self) -> None:
        self.writes: list[list[str]] = []
        self.failure: Exception | None = None

    def write(self, entries: Sequence[Entry]) -> None:
        """Write a batch."""
        if self.failure is not None:
            raise self.failure
        self.writes.append([entry.job_id for entry in entries if isinstance(entry, Taken)])


@pytest.fixture
def disk() -> Disk:
    """A disk that works."""
    return Disk()


@pytest.fixture
def writer(disk: Disk) -> Writer:
    """A writer to it."""
    return Writer(disk)  # type: ignore[arg-type] # a store, for all it needs


def put(writer: Writer, *job_ids: str) -> None:
    """Put an entry for each job."""
    for job_id in job_ids:
        writer.put(Taken(job_id, 0.0))


async def test_flush_writes_what_was_put(writer: Writer, disk: Disk) -> None:
    """After a flush all is on the disk, in order; a second one has nothing to do."""
    put(writer, "a", "b")
    await writer.flush()
    await writer.flush()
    assert disk.writes == [["a", "b"]]


async def test_those_that_wait_share_a_write(writer: Writer, disk: Disk) -> None:
    """Many that flush at once need two writes at most: the one under way and one for the rest."""
    async with trio.open_nursery() as nursery:
        for number in range(50):
            put(writer, str(number))
            nursery.start_soon(writer.flush)
    assert sorted(map(int, chain.from_iterable(disk.writes))) == list(range(50))
    assert len(disk.writes) <= 2


async def test_keeping_up_needs_no_flush(writer: Writer, disk: Disk) -> None:
    """What comes is written soon, also later on."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.keep_up)
        for job_id in ("a", "b"):
            put(writer, job_id)
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert disk.writes == [["a"], ["b"]]


async def test_a_failure_is_told_to_all_and_is_for_good(writer: Writer, disk: Disk) -> None:
    """Once a batch was lost nothing goes in any more: what is later may build on it."""
    disk.failure = JournalError("the disk is full")
    told = 0
    async with trio.open_nursery() as nursery:

        async def flush() -> None:
            nonlocal told
            with pytest.raises(JournalError, match="full"):
                await writer.flush()
            told += 1

        for job_id in ("a", "b", "c"):
            put(writer, job_id)
            nursery.start_soon(flush)
    assert told == 3
    disk.failure = None
    put(writer, "d")
    with pytest.raises(JournalError, match="full"):
        await writer.flush()
    assert disk.writes == []


async def test_a_cancelled_flush_loses_nothing(writer: Writer, disk: Disk) -> None:
    """What was put and not written when a flush was cancelled goes out with the next."""
    put(writer, "a")
    with trio.CancelScope() as scope:
        scope.cancel()
        await writer.flush()
    await writer.flush()
    assert disk.writes == [["a"]]
