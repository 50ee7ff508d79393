"""The mailroom: everybody gets everything, and nobody holds up another."""

from __future__ import annotations

import gc

import pytest
import trio
import trio.testing

from legnext_stream._engine.mailbox import SHARE, Mailbox
from legnext_stream._engine.mailroom import Mailroom
from tests.legnext_stream.engine.test_mailbox import LINE, event


async def drained(mailbox: Mailbox) -> list[str]:
    """The jobs of all events that can be read."""
    return [(await mailbox.get()).job_id for _ in range(len(mailbox._events))]


async def test_everybody_gets_everything_from_the_beginning() -> None:
    """Each mailbox has the events since it was opened, numbered by itself."""
    mailroom = Mailroom()
    first = mailroom.open(10)
    mailroom.put(event("a", 0))
    second = mailroom.open(10)
    mailroom.put(event("b", 0))
    assert await drained(first) == ["a", "b"]
    assert (await second.get()).sequence == 1


async def test_all_who_wait_for_room_get_on() -> None:
    """Several may wait at once, one after the other or together; none is forgotten."""
    mailroom = Mailroom()
    mailbox = mailroom.open(1)
    mailbox.put(event("a", 0))
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(mailroom.wait_for_room)
            await trio.testing.wait_all_tasks_blocked()
        await mailbox.get()


async def test_room_is_waited_for() -> None:
    """Whoever makes events waits while it is full, and goes on as soon as one has been read."""
    mailroom = Mailroom()
    mailbox = mailroom.open(2)
    mailbox.put(event("a", 0))
    mailbox.put(event("a", 1))
    await mailroom.wait_for_room()
    mailbox.put(event("b", 0))
    assert mailroom.is_full
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailroom.wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks
        await mailbox.get()
    await mailroom.wait_for_room()


async def test_who_has_room_keeps_it_going() -> None:
    """It is full only while all mailboxes are; a full one goes on taking, one event a job."""
    mailroom = Mailroom()
    slow, quick = mailroom.open(1), mailroom.open(1)
    mailroom.put(event("a", 0))
    assert [mailroom.is_full, (await quick.get()).job_id, mailroom.is_full] == [True, "a", False]
    mailroom.put(event("a", 1))
    await quick.get()
    mailroom.put(event("a", 3))
    assert (await slow.get()).status is LINE[3]
    assert (await quick.get()).status is LINE[3]


async def test_large_events_are_large_to_all() -> None:
    """It is full when what is unread is much, however few events that is."""
    mailroom = Mailroom()
    mailboxes = [mailroom.open(10), mailroom.open(10)]
    mailroom.put(event("a", 0), 9 * SHARE)
    assert mailroom.is_full
    for mailbox in mailboxes:
        assert await drained(mailbox) == ["a"]
        assert not mailroom.is_full


async def test_a_lost_mailbox_is_forgotten() -> None:
    """Whoever lets go of its mailbox is no reason to wait."""
    mailroom = Mailroom()
    kept, lost = mailroom.open(1), mailroom.open(10)
    mailroom.put(event("a", 0))
    before = mailroom.is_full
    del lost
    gc.collect()
    assert (before, mailroom.is_full) == (False, True)
    assert await drained(kept) == ["a"]


async def test_taking_back_makes_room() -> None:
    """What is undelivered of a job can be taken back from everybody; of another job it stays."""
    mailroom = Mailroom()
    mailbox = mailroom.open(1)
    mailroom.put(event("a", 0))
    mailroom.discard("b")
    assert mailroom.is_full
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailroom.wait_for_room)
        await trio.testing.wait_all_tasks_blocked()
        mailroom.discard("a")
    assert await drained(mailbox) == []


async def test_the_end_is_everybodys() -> None:
    """All learn of the end, also who comes after it."""
    mailroom = Mailroom()
    first = mailroom.open(1)
    failure = ValueError("no more")
    mailroom.close(failure)
    for mailbox in (first, mailroom.open(1)):
        with pytest.raises(ValueError, match="no more"):
            await mailbox.get()
