"""What is reported when, without a clock."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Fixed, Script, WebhookSettings, World
from mockserver._api.quirks import Quirks
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._serving.clocks import WorldClock
from mockserver._serving.service import Service
from mockserver._serving.webhooks.dispatcher import Dispatcher
from mockserver._world.slots import Order
from tests.mockserver.serving.webhooks.hooks import HOOK, LIFE


def service_of(quirks: Quirks | None = None) -> Service:
    """A service with a world of its own."""
    return Service(
        world=World(slots=None, run_times=Fixed(30)),
        now=WorldClock(None, 1),
        epoch=DEFAULT_EPOCH,
        latency=None,
        api_keys=None,
        quirks=quirks or Quirks(),
    )


def told(dispatcher: Dispatcher, until: float = math.inf) -> list[tuple[float, str]]:
    """All messages until a time: when, and which status."""
    attempts = []
    while (t := dispatcher.next_at()) <= until and t < math.inf:
        dispatcher.collect(t)
        while (attempt := dispatcher.take(t)) is not None:
            attempts.append((t, attempt.message.status))
            dispatcher.conclude(attempt, t, is_over=True)
        # Otherwise who waits for the next would never get on.
        assert dispatcher.next_at() > t
    return attempts


def test_the_end_of_a_job_is_told_when_it_comes() -> None:
    """A job with a callback is reported at its end, in the chosen variant."""
    service = service_of(Quirks(webhook_envelope="timestamped"))
    dispatcher = Dispatcher(service, WebhookSettings())
    service.world.add_job(at=0)
    job_id = service.world.add_job(at=0, callback=HOOK)
    dispatcher.collect(100)
    attempt = dispatcher.take(100)
    assert attempt is not None
    assert attempt.at == attempt.message.changed_at == 31
    assert (attempt.message.job_id, attempt.message.url) == (job_id, HOOK)
    assert attempt.message.body.startswith(b'{"timestamp":"2026-01-01T00:00:31Z","data":{"job_id":')
    assert dispatcher.take(100) is None


@pytest.mark.parametrize(
    ("settings", "quirks", "statuses"),
    [
        (WebhookSettings(), Quirks(), ["completed"]),
        (WebhookSettings(), Quirks(webhook_on_processing=True), ["processing", "completed"]),
        (WebhookSettings(statuses=("pending", "odd")), Quirks(), ["pending", "odd"]),
        (WebhookSettings(statuses=()), Quirks(), []),
    ],
)
def test_the_statuses_that_are_told(
    settings: WebhookSettings, quirks: Quirks, statuses: list[str]
) -> None:
    """The configured statuses are reported; with the quirk, processing too."""
    service = service_of(quirks)
    dispatcher = Dispatcher(service, settings)
    life = Script([("pending", 1), ("odd", 1), ("processing", 1), "completed"])
    service.world.add_job(at=0, callback=HOOK, script=life)
    assert [status for _, status in told(dispatcher)] == statuses


def test_messages_about_one_job_meet_with_different_things() -> None:
    """Loss is drawn for each message, not for each job."""
    service = service_of(Quirks(webhook_on_processing=True))
    dispatcher = Dispatcher(service, WebhookSettings(lost_share=0.5))
    for _ in range(50):
        service.world.add_job(at=0, callback=HOOK)
    dispatcher.collect(100)
    lost: dict[str, set[bool]] = {}
    while (attempt := dispatcher.take(100)) is not None:
        lost.setdefault(attempt.message.job_id, set()).add(attempt.is_lost)
    assert {frozenset(fates) for fates in lost.values()} == {
        frozenset({True}),
        frozenset({False}),
        frozenset({True, False}),
    }


@given(
    st.integers(0, 99),
    st.none() | st.integers(1, 4),
    st.sampled_from(["fifo", "random", "priority"]),
    st.lists(st.sampled_from(["drawn", "held", "scripted", "silent"]), max_size=12),
    st.floats(0, 1),
)
def test_each_end_is_told_once(
    seed: int, slots: int | None, order: Order, jobs: list[str], failing: float
) -> None:
    """Each job with a callback is reported once, when it ends."""
    service = service_of()
    world = service.world = World(seed, slots=slots, order=order, failure_share=failing)
    dispatcher = Dispatcher(service, WebhookSettings())
    held = Script([("pending", 3), "processing"], takes_slot=True)
    scripts = {"held": held, "scripted": LIFE}
    for number, job in enumerate(jobs):
        callback = "" if job == "silent" else HOOK
        world.add_job(at=number, callback=callback, script=scripts.get(job))
    ends = []
    for job_id, changes in world.truth(1e6).items():
        if changes[-1].status in {"completed", "failed"} and world.job(job_id, 1e6).callback:
            ends.append(changes[-1])
    assert sorted(told(dispatcher)) == sorted(ends)


def test_an_attempt_without_success_is_followed_by_its_retries() -> None:
    """Retries follow until one succeeds, or they are used up."""
    service = service_of()
    dispatcher = Dispatcher(service, WebhookSettings(retries=(5, 50)))
    service.world.add_job(at=0, callback=HOOK, script=LIFE)
    due = []
    dispatcher.collect(32)
    while (t := dispatcher.next_at()) < math.inf:
        attempt = dispatcher.take(t)
        assert attempt is not None
        assert not dispatcher.is_done
        due.append(t)
        dispatcher.conclude(attempt, t + 1, is_over=False)
    assert due == [32, 38, 89]
    assert dispatcher.is_done


def test_what_is_lost_overtakes_nothing() -> None:
    """A lost message overtakes no other."""
    service = service_of()
    dispatcher = Dispatcher(service, WebhookSettings(overtaken_share=1, overtaken_within=1000))
    for seconds in (10, 20, 30):
        life = Script([("processing", seconds), "completed"])
        service.world.add_job(at=0, callback=HOOK, script=life)
    dispatcher.collect(10)
    dispatcher.settings = WebhookSettings(lost_share=1)
    dispatcher.collect(20)
    lost = dispatcher.take(20)
    assert lost is not None
    dispatcher.conclude(lost, 20, is_over=True)
    assert dispatcher.next_at() == 30
    dispatcher.settings = WebhookSettings()
    assert [t for t, _ in told(dispatcher)] == [30, 30]


def test_what_is_done_by_hand_is_told() -> None:
    """A change by hand wakes a wait for a later change."""
    service = service_of()
    dispatcher = Dispatcher(service, WebhookSettings())
    news: list[float] = []
    dispatcher.feed.on_news = lambda: news.append(dispatcher.next_at())
    held = service.world.add_job(at=0, callback=HOOK, script=Script([("processing", None)]))
    assert news == [0]
    dispatcher.collect(5)
    assert dispatcher.is_done
    service.world.set_status(held, "completed", at=7)
    assert news[-1] == 7
    assert told(dispatcher) == [(7, "completed")]
    dispatcher.close()
    service.world.add_job(at=8, callback=HOOK)
    assert dispatcher.is_done


def test_a_state_is_gone_on_from() -> None:
    """After a restore, attempts in progress are made again, and no message twice."""
    service = service_of(Quirks(webhook_on_processing=True))
    settings = WebhookSettings(delay=20)
    dispatcher = Dispatcher(service, settings)
    service.world.add_job(at=0, callback=HOOK, script=LIFE)
    service.world.add_job(at=5, callback=HOOK, script=LIFE)
    dispatcher.collect(22)
    under_way = dispatcher.take(22)
    assert under_way is not None
    snapshot, state = service.world.snapshot(), dispatcher.state(22)
    assert state.attempts[0] == under_way
    assert set(state.reported.values()) == {1}
    dispatcher.conclude(under_way, 23, is_over=True)
    expected = [(22, "processing"), *told(dispatcher)]

    service.world.restore(snapshot)
    dispatcher.close()
    other = Dispatcher(service, settings)
    other.go_on_from(state)
    assert other.take(21) is None
    assert (
        told(other)
        == expected
        == [
            (22, "processing"),
            (27, "processing"),
            (52, "completed"),
            (57, "completed"),
        ]
    )


def test_memory_is_for_jobs_that_have_not_ended() -> None:
    """Nothing is kept about jobs that have ended."""
    service = service_of(Quirks(webhook_on_processing=True))
    dispatcher = Dispatcher(service, WebhookSettings())
    for _ in range(10):
        service.world.add_job(at=0, callback=HOOK)
    told(dispatcher)
    state = dispatcher.state(100)
    assert (dict(state.reported), state.attempts) == ({}, ())
