"""The place in the queue that a watch believes a waiting job has, on events and in explanations."""

from __future__ import annotations

from legnext_stream import JobStatus, LegnextClient
from mockserver import Fixed, MockLegnext
from tests.legnext_stream.support import KEY

SLOTS = 12


async def test_events_and_explanations_have_it() -> None:
    """Once the head of the queue is found, each waiting job has its true place; others have none."""
    mock = MockLegnext(seed=1, run_times=Fixed(1000.0))
    ids = mock.add_jobs(40)
    places = dict[str, int | None]()
    async with (
        LegnextClient(KEY, transport=mock.transport()) as client,
        client.watch(ids) as events,
    ):
        async for event in events:
            explained = events.explain(event.job_id)
            assert explained.queue_position == event.queue_position
            if event.status is not JobStatus.PENDING:
                assert event.queue_position is None
            else:
                places[event.job_id] = event.queue_position
            if len(places) == len(ids) - SLOTS:
                break
        true = {job_id: place for place, job_id in enumerate(ids[SLOTS:], 1)}
        for job_id, place in true.items():
            assert events.explain(job_id).queue_position == place
            if place > 1:
                assert "behind" in events.explain(job_id).sentence
        running = events.explain(ids[0])
        assert running.queue_position is None
    # The first few were seen before the head was found.
    assert sum(places.get(job_id) == place for job_id, place in true.items()) > 20


async def test_a_submitted_job_has_it(legnext_mock: MockLegnext) -> None:
    """The first event of a job that was submitted says how many are before it."""
    prompts = [f"a lighthouse, study {number}" for number in range(30)]
    async with LegnextClient(KEY, transport=legnext_mock.transport()) as client:
        events = [event async for event in client.generate(prompts)]
    pending = [event for event in events if event.status is JobStatus.PENDING]
    assert [event.queue_position for event in pending[:SLOTS]] == list(range(1, SLOTS + 1))
    assert all(event.queue_position is None for event in events if event not in pending)


async def test_without_an_order_there_is_no_place() -> None:
    """Where jobs start in any order, the watch finds out, and then says no place."""
    mock = MockLegnext(seed=1, slots=3, order="random", run_times=Fixed(30.0))
    ids = mock.add_jobs(60)
    async with (
        LegnextClient(KEY, transport=mock.transport()) as client,
        client.watch(ids) as events,
    ):
        ended = 0
        async for event in events:
            ended += event.status.is_terminal
            if ended == 40:
                break
        left = [job_id for job_id in ids if mock.truth[job_id][-1].status == "pending"]
        assert left
        assert all(events.explain(job_id).queue_position is None for job_id in left)
