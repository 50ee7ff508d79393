"""The mailbox: merging, order, and nothing lost."""

from __future__ import annotations

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import Job, JobStatus
from legnext_stream._engine.mailbox import SHARE, Mailbox
from mockserver import run_virtual

LINE = [JobStatus.PENDING, JobStatus.STAGED, JobStatus.PROCESSING, JobStatus.COMPLETED]


def event(job_id: str, place: int) -> JobEvent:
    """The event with which a job reaches a place on the line."""
    return JobEvent(
        job_id=job_id,
        status=LINE[place],
        previous=LINE[place - 1] if place else None,
        job=Job(job_id=job_id, status=LINE[place]),
        observed_at=float(place),
        changed_between=(place - 1.0 if place else None, float(place)),
    )


def mailbox_of(capacity: int) -> Mailbox:
    """A mailbox whose room nobody waits for."""
    return Mailbox(capacity, lambda: None)


async def test_events_come_out_in_order() -> None:
    """First in, first out, numbered as they are delivered."""
    mailbox = mailbox_of(10)
    for name in "bac":
        mailbox.put(event(name, 0))
    got = [await mailbox.get() for _ in "bac"]
    assert [e.job_id for e in got] == ["b", "a", "c"]
    assert [e.sequence for e in got] == [1, 2, 3]


async def test_prompts_without_a_job_are_not_taken_for_one() -> None:
    """Their job id is empty; what tells them apart is their place in the batch."""
    mailbox = mailbox_of(3)
    for position in (1, 2, 3):
        mailbox.put(attrs.evolve(event("", 3), position=position), 3 * SHARE)
    assert mailbox.is_full
    got = [await mailbox.get() for _ in range(3)]
    assert [e.position for e in got] == [1, 2, 3]
    assert not mailbox.is_full


async def test_undelivered_changes_of_a_job_become_one() -> None:
    """In the place of the first, with the last status; the numbers have no gap."""
    mailbox = mailbox_of(10)
    mailbox.put(event("a", 0))
    assert (await mailbox.get()).status is JobStatus.PENDING
    for item in (event("a", 1), event("b", 0), event("a", 2), event("a", 3)):
        mailbox.put(item)
    first, second = await mailbox.get(), await mailbox.get()
    assert (first.job_id, first.previous, first.status) == ("a", LINE[0], LINE[3])
    assert first.changed_between == (0.0, 3.0)
    assert [second.job_id, first.sequence, second.sequence] == ["b", 2, 3]


async def test_large_events_fill_it_sooner() -> None:
    """One counts once more for each share of its answer; read or taken back, it leaves no trace."""
    mailbox = mailbox_of(5)
    fullness = []

    def put(job_id: str, size: int = 0) -> None:
        mailbox.put(event(job_id, 0), size)
        fullness.append(mailbox.is_full)

    put("large", 3 * SHARE + 1)
    put("small", SHARE - 1)
    await mailbox.get()
    put("other", 3 * SHARE)
    mailbox.discard("other")
    for name in "abcd":
        put(name)
    assert fullness == [False, True, True, False, False, False, True]


async def test_a_merged_event_counts_as_its_newer_one() -> None:
    """For only the newer answer is held; the older one may have been larger, or smaller."""
    mailbox = mailbox_of(3)
    for place, size, is_full in ((0, 2 * SHARE, True), (1, 0, False), (2, 9 * SHARE, True)):
        mailbox.put(event("a", place), size)
        assert mailbox.is_full is is_full


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from([None, 0, 1, 2 * SHARE, 7 * SHARE])),
        max_size=30,
    )
)
def test_no_more_is_held_than_fits(steps: list[tuple[str, int | None]]) -> None:
    """It is full exactly when what it holds counts for its capacity or more."""
    mailbox, held = mailbox_of(8), dict[str, int]()
    for job_id, size in steps:
        if size is None:
            mailbox.discard(job_id)
            held.pop(job_id, None)
        else:
            mailbox.put(event(job_id, 0), size)
            held[job_id] = size
        assert mailbox.is_full is (sum(1 + size // SHARE for size in held.values()) >= 8)


async def test_a_failure_comes_after_the_events() -> None:
    """What was seen before it can still be read; then it is raised, each time, as itself."""
    mailbox = mailbox_of(10)
    mailbox.put(event("a", 3))
    failure = ValueError("no more")
    mailbox.close(failure)
    assert (await mailbox.get()).status.is_terminal
    for _ in range(2):
        with pytest.raises(ValueError, match="no more") as caught:
            await mailbox.get()
        assert caught.value is failure


async def test_the_end_wakes_the_reader() -> None:
    """Who waits for an event learns that none will come."""
    mailbox = mailbox_of(10)
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            with pytest.raises(StopAsyncIteration):
                await mailbox.get()

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        mailbox.close()


async def test_reading_is_a_checkpoint() -> None:
    """Also when an event is there already: others get their turn, and a cancellation is felt."""
    mailbox = mailbox_of(2)
    mailbox.put(event("a", 0))
    with trio.testing.assert_checkpoints():
        await mailbox.get()
    mailbox.put(event("a", 1))
    with trio.move_on_after(0) as scope:
        await mailbox.get()
    assert scope.cancelled_caught
    assert (await mailbox.get()).status is JobStatus.STAGED


@given(
    puts=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.0, 1.0])), max_size=12),
    patience=st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=6),
)
def test_a_cancelled_read_loses_nothing(
    puts: list[tuple[str, float]], patience: list[float]
) -> None:
    """However impatient the reader: each job's events chain, and each last one is delivered."""
    got: list[JobEvent] = []

    async def main() -> None:
        mailbox = mailbox_of(100)
        places: dict[str, int] = {}
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def write() -> None:
                for job_id, pause in puts:
                    await trio.sleep(pause)
                    place = places[job_id] = places.get(job_id, -1) + 1
                    if place < len(LINE):
                        mailbox.put(event(job_id, place))
                mailbox.close()

            attempts = 0
            while True:
                attempts += 1
                with trio.move_on_after(patience[attempts % len(patience)] + attempts / 100):
                    try:
                        got.append(await mailbox.get())
                    except StopAsyncIteration:
                        break
        for job_id, place in places.items():
            told = [e for e in got if e.job_id == job_id]
            assert told[-1].status is LINE[min(place, 3)]
            assert [e.previous for e in told] == [None, *(e.status for e in told[:-1])]

    run_virtual(main)
    assert [e.sequence for e in got] == list(range(1, len(got) + 1))
