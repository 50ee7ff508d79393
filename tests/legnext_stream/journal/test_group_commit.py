"""Group commit: one write at a time, what waits shares the next, and failures reach all that wait."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import pytest
import trio
import trio.testing

from legnext_stream import JournalError, JournalInUseError, Prompt
from legnext_stream._journal.group_commit import GroupCommit
from legnext_stream._journal.recorder import Outcome, Written
from legnext_stream._journal.records import (
    Claimed,
    Content,
    Learned,
    Place,
    Record,
    Settled,
    Taken,
)
from tests.legnext_stream.journal.memory import MemoryRecorder


class Disk(MemoryRecorder):
    """A recorder that notes each write, and can be made to fail.

    Attributes:
        writes: The jobs in each batch that was recorded.
        numbers: The number of each call.
        failure: What to raise, or None.
        outcomes: What to answer to the next calls, instead of writing.
        is_late: Whether to write all the same before answering one of these.
    """

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[list[str]] = []
        self.numbers: list[int] = []
        self.failure: Exception | None = None
        self.outcomes: list[Outcome] = []
        self.is_late = False

    async def write(self, number: int, records: Sequence[Record]) -> Written:
        """Write a batch."""
        self.numbers.append(number)
        if self.failure is not None:
            raise self.failure
        if self.outcomes:
            if self.is_late:
                await super().write(number, records)
            return Written(self.outcomes.pop(0))
        written = await super().write(number, records)
        self.writes.append([record.job_id for record in records if isinstance(record, Taken)])
        return written


@pytest.fixture
async def disk() -> Disk:
    """A disk that works."""
    disk = Disk()
    await disk.open()
    return disk


@pytest.fixture
def available() -> list[bool]:
    """What a group commit has said of its recorder."""
    return []


@pytest.fixture
def commit(disk: Disk, available: list[bool]) -> GroupCommit:
    """A way to the disk."""
    return GroupCommit(disk, available.append)


def put(commit: GroupCommit, *job_ids: str) -> None:
    """Put a record for each job."""
    for job_id in job_ids:
        commit.put(Taken(job_id, 0.0))


async def test_flush_writes_what_was_put(commit: GroupCommit, disk: Disk) -> None:
    """After a flush all is recorded, in order; a second one has nothing to do."""
    put(commit, "a", "b")
    await commit.flush()
    await commit.flush()
    assert disk.writes == [["a", "b"]]


async def test_those_that_wait_share_a_write(commit: GroupCommit, disk: Disk) -> None:
    """Many flushes at once need two writes at most: the one under way and one for the rest."""
    async with trio.open_nursery() as nursery:
        for number in range(50):
            put(commit, str(number))
            nursery.start_soon(commit.flush)
    assert sorted(map(int, chain.from_iterable(disk.writes))) == list(range(50))
    assert len(disk.writes) <= 2
    assert disk.numbers == list(range(1, len(disk.writes) + 1))


async def test_what_is_urgent_is_written_without_a_flush(commit: GroupCommit, disk: Disk) -> None:
    """Soon, and with it what came before and isn't."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(commit.run)
        put(commit, "a")
        await trio.testing.wait_all_tasks_blocked()
        commit.put(Taken("b", 0.0), is_urgent=False)
        await trio.testing.wait_all_tasks_blocked()
        assert disk.writes == [["a"]]
        put(commit, "c")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert disk.writes == [["a"], ["b", "c"]]


async def test_claims_are_answered(commit: GroupCommit) -> None:
    """Each with its own place, once it is flushed."""
    claims = [commit.claim(Claimed(Content.of(Prompt(text)), 0.0)) for text in "ab"]
    assert [claim.place for claim in claims] == [None, None]
    await commit.flush()
    claims.append(commit.claim(Claimed(Content.of(Prompt("c")), 0.0)))
    await commit.flush()
    assert [claim.place for claim in claims] == [Place(n, is_new=True) for n in (1, 2, 3)]


async def test_a_failure_reaches_all_and_is_for_good(commit: GroupCommit, disk: Disk) -> None:
    """Once a batch was lost nothing goes in any more, because what is later may build on it."""
    disk.failure = JournalError("the disk is full")
    failed = 0
    async with trio.open_nursery() as nursery:

        async def flush() -> None:
            nonlocal failed
            with pytest.raises(JournalError, match="full"):
                await commit.flush()
            failed += 1

        for job_id in ("a", "b", "c"):
            put(commit, job_id)
            nursery.start_soon(flush)
    assert failed == 3
    disk.failure = None
    put(commit, "d")
    with pytest.raises(JournalError, match="full"):
        await commit.flush()
    assert disk.writes == []


@pytest.mark.parametrize(
    ("outcome", "kind", "said"),
    [
        (Outcome.FENCED, JournalInUseError, "another watch has taken the journal over"),
        (Outcome.GAP, JournalError, "the journal lacks what this watch wrote before"),
    ],
)
async def test_lost_records_are_a_failure(
    commit: GroupCommit, disk: Disk, outcome: Outcome, kind: type[Exception], said: str
) -> None:
    """Each flush says so from then on; what became of submits is written all the same."""
    disk.outcomes = [outcome]
    put(commit, "a")
    for _ in range(2):
        with pytest.raises(kind, match=said):
            await commit.flush()
    await commit.settle()
    assert disk.numbers == [1], "there was nothing to settle"
    commit.put(Settled(position=1, attempt="x", job_id=None, at=0.0))
    disk.outcomes = [outcome]
    await commit.settle()
    assert disk.numbers == [1, 2]


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_is_unavailable_is_tried_again(
    commit: GroupCommit, disk: Disk, available: list[bool], *, is_late: bool
) -> None:
    """The same batch under the same number, more and more seldom, until there is an answer."""
    disk.outcomes, disk.is_late = [Outcome.UNAVAILABLE] * 20, is_late
    put(commit, "a")
    claim = commit.claim(Claimed(Content.of(Prompt("cat")), 0.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(commit.flush)
        await trio.sleep(1)
        assert available == [False]
        assert len(disk.numbers) < 5
        put(commit, "b")
        await commit.flush()
    assert available == [False, True]
    assert disk.numbers == [1] * 21 + [2]
    assert trio.current_time() > 60
    assert claim.place == Place(1, is_new=True)
    assert list(disk.records.jobs) == ["a", "b"]


async def test_a_cancelled_flush_loses_nothing(commit: GroupCommit, disk: Disk) -> None:
    """What was put and not written when a flush was cancelled goes out with the next, in order."""
    put(commit, "a")
    with trio.CancelScope() as scope:
        scope.cancel()
        await commit.flush()
    disk.outcomes = [Outcome.UNAVAILABLE] * 100
    with trio.move_on_after(1):
        await commit.flush()
    disk.outcomes = []
    commit.put(Learned("pace", {}))
    await commit.flush()
    assert disk.writes == [["a"], []]
    assert disk.records.learned == {"pace": {}}
