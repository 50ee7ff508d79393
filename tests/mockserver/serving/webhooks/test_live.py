"""`Webhooks`, over the mock's own HTTP and with receivers in this process."""

from __future__ import annotations

import attrs
import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from legnext.types.responses import TaskResponse
from legnext.webhook import WebhookHandler
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mockserver import (
    DeliveryRecord,
    Lognormal,
    MockLegnext,
    Script,
    Uniform,
    WebhookRequest,
    WebhookSettings,
    run_virtual,
)
from mockserver._api.quirks import Quirks
from tests.effort import examples
from tests.mockserver.helpers import POST, client_of
from tests.mockserver.serving.webhooks.hooks import HOOK, LIFE, add_job, mock_of

SECRET = "a secret of this test"  # noqa: S105 - no real one


async def submit(mock: MockLegnext, callback: str = HOOK) -> str:
    """Submit a job with a callback, over HTTP."""
    async with client_of(mock) as client:
        answer = await client.post(POST, json={"text": "a", "callback": callback})
        job_id: str = answer.json()["job_id"]
        return job_id


def test_a_submitted_job_is_told_at_its_end() -> None:
    """A job is reported at its end, with the object of a status request."""
    mock = mock_of()
    seen: list[WebhookRequest] = []
    mock.webhooks.receive(HOOK, seen.append)

    async def main() -> bytes:
        job_id = await submit(mock)
        await mock.webhooks.drain()
        async with client_of(mock) as client:
            return (await client.get(f"/api/v1/job/{job_id}")).content

    shown = run_virtual(main)
    (request,) = seen
    assert request.body == shown
    (ended,) = [change.at for change in mock.truth.changes() if change.status == "completed"]
    assert request.at == ended
    (delivery,) = mock.webhooks.deliveries
    assert delivery == DeliveryRecord(
        at=ended,
        ended_at=ended,
        job_id=request.json()["job_id"],
        status="completed",
        changed_at=ended,
        url=HOOK,
        copy=0,
        number=1,
        signed=False,
        outcome="delivered",
        status_code=200,
    )
    assert repr(mock.webhooks) == "<Webhooks: <Deliveries: 1 attempts>>"
    assert not mock.crashes


@pytest.mark.parametrize("timestamped", [False, True])
def test_the_vendors_handler_verifies_and_reads_them(timestamped: bool) -> None:  # noqa: FBT001 - a parameter
    """The vendor's handler accepts them, and refuses them with another secret."""
    mock = MockLegnext(
        quirks=Quirks(webhook_on_processing=True),
        webhooks=WebhookSettings(secret=SECRET, timestamped=timestamped),
    )
    handled: list[tuple[str, str]] = []

    def endpoint(secret: str) -> Starlette:
        handler = WebhookHandler(secret)

        @handler.on_any
        def note(task: TaskResponse) -> None:
            handled.append((task.job_id, task.status.value))

        async def hook(request: Request) -> Response:
            headers = request.headers
            try:
                handler.handle(
                    await request.body(),
                    headers["X-Legnext-Signature"],
                    headers.get("X-Legnext-Timestamp"),
                )
            except ValueError:
                return Response(status_code=401)
            return Response()

        return Starlette(routes=[Route("/hook", hook, methods=["POST"])])

    mock.webhooks.mount("https://good.example/hook", endpoint(SECRET))
    mock.webhooks.mount("https://bad.example/hook", endpoint("another"))

    async def main() -> str:
        told = await submit(mock, "https://good.example/hook")
        await submit(mock, "https://bad.example/hook")
        await mock.webhooks.drain()
        return told

    job_id = run_virtual(main)
    assert handled == [(job_id, "processing"), (job_id, "completed")]
    assert (
        sorted(
            (delivery.url, delivery.signed, delivery.status_code)
            for delivery in mock.webhooks.deliveries
        )
        == [("https://bad.example/hook", True, 401)] * 2
        + [("https://good.example/hook", True, 200)] * 2
    )


def test_late_and_early() -> None:
    """A message can come long after the change, or before status requests show it."""
    mock = mock_of(delay=Uniform(5, 6), early_share=1, early_by=20)
    seen: list[float] = []
    mock.webhooks.receive(HOOK, lambda request: seen.append(request.at))

    async def main() -> list[str]:
        job_id = add_job(mock)
        silent = mock.add_job(LIFE)
        statuses = []
        async with client_of(mock) as client:
            for t in (1, 21, 33, 51, 53):
                await trio.sleep_until(t)
                for asked in (job_id, silent):
                    answer = await client.get(f"/api/v1/job/{asked}")
                    statuses.append(answer.json()["status"])
        return statuses

    statuses = run_virtual(main)
    assert statuses[0::2] == ["pending", "pending", "processing", "processing", "completed"]
    # A job that nobody is told of is shown as it is.
    assert statuses[1::2] == ["pending", "processing", "completed", "completed", "completed"]
    assert 37 <= seen[0] <= 38


def test_who_is_early_is_drawn_for_each_job() -> None:
    """Early messages are drawn for each job; other jobs don't lag."""
    mock = mock_of(early_share=0.5, early_by=1000)
    ids = [add_job(mock) for _ in range(40)]
    shown = {mock.webhooks.as_shown(mock.world.job(job_id, 500), 500).status for job_id in ids}
    assert shown == {"pending", "completed"}


def test_messages_are_lost_doubled_and_overtaken() -> None:
    """The journal and the receiver agree on lost, doubled and overtaken messages."""
    mock = mock_of(lost_share=0.3, duplicate_share=0.3, overtaken_share=0.3)
    seen: list[str] = []
    mock.webhooks.receive(HOOK, lambda request: seen.append(request.json()["job_id"]))

    async def main() -> None:
        for _ in range(60):
            add_job(mock)
            await trio.sleep(1)
        await mock.webhooks.drain()

    run_virtual(main)
    ids = list(mock.world.job_ids())
    delivered = [one for one in mock.webhooks.deliveries if one.outcome == "delivered"]
    lost = [one for one in mock.webhooks.deliveries if one.outcome == "lost"]
    assert sorted(seen) == sorted(one.job_id for one in delivered)
    assert len(delivered) + len(lost) == len(mock.webhooks.deliveries)
    assert {len([one for one in seen if one == job_id]) for job_id in ids} == {0, 1, 2}
    assert seen != sorted(seen, key=ids.index)
    # Each that was overtaken arrives right after another, not after all others.
    assert max(one.at - one.changed_at for one in delivered) < 60


def test_a_receiver_that_refuses_is_tried_again() -> None:
    """Retries have the same body, and a new timestamp."""
    mock = mock_of(retries=(1, 10, 100), secret=SECRET, timestamped=True)
    seen: list[WebhookRequest] = []

    async def refuse_twice(request: WebhookRequest) -> int:
        await trio.sleep(0.5)
        seen.append(request)
        return 503 if len(seen) < 3 else 204

    mock.webhooks.receive(HOOK, refuse_twice)

    async def main() -> None:
        add_job(mock)
        await mock.webhooks.drain()

    run_virtual(main)
    assert [
        (one.at, one.number, one.outcome, one.status_code) for one in mock.webhooks.deliveries
    ] == [
        (32, 1, "rejected", 503),
        (33.5, 2, "rejected", 503),
        (44, 3, "delivered", 204),
    ]
    assert len({request.body for request in seen}) == 1
    assert len({request.headers["x-legnext-timestamp"] for request in seen}) == 3


def test_a_receivers_error_is_a_failed_attempt_and_is_shown() -> None:
    """A receiver's exception is a failed attempt, and a crash."""
    mock = mock_of()

    def fail(_request: WebhookRequest) -> int:
        raise AssertionError("not what was expected")

    mock.webhooks.receive(HOOK, fail)

    async def main() -> None:
        add_job(mock)
        await mock.webhooks.drain()

    run_virtual(main)
    (delivery,) = mock.webhooks.deliveries
    assert delivery.outcome == "failed"
    assert delivery.error == "AssertionError: not what was expected"
    assert [str(error) for error in mock.crashes] == ["not what was expected"]


async def run_many(mock: MockLegnext) -> None:
    """Submit jobs from many tasks at once, and wait for the webhooks."""

    async def one(number: int) -> None:
        await trio.sleep(number % 3)
        await submit(mock)

    async with trio.open_nursery() as nursery:
        for number in range(12):
            nursery.start_soon(one, number)
    await mock.webhooks.drain()


@examples(15)
@given(st.integers(0, 99), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_same_seed_is_the_same_deliveries(
    seed: int, lost: float, twice: float, overtaken: float
) -> None:
    """Two runs of one seed deliver the same bytes, all of them true."""

    def once() -> MockLegnext:
        mock = MockLegnext(
            seed,
            3,
            failure_share=0.3,
            webhooks=WebhookSettings(
                delay=Lognormal(2, 1),
                lost_share=lost,
                duplicate_share=twice,
                overtaken_share=overtaken,
                retries=(3,),
            ),
        )
        mock.webhooks.receive(HOOK, lambda request: 200 if int(request.at) % 2 else 500)
        run_virtual(run_many, mock)
        return mock

    mock = once()
    assert not mock.crashes
    assert mock.webhooks.deliveries.dump() == once().webhooks.deliveries.dump()
    for job_id in mock.world.job_ids():
        told = mock.webhooks.deliveries.of(job_id)
        assert told
        for delivery in told:
            assert (delivery.changed_at, delivery.status) == mock.truth[job_id][-1]
            assert delivery.at >= delivery.changed_at


def test_jobs_from_before_the_run_are_told() -> None:
    """Jobs from before the run are reported once the mock is used, in any run."""
    mock = mock_of()
    mock.webhooks.receive(HOOK, lambda _: None)
    add_job(mock)
    mock.webhooks.wake()

    async def ask() -> None:
        async with client_of(mock) as client:
            await client.get("/api/account/balance")
        await trio.sleep(40)

    run_virtual(ask)
    assert len(mock.webhooks.deliveries) == 1
    add_job(mock)
    run_virtual(mock.webhooks.drain)
    assert len(mock.webhooks.deliveries) == 2


def test_nothing_runs_where_nobody_is_to_be_told() -> None:
    """A mock without callbacks runs no task for them."""
    mock = mock_of()

    async def main() -> int:
        mock.add_jobs(10)
        before = trio.lowlevel.current_statistics().tasks_living
        await mock.webhooks.drain()
        mock.webhooks.wake()
        return trio.lowlevel.current_statistics().tasks_living - before

    assert run_virtual(main) == 0


def test_time_that_is_moved_brings_the_news_with_it() -> None:
    """Frozen time delivers nothing; advancing it delivers what is due."""
    mock = mock_of()
    mock.webhooks.receive(HOOK, lambda _: None)

    async def main() -> list[int]:
        counts = []
        mock.freeze()
        add_job(mock)
        await trio.sleep(1000)
        counts.append(len(mock.webhooks.deliveries))
        mock.advance(100)
        await mock.webhooks.drain()
        counts.append(len(mock.webhooks.deliveries))
        return counts

    assert run_virtual(main) == [0, 1]
    (delivery,) = mock.webhooks.deliveries
    assert (delivery.changed_at, delivery.at) == (32, 100)


def test_settings_can_be_replaced() -> None:
    """New settings apply to later changes."""
    mock = mock_of()
    mock.webhooks.receive(HOOK, lambda _: None)

    async def main() -> None:
        add_job(mock, life=Script(["completed"]))
        mock.webhooks.settings = attrs.evolve(mock.webhooks.settings, lost_share=1)
        add_job(mock, life=Script(["completed"]))
        await mock.webhooks.drain()

    run_virtual(main)
    outcomes = {one.job_id: one.outcome for one in mock.webhooks.deliveries}
    assert [outcomes[job_id] for job_id in mock.world.job_ids()] == ["delivered", "lost"]


def test_a_snapshot_can_be_gone_back_to() -> None:
    """After a restore, later messages are sent again, and those in progress too."""
    mock = mock_of(delay=5)
    seen: list[tuple[float, str]] = []

    async def slowly(request: WebhookRequest) -> None:
        seen.append((request.at, request.json()["job_id"]))
        await trio.sleep(4)

    mock.webhooks.receive(HOOK, slowly)

    async def main() -> list[list[bytes]]:
        journals = []
        add_job(mock, life=Script([("processing", 20), "completed"]))
        add_job(mock)
        await trio.sleep(26)
        assert len(seen) == 1
        assert not mock.webhooks.deliveries
        snapshot = mock.snapshot()
        for _ in range(2):
            await mock.webhooks.drain()
            journals.append(mock.webhooks.deliveries.dump().splitlines())
            mock.restore(snapshot)
        # While it sends again, all is put back once more.
        await trio.sleep(2)
        mock.restore(snapshot)
        await mock.webhooks.drain()
        journals.append(mock.webhooks.deliveries.dump().splitlines())
        return journals

    first, second, third = run_virtual(main)
    assert [at for at, _ in seen] == [25, 37, 26, 37, 26, 26, 37]
    # What was under way had been sent at 25, and was sent again at 26.
    assert first[1] == second[1] == third[1]
    assert second[0] == third[0] != first[0]
    assert len(first) == len(second) == len(third) == 2


def test_a_receiver_can_put_all_back() -> None:
    """If a receiver restores a snapshot, its own attempt is made again."""
    mock = mock_of()
    seen: list[float] = []

    async def main() -> None:
        add_job(mock)
        await trio.sleep(10)
        snapshot = mock.snapshot()

        def put_back(request: WebhookRequest) -> None:
            seen.append(request.at)
            if len(seen) == 1:
                mock.restore(snapshot)

        mock.webhooks.receive(HOOK, put_back)
        await mock.webhooks.drain()

    run_virtual(main)
    assert seen == [32, 32]
    assert len(mock.webhooks.deliveries) == 1


async def test_over_the_transport_of_a_fixture(legnext_mock: MockLegnext) -> None:
    """With the fixture, a test needs no more than a receiver and a job."""
    seen: list[WebhookRequest] = []
    legnext_mock.webhooks.receive(HOOK, seen.append)
    async with httpx.AsyncClient(transport=legnext_mock.transport()) as client:
        await client.post(
            f"https://api.legnext.ai{POST}",
            json={"text": "a", "callback": HOOK},
            headers={"x-api-key": "key"},
        )
        await legnext_mock.webhooks.drain()
    assert [request.json()["status"] for request in seen] == ["completed"]
