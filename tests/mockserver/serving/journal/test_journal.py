"""The journal."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Journal, MockLegnext, RequestRecord, run_virtual
from tests.mockserver.helpers import client_of

RECORDS = [
    RequestRecord(0.0, 0.1, "GET", "/a", "a", 200),
    RequestRecord(0.0, 0.1, "GET", "/b", None, 429, retry_after=3),
    RequestRecord(1.0, 1.5, "GET", "/a", "a", 200),
    RequestRecord(1.0, 1.5, "POST", "/a", "b", 200),
    RequestRecord(1.0, 1.5, "POST", "/a", "c", 200),
]


def request_at(at: float) -> RequestRecord:
    """A request at a time."""
    return RequestRecord(at, at, "GET", f"/{at}", None, 200)


def test_order_is_that_of_time_and_then_of_what_is_asked() -> None:
    """The order within an instant does not depend on the order of adding."""
    for seed in range(20):
        journal = Journal()
        for record in random.Random(seed).sample(RECORDS, k=len(RECORDS)):
            journal.add(record)
        assert list(journal) == RECORDS


def test_reading() -> None:
    """A journal can be read as a list while requests are added."""
    journal = Journal()
    journal.add(RECORDS[2])
    assert journal[0] == RECORDS[2]
    journal.add(RECORDS[0])
    assert (len(journal), journal[0], journal[-1:]) == (2, RECORDS[0], [RECORDS[2]])
    assert repr(journal) == "<Journal of 2 requests>"


@given(st.lists(st.integers(0, 100), max_size=60), st.integers(1, 20))
def test_the_latest_are_kept(times: list[int], keep: int) -> None:
    """Only the latest requests are kept, and at most twice as many are in memory."""
    journal = Journal(keep=keep)
    for at in sorted(times):
        journal.add(request_at(at))
        assert len(journal._records) < 2 * keep
    assert [record.at for record in journal] == sorted(times)[-keep:]
    assert len(journal) + journal.dropped == len(times)


def test_keep_may_be_changed() -> None:
    """`keep` can be lowered and removed; it can't be below 1."""
    journal = Journal()
    for at in range(10):
        journal.add(request_at(at))
    assert len(journal) == 10
    journal.keep = 3
    assert ([record.at for record in journal], journal.dropped) == ([7, 8, 9], 7)
    journal.keep = None
    journal.add(request_at(10))
    assert (len(journal), journal.keep) == (4, None)
    with pytest.raises(ValueError, match="1 request or more"):
        Journal(keep=0)


def test_all_can_be_forgotten() -> None:
    """A cleared journal starts again."""
    journal = Journal(keep=1)
    for record in RECORDS:
        journal.add(record)
    journal.clear()
    assert (list(journal), journal.dropped) == ([], 0)
    journal.add(RECORDS[0])
    assert list(journal) == RECORDS[:1]


def test_the_latest() -> None:
    """The last requests are read without sorting the others."""
    journal = Journal()
    for record in RECORDS:
        journal.add(record)
    assert journal.latest(2) == RECORDS[-2:]
    assert journal.latest(100) == RECORDS


def test_answers_are_counted_for_ever() -> None:
    """The number of answers by status includes requests that are no longer kept."""
    journal = Journal(keep=1)
    for record in RECORDS:
        journal.add(record)
    assert journal.answers == {200: 4, 429: 1}


def test_going_back() -> None:
    """A journal can return to a snapshot any number of times."""
    journal = Journal(keep=2)
    for record in RECORDS[:3]:
        journal.add(record)
    snapshot = journal.snapshot()
    for _ in range(2):
        journal.add(RECORDS[3])
        journal.clear()
        journal.restore(snapshot)
        assert (list(journal), journal.dropped) == (RECORDS[1:3], 1)
        assert journal.answers == {200: 2, 429: 1}


def test_a_mock_keeps_as_many_as_it_is_told() -> None:
    """`keep_requests` bounds a mock's journal."""
    mock = MockLegnext(keep_requests=3)

    async def ask() -> None:
        async with client_of(mock) as client:
            for _ in range(10):
                await client.get("/api/account/balance")

    run_virtual(ask)
    assert (len(mock.requests), mock.requests.dropped, mock.requests.answers) == (3, 7, {200: 10})
