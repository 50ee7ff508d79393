"""A batch with callbacks."""

from __future__ import annotations

from collections import Counter

from legnext_stream._webhooks import WebhookReceiver
from mockserver import MockLegnext, WebhookSettings
from tests.legnext_stream.generate.support import cats, check_batch, generating

SECRET = "correct horse battery staple"  # noqa: S105 - it protects nothing
HOOK = "https://my-service.example/hook"


async def test_a_receiver_has_its_jobs_told_to_it() -> None:
    """Jobs are submitted with its URL, unless the caller gives another, and end without delay."""
    mock = MockLegnext(seed=5, webhooks=WebhookSettings(secret=SECRET, timestamped=True))
    epoch = 1_767_225_600.0
    receiver = WebhookReceiver(SECRET, url=HOOK, path="/hook", wall_clock=lambda: epoch + mock.now)
    mock.webhooks.mount("https://my-service.example", receiver)
    prompts = cats(20)
    async with generating(mock, prompts, webhooks=receiver) as events:
        told = [event async for event in events]
        stats = events.stats
    ends = check_batch(mock, prompts, told)
    delays = sorted(
        end.observed_at - mock.truth[end.job_id][-1][0] for end in ends.values() if end.job_id
    )
    assert delays[len(delays) // 2] < 0.1
    assert stats.ended_by_callback >= 15
    called = Counter(mock.world.job(job_id, mock.now).callback for job_id in mock.truth)
    assert called == {HOOK: 20}
