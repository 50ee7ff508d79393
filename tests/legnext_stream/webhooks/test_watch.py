"""Callbacks over HTTP in memory, from the mock's courier through the receiver into a watch."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import JobEvent, JobStatus, LegnextClient, Pacing, watch
from legnext_stream._webhooks import WebhookReceiver
from mockserver import Fixed, MockLegnext, Quirks, Script, Uniform, WebhookSettings, run_virtual
from mockserver._api.quirks import Envelope
from mockserver._serving.webhooks import WebhookRequest
from tests.effort import examples
from tests.legnext_stream.support import KEY, check_contract
from tests.legnext_stream.webhooks.support import GUESS, SECRET, body_of, post, signed

HOOK = "https://my-service.example/hook"


def mock_and_receiver(
    *,
    secret: str | None = SECRET,
    quirks: Quirks | None = None,
    latency: float = 0.0,
    **hooks: Any,  # noqa: ANN401 - as various as the settings
) -> tuple[MockLegnext, WebhookReceiver]:
    """A mock whose callbacks reach a receiver that has the mock's calendar."""
    hooks = {"secret": secret or "", **hooks}
    mock = MockLegnext(
        seed=5,
        webhooks=WebhookSettings(**hooks),
        quirks=Quirks() if quirks is None else quirks,
        latency=Fixed(latency),
    )
    epoch = 1_767_225_600.0
    receiver = WebhookReceiver(secret, path="/hook", wall_clock=lambda: epoch + mock.now)
    mock.webhooks.mount("https://my-service.example", receiver)
    return mock, receiver


def add_jobs(mock: MockLegnext, number: int) -> list[str]:
    """Jobs with a callback."""
    return [mock.add_job(callback=HOOK) for _ in range(number)]


async def watched(
    mock: MockLegnext,
    job_ids: Iterable[str],
    receiver: WebhookReceiver,
    *,
    pacing: Pacing | None = None,
    journal: Path | None = None,
) -> tuple[list[JobEvent], int, int]:
    """All events of a watch, and how many polls and ends by callback there were."""
    async with (
        LegnextClient(KEY, transport=mock.transport()) as client,
        client.watch(job_ids, webhooks=receiver, pacing=pacing, journal=journal) as events,
    ):
        told = [event async for event in events]
        return told, events.stats.polls, events.stats.ended_by_callback


@pytest.mark.parametrize("timestamped", [False, True])
async def test_a_calendar_that_runs_ahead(*, timestamped: bool) -> None:
    """Callbacks of a mock whose time runs faster than ours are fresh, however far ahead it gets."""
    epoch = 1_767_225_600.0
    hooks = WebhookSettings(secret=SECRET, timestamped=timestamped)
    mock = MockLegnext(seed=5, webhooks=hooks, time_scale=50)
    receiver = WebhookReceiver(SECRET, wall_clock=lambda: epoch + trio.current_time())
    mock.webhooks.mount("https://my-service.example", receiver)
    events, _, told = await watched(mock, add_jobs(mock, 200), receiver)
    assert receiver.stats.verified == sum(event.status.is_terminal for event in events) == 200
    assert mock.now > trio.current_time() + 600
    assert told > 150


async def test_ends_are_told_at_once() -> None:
    """With few polls, in order, and at the right times."""
    mock, receiver = mock_and_receiver(timestamped=True)
    job_ids = add_jobs(mock, 40)
    events, polls, told = await watched(mock, job_ids, receiver)
    per_job = check_contract(events, mock.truth)
    assert set(per_job) == set(job_ids)
    truth = mock.truth
    delays = [told[-1].observed_at - truth[job_id][-1][0] for job_id, told in per_job.items()]
    assert statistics.median(delays) < 0.1
    assert told > 35
    assert polls < 5 * len(job_ids)
    assert receiver.stats.verified == len(job_ids)
    assert {record.status_code for record in mock.webhooks.deliveries} == {204}


async def test_none_comes() -> None:
    """Then it is polling, as ever."""
    mock, receiver = mock_and_receiver(lost_share=1.0)
    job_ids = add_jobs(mock, 20)
    events, polls, told = await watched(mock, job_ids, receiver)
    assert set(check_contract(events, mock.truth)) == set(job_ids)
    assert told == 0
    assert polls > 5 * len(job_ids)


hooks = st.fixed_dictionaries(
    {
        "timestamped": st.booleans(),
        "lost_share": st.sampled_from([0.0, 0.3, 1.0]),
        "duplicate_share": st.sampled_from([0.0, 0.7]),
        "duplicate_after": st.sampled_from([0.0, 3.0]),
        "overtaken_share": st.sampled_from([0.0, 0.7]),
        "early_share": st.sampled_from([0.0, 0.5]),
        "retries": st.sampled_from([(), (1.0, 10.0)]),
        "delay": st.sampled_from([0.0, Uniform(0.0, 40.0)]),
        "statuses": st.sampled_from(
            [("completed", "failed"), ("processing", "completed", "failed"), ("processing",)]
        ),
    }
)


@examples(20)
@given(
    hooks=hooks,
    secret=st.sampled_from([SECRET, SECRET, None]),
    envelope=st.sampled_from(["job", "timestamped"]),
    latency=st.sampled_from([0.0, 0.4, 3.0]),
)
def test_the_contract_holds_whatever_becomes_of_callbacks(
    hooks: dict[str, Any], secret: str | None, envelope: Envelope, latency: float
) -> None:
    """Lost, late, early, twice, in any order, tried again, of statuses of all kinds, unsigned."""

    async def run() -> None:
        mock, receiver = mock_and_receiver(
            secret=secret,
            quirks=Quirks(webhook_envelope=envelope, webhook_on_processing=True),
            latency=latency,
            **hooks,
        )
        job_ids = add_jobs(mock, 4)
        for script in (Script([("processing", 4), ("retry", 3), "failed"]), Script(["completed"])):
            job_ids.append(mock.add_job(script, callback=HOOK))
        events, _, _ = await watched(mock, job_ids, receiver)
        slack = None if hooks["early_share"] else 1e-6
        assert set(check_contract(events, mock.truth, slack=slack)) == set(job_ids)
        assert not mock.crashes

    run_virtual(run)


async def test_a_webhook_that_replays() -> None:
    """The second copy is refused, and the stream has one end of each job."""
    mock, receiver = mock_and_receiver(duplicate_share=1.0, duplicate_after=7.0)
    job_ids = add_jobs(mock, 20)
    events, _, told = await watched(mock, job_ids, receiver)
    await mock.webhooks.drain()
    check_contract(events, mock.truth)
    assert told == 20
    assert (receiver.stats.verified, receiver.stats.replayed) == (20, 20)
    codes = [(record.copy, record.status_code) for record in mock.webhooks.deliveries]
    assert set(codes) == {(0, 204), (1, 409)}


async def test_a_forger() -> None:
    """Without the secret no request makes an event, whatever it says."""
    mock, receiver = mock_and_receiver(lost_share=1.0)
    job_ids = add_jobs(mock, 3)

    async def forge() -> None:
        for _ in range(20):
            for job_id in job_ids:
                body = body_of(job_id, "failed")
                assert (await post(receiver, body, signed(body, secret=GUESS))).status == 401
                assert (await post(receiver, body)).status == 202
            await trio.sleep(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(forge)
        events, polls, told = await watched(mock, job_ids, receiver)
        nursery.cancel_scope.cancel()
    check_contract(events, mock.truth)
    assert {event.status for event in events if event.status.is_terminal} == {JobStatus.COMPLETED}
    assert told == 0
    assert polls < 100
    assert receiver.stats.forged == receiver.stats.unsigned


async def test_a_captured_webhook_is_worth_nothing() -> None:
    """Every message is recorded and sent again to another receiver, with a bit of it flipped."""
    mock, receiver = mock_and_receiver(timestamped=True)
    captured: list[WebhookRequest] = []

    async def capture(request: WebhookRequest) -> int:
        captured.append(request)
        headers = dict(request.headers.items())
        return (await post(receiver, request.body, headers)).status

    mock.webhooks.receive(HOOK, capture)
    await watched(mock, add_jobs(mock, 5), receiver)
    for request in captured:
        headers = dict(request.headers.items())
        assert (await post(receiver, request.body, headers)).status == 409
        swapped = request.body.replace(b'"completed"', b'"failed"')
        assert swapped != request.body
        assert (await post(receiver, swapped, headers)).status == 401
    await trio.sleep(301)
    for request in captured:
        assert (await post(receiver, request.body, dict(request.headers.items()))).status == 400
    assert receiver.stats.verified == 5


async def test_without_a_secret_news_is_early_all_the_same() -> None:
    """Each hint has its job polled at once."""
    mock, receiver = mock_and_receiver(secret=None)
    events, _, told = await watched(mock, add_jobs(mock, 30), receiver)
    truth = mock.truth
    ends = [event for event in events if event.status.is_terminal]
    delays = [event.observed_at - truth[event.job_id][-1][0] for event in ends]
    assert statistics.median(delays) < 1.0
    assert told == 0
    assert receiver.stats.unsigned == 30


async def test_the_callback_may_come_before_the_id() -> None:
    """It waits for the watch, and the job's end needs no poll."""
    mock, receiver = mock_and_receiver()
    job_id = mock.add_job(Script([("processing", 1), "completed"]), callback=HOOK)
    await mock.webhooks.drain()
    events, polls, told = await watched(mock, [job_id], receiver)
    assert [event.status for event in events] == ["completed"]
    assert (polls, told) == (0, 1)


async def test_several_watches_share_a_receiver() -> None:
    """Each has the ends of its own jobs; one job may be watched twice."""
    mock, receiver = mock_and_receiver()
    job_ids = add_jobs(mock, 30)
    told: list[int] = []

    async def one(first: int) -> None:
        mine = job_ids[first : first + 15]
        events, _, told_ends = await watched(mock, mine, receiver)
        assert set(check_contract(events, mock.truth)) == set(mine)
        told.append(told_ends)

    async with trio.open_nursery() as nursery:
        for first in (0, 10, 15):
            nursery.start_soon(one, first)
    assert all(number > 8 for number in told)
    assert receiver.stats.unknown_job == 0


async def test_polls_under_way_when_the_callback_comes() -> None:
    """Answers are so slow that callbacks overtake many; nothing is reported twice."""
    mock, receiver = mock_and_receiver(latency=5.0)
    job_ids = add_jobs(mock, 40)
    events, _, told = await watched(mock, job_ids, receiver, pacing=Pacing(poll_cost=0.02))
    check_contract(events, mock.truth)
    assert told > 30


async def test_a_slow_consumer_bounds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callbacks wait until there is room, and then make their events."""
    monkeypatch.setattr("legnext_stream._engine.delivery.CAPACITY", 10)
    mock, receiver = mock_and_receiver()
    script = Script([("processing", 5), "completed"])
    job_ids = [mock.add_job(script, callback=HOOK) for _ in range(40)]
    async with (
        LegnextClient(KEY, transport=mock.transport()) as client,
        client.watch(job_ids, webhooks=receiver) as events,
    ):
        await anext(events)
        await trio.sleep(100)
        rest = [event async for event in events]
    ends = [event.job_id for event in rest if event.status.is_terminal]
    assert len(ends) == len(set(ends)) >= 39


async def test_who_leaves_is_forgotten() -> None:
    """A watch that has ended, or was left, hears nothing any more."""
    mock, receiver = mock_and_receiver()
    job_ids = add_jobs(mock, 2)
    async with LegnextClient(KEY, transport=mock.transport()) as client:
        async with client.watch(job_ids, webhooks=receiver) as events:
            await anext(events)
            assert len(receiver._exchange._inboxes) == 1
        assert not receiver._exchange._inboxes
        await watched(mock, job_ids, receiver)
    assert not receiver._exchange._inboxes


async def test_with_a_journal(tmp_path: Path) -> None:
    """Events by callback are recorded like those by poll."""
    mock, receiver = mock_and_receiver()
    job_ids = add_jobs(mock, 5)
    events, _, told = await watched(mock, job_ids, receiver, journal=tmp_path / "batch.db")
    assert told
    check_contract(events, mock.truth)
    again, polls, _ = await watched(mock, job_ids, receiver, journal=tmp_path / "batch.db")
    assert (again, polls) == ([], 0)


async def test_the_bare_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a receiver as the client's does."""
    mock, receiver = mock_and_receiver()
    job_ids = add_jobs(mock, 3)
    async with LegnextClient(KEY, transport=mock.transport()) as client:
        ends = [event async for event in client.watch(job_ids, webhooks=receiver)]
    assert len({event.job_id for event in ends}) == 3
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    await watch([], webhooks=receiver).aclose()


async def test_a_watch_whose_run_has_ended() -> None:
    """A receiver outlives the Trio run of a watch that could not say goodbye."""
    mock, receiver = mock_and_receiver()
    tokens: list[trio.lowlevel.TrioToken] = []

    async def other() -> None:
        tokens.append(trio.lowlevel.current_trio_token())

    await trio.to_thread.run_sync(partial(trio.run, other))
    from legnext_stream._webhooks.listener import _soon  # noqa: PLC0415 - what is tested here

    inbox = receiver._exchange.open(partial(_soon, tokens[0], lambda: None))
    assert (await post(receiver, body_of(), {})).status == 202
    receiver._exchange.close(inbox)
    assert attrs.asdict(receiver.stats)["unsigned"] == 1
    assert mock.crashes == []
