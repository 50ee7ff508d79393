"""Snapshots of a whole mock."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from mockserver import (
    Concurrency,
    Fixed,
    Lognormal,
    MockLegnext,
    Rule,
    Status,
    TokenBucket,
    When,
    run_virtual,
)
from tests.effort import examples
from tests.mockserver.helpers import POST, client_of, in_virtual_time


async def live(mock: MockLegnext) -> list[object]:
    """Do much of what can be done, and return all requests and changes there were since.

    Times are rounded: the same time of a world is not the same number of a clock twice.
    """
    async with client_of(mock) as client:
        ids = [mock.add_job(), *mock.add_jobs(2)]
        for round_number in range(4):
            for job_id in ids:
                await client.get(f"/api/v1/job/{job_id}")
            if round_number == 1:
                mock.hold(ids[-1])
                answer = await client.post(POST, json={"text": "a"})
                ids += [answer.json()["job_id"]] if answer.status_code == 200 else []
            await trio.sleep(9)
    requests = [
        (round(record.at, 6), record.path, record.status_code, record.faults)
        for record in mock.requests
    ]
    changes = [(round(at, 6), job_id, status) for at, job_id, status in mock.truth.changes()]
    return [requests, changes]


def a_mock(seed: int) -> MockLegnext:
    """A mock whose behaviour depends on much of what came before."""
    return MockLegnext(
        seed,
        2,
        failure_share=0.3,
        limit=TokenBucket(1, 3),
        latency=Lognormal(0.1, 0.5),
        faults=[Rule(Status(503), When(probability=0.2))],
    )


@examples(8)
@given(st.integers(0, 99), st.booleans(), st.floats(0, 40))
def test_what_follows_a_snapshot_follows_it_again(
    seed: int,
    is_frozen: bool,  # noqa: FBT001 - drawn
    seconds: float,
) -> None:
    """After a restore, the same calls give the same journal and truth."""

    async def twice() -> None:
        mock = a_mock(seed)
        await live(mock)
        await trio.sleep(seconds)
        if is_frozen:
            mock.freeze()
        taken = mock.snapshot()
        first = await live(mock)
        assert taken.is_frozen == is_frozen
        mock.set_limit(None)
        mock.faults.clear()
        mock.advance(1000)
        mock.restore(taken)
        assert mock.now == taken.at
        assert mock.is_frozen == is_frozen
        assert await live(mock) == first
        assert not mock.crashes

    run_virtual(twice)


@examples(5)
@given(st.integers(0, 99))
def test_a_reset_mock_is_as_new(seed: int) -> None:
    """After a reset, a mock is as it was when it was made."""

    async def both() -> None:
        mock = a_mock(seed)
        first = await live(mock)
        mock.freeze()
        mock.set_limit(Concurrency(1))
        mock.reset()
        assert mock.state() == a_mock(seed).state()
        assert await live(mock) == first

    run_virtual(both)


@in_virtual_time
async def test_a_reset_leads_back_to_the_mark() -> None:
    """A reset returns to the marked start."""
    mock = MockLegnext()
    mock.add_jobs(3)
    mock.mark_start()
    mock.add_jobs(4)
    mock.reset()
    assert len(mock.world) == 3


@in_virtual_time
async def test_deliveries_are_in_snapshots() -> None:
    """After a restore, later webhooks are sent again, and earlier ones are not."""
    mock = MockLegnext(run_times=Fixed(10))
    told: list[float] = []
    mock.webhooks.receive("http://mine.test/", lambda _request: told.append(mock.now))
    mock.add_job(callback="http://mine.test/")
    await trio.sleep(5)
    taken = mock.snapshot()
    await mock.webhooks.drain()
    mock.restore(taken)
    assert len(mock.webhooks.deliveries) == 0
    await mock.webhooks.drain()
    assert told == [11, 11]


def test_a_snapshot_of_another_seed_changes_nothing() -> None:
    """A snapshot of another seed is refused before anything changes."""
    mock = MockLegnext(1)
    mock.add_jobs(2)
    with pytest.raises(ValueError, match="seed 2 doesn't fit seed 1"):
        mock.restore(MockLegnext(2).snapshot())
    assert len(mock.world) == 2
    assert repr(mock.snapshot()) == "Snapshot(at=0.0, is_frozen=False)"
