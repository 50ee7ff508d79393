"""The contract of the stream, through the whole stack, in generated worlds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import trio
import trio.testing
from hypothesis import given

from legnext_stream import JobEvent, JobStatus, LegnextClient, Pacing
from legnext_stream._engine import delivery
from mockserver import MockLegnext, Script, TokenBucket, run_virtual
from tests.contract.ways import watch_world_synchronously, watch_world_under_asyncio
from tests.contract.worlds import KEY, Outcome, World, watch_world, worlds
from tests.effort import examples
from tests.legnext_stream.support import check_contract, word


@examples(330)
@given(worlds)
def test_the_contract_holds_in_every_world(world: World) -> None:
    """Clauses 1 to 5 hold for any sizes, lifecycles, failures, limits, latencies, faults and consumers.

    Each job ends with its true status, each id without a job as not found, and temporary errors are
    visible only in the statistics.
    """
    judge(world, run_virtual(watch_world, world))


@pytest.mark.parametrize("way", [watch_world_synchronously, watch_world_under_asyncio])
@examples(30)
@given(world=worlds)
def test_it_holds_off_trio_too(way: Callable[[World], Outcome], world: World) -> None:
    """The same clauses hold in synchronous code and under asyncio."""
    judge(world, way(world))


def judge(world: World, outcome: Outcome) -> None:
    """Check the events of a watched world."""
    # An outdated answer doesn't show when a change happened.
    told = check_contract(outcome.events, outcome.truth, slack=None if world.stale else 1e-6)
    assert set(told) == set(outcome.asked), "each job has its end"
    for job_id, events in told.items():
        true_end = outcome.truth[job_id][-1][1] if job_id in outcome.truth else "not_found"
        assert word(events[-1]) == true_end
        assert max(Counter(map(word, events)).values()) == 1, "nothing is told twice"
    stats = outcome.stats
    assert sum(stats.jobs.values()) == len(set(outcome.asked))
    assert stats.unseen == 0
    assert stats.events >= len(outcome.events)
    if not world.faults:
        assert stats.troubles == 0
    if not world.faults and world.limit is None:
        assert stats.rate_limited == 0
        assert stats.last_error is None or world.nobody


# ---------------------------------------------------------------- a thousand jobs, and the same again


async def watch_many(seed: int, jobs: int, latency: float) -> tuple[bytes, bytes, MockLegnext]:
    """Watch jobs of several kinds until they end; return the event log and the journal as bytes."""
    mock = MockLegnext(
        seed,
        slots=60,
        failure_share=0.1,
        latency=latency,
        limit=TokenBucket(rate=30, burst=30),
    )
    held = Script([("pending", 5), ("paused", 30), ("processing", 20), "completed"])
    upscales = jobs // 10
    ids = mock.add_jobs(jobs - upscales) + [mock.add_job(held, "upscale") for _ in range(upscales)]
    log = bytearray()
    events: list[JobEvent] = []
    async with LegnextClient(KEY, "http://world.test", mock.transport()) as client:
        async for event in client.watch(ids):
            events.append(event)
            log += f"{event!r} {dict(event.job.raw)!r}\n".encode()
    assert not mock.crashes
    told = check_contract(events, mock.truth)
    assert set(told) == set(ids)
    for job_id, job_events in told.items():
        assert word(job_events[-1]) == mock.truth[job_id][-1].status
    statuses = Counter(job_events[-1].status for job_events in told.values())
    assert set(statuses) == {JobStatus.COMPLETED, JobStatus.FAILED}
    return bytes(log), mock.requests.dump(), mock


@pytest.mark.parametrize("jobs", [100, pytest.param(1000, marks=pytest.mark.campaign)])
async def test_many_jobs_agree_with_the_truth(jobs: int) -> None:
    """Every job ends once, with its true status, and in order."""
    _, journal, mock = await watch_many(seed=1, jobs=jobs, latency=0.05)
    assert len(mock.truth) == jobs
    assert journal.count(b"\n") == len(mock.requests) > 3 * jobs


@pytest.mark.parametrize("jobs", [60, pytest.param(150, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("latency", [0.0, 0.2])
def test_the_same_seed_gives_the_same_bytes(latency: float, jobs: int) -> None:
    """Two runs have the same event log and journal, even with Trio's random order of tasks."""

    def once(seed: int) -> tuple[bytes, bytes]:
        clock = trio.testing.MockClock(autojump_threshold=0)
        log, journal, _ = trio.run(watch_many, seed, jobs, latency, clock=clock)
        return log, journal

    first, second, other = once(7), once(7), once(8)
    assert first == second
    assert first != other


@pytest.mark.parametrize(
    ("capacity", "jobs"), [(100, 150), pytest.param(1000, 1500, marks=pytest.mark.campaign)]
)
async def test_a_slow_consumer_bounds_what_is_held(
    monkeypatch: pytest.MonkeyPatch, capacity: int, jobs: int
) -> None:
    """There is at most one undelivered change per job, and no polling while too many are undelivered."""
    monkeypatch.setattr(delivery, "CAPACITY", capacity)
    mock = MockLegnext(slots=None)
    ids = mock.add_jobs(jobs)
    client = LegnextClient(KEY, "http://world.test", mock.transport(), pacing=Pacing(max_rate=200))
    async with client, client.watch(ids) as stream:
        events = [await anext(stream)]
        await trio.sleep(3600)
        asked = len(mock.requests)
        assert asked < jobs
        await trio.sleep(3600)
        assert len(mock.requests) == asked
        events += [event async for event in stream]
    told = check_contract(events, mock.truth)
    assert {job_events[-1].status for job_events in told.values()} == {JobStatus.COMPLETED}
