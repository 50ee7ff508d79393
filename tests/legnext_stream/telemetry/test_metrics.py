"""What a client's watches count, as metrics."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint

from legnext_stream import LegnextClient, Pacing
from mockserver import MockLegnext, Script
from mockserver._world.limits import TokenBucket
from tests.legnext_stream.support import KEY, URL
from tests.legnext_stream.telemetry.support import Recorded, recording

LONG = Script([("processing", 100), "completed"])
NAMES = {
    "http.client.request.duration": "s",
    "legnext_stream.detection.delay": "s",
    "legnext_stream.events": "{event}",
    "legnext_stream.jobs": "{job}",
    "legnext_stream.pace.rate": "{request}/s",
    "legnext_stream.polls": "{request}",
    "legnext_stream.requests.in_flight": "{request}",
}


def client_of(mock: MockLegnext, recorded: Recorded, pacing: Pacing | None = None) -> LegnextClient:
    """A client of this mock that records."""
    return LegnextClient(KEY, URL, mock.transport(), pacing=pacing, telemetry=recorded.telemetry)


async def test_a_watch_in_numbers() -> None:
    """They agree with the client's own, under names of ours and with units of UCUM."""
    mock = MockLegnext(seed=2, failure_share=0.2, latency=0.2)
    ids = mock.add_jobs(30)
    with recording() as recorded:
        async with client_of(mock, recorded) as client:
            events = [event async for event in client.watch(ids)]
            stats = client.stats
            assert recorded.number("legnext_stream.pace.rate") == pytest.approx(stats.rate)
            for status, number in stats.jobs.items():
                assert recorded.number("legnext_stream.jobs", status=status.value) == number
        units = {name: unit for name, (unit, _) in recorded.metrics().items()}
        assert NAMES.items() <= units.items()
        assert recorded.number("legnext_stream.polls") == stats.polls
        assert recorded.number("legnext_stream.events") == len(events) == stats.events
        failed = sum(event.status == "failed" for event in events)
        assert recorded.number("legnext_stream.events", status="failed") == failed > 0
        # What there was only as long as the client was open is gone.
        assert recorded.number("legnext_stream.jobs") == 0
        assert recorded.number("legnext_stream.requests.in_flight") == 0
        assert recorded.number("legnext_stream.pace.rate") == pytest.approx(0)


async def test_the_delay_of_detection_lies_between_two_bounds() -> None:
    """Each event counts among the least, and, if the job had been seen before, among the most."""
    mock = MockLegnext(seed=2)
    with recording() as recorded:
        async with client_of(mock, recorded) as client:
            events = [event async for event in client.watch(mock.add_jobs(10))]
        counts: dict[str, float] = {}
        sums: dict[str, float] = {}
        for bound in ("least", "most"):
            for point in recorded.points("legnext_stream.detection.delay", bound=bound):
                assert isinstance(point, HistogramDataPoint)
                counts[bound] = counts.get(bound, 0) + point.count
                sums[bound] = sums.get(bound, 0.0) + point.sum
        assert counts["least"] == len(events)
        assert counts["most"] == sum(event.changed_between[0] is not None for event in events)
        assert 0 <= sums["least"] < sums["most"]


async def test_refusals_are_counted() -> None:
    """And what goes wrong in another way, by another name."""
    mock = MockLegnext(seed=2, limit=TokenBucket(1.0, 1))
    with recording() as recorded:
        async with client_of(mock, recorded, Pacing(initial_rate=20)) as client:
            async for _ in client.watch(mock.add_jobs(20)):
                pass
            stats = client.stats
        assert recorded.number("legnext_stream.refusals") == stats.rate_limited > 0
        assert recorded.number("legnext_stream.troubles") == stats.troubles


async def test_jobs_of_a_watch_that_was_left_are_gone() -> None:
    """They are no longer watched; and two clients add up."""
    mock = MockLegnext(seed=2)
    with recording() as recorded:
        async with client_of(mock, recorded) as one, client_of(mock, recorded) as other:
            async with one.watch([mock.add_job(LONG) for _ in range(3)]) as events:
                for _ in range(3):
                    await anext(events)
                async with other.watch([mock.add_job(LONG) for _ in range(4)]) as more:
                    for _ in range(4):
                        await anext(more)
                    assert recorded.number("legnext_stream.jobs", status="processing") == 4 + 3
            assert recorded.number("legnext_stream.jobs") == 0


async def test_submits_of_a_batch() -> None:
    """And the prompts that were taken in, beside the jobs they became."""
    mock = MockLegnext(seed=2)
    with recording() as recorded:
        async with client_of(mock, recorded) as client:
            async for _ in client.generate(["a lighthouse", "a ship"]):
                pass
            assert recorded.number("legnext_stream.prompts") == 2
            assert recorded.number("legnext_stream.submits") == 2
            assert recorded.number("legnext_stream.jobs", status="completed") == 2
        assert recorded.number("legnext_stream.submit.refusals") == 0
    names = [span.name for span in recorded.spans]
    assert names.count("POST /api/v1/diffusion") == 2
    assert "lighthouse" not in str([span.to_json() for span in recorded.spans])
