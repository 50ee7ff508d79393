"""Balance, credits and unfinished jobs, over HTTP."""

from __future__ import annotations

from typing import Any

import anyio

from mockserver import Account, Fixed, MockLegnext, Quirks, Script, run_virtual
from mockserver._api.account import balance_body
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._world.world import World
from tests.mockserver.api.asking import ask, submit
from tests.mockserver.helpers import POST, client_of


def balance_of(mock: MockLegnext) -> dict[str, Any]:
    """The balance in the answer."""
    answer = ask(mock, "GET", "/api/account/balance").json()
    assert (answer["code"], answer["message"]) == (200, "success")
    data: dict[str, Any] = answer["data"]
    return data


def test_balance_is_the_documented_sample() -> None:
    """The balance has the fields of the sample, and a time to the nanosecond."""
    assert balance_body(World().balance(1.25), DEFAULT_EPOCH, 1.25).decode() == (
        '{"code":200,"data":{"account_id":1,"balance_usd":72.048,"available_credits":71000,'
        '"available_points":1048,"alert_threshold":10,"low_balance_alert":false,'
        '"updated_at":"2026-01-01T00:00:01.250000000Z"},"message":"success"}'
    )


def test_jobs_are_paid_for() -> None:
    """The price of a job is taken at its submit, and refunded if it fails."""
    mock = MockLegnext(account=Account(points=100, credits=0))

    async def points() -> list[int]:
        async with client_of(mock) as client:

            async def now() -> int:
                answer = await client.get("/api/account/balance")
                available: int = answer.json()["data"]["available_points"]
                return available

            seen = [await now()]
            mock.add_job(Script([("pending", 10), "failed"]))
            seen.append(await now())
            await anyio.sleep(11)
            seen.append(await now())
            mock.add_job(Script([("pending", 10), "completed"]))
            await anyio.sleep(11)
            return [*seen, await now()]

    assert run_virtual(points) == [100, 20, 100, 20]


def test_when_the_balance_is_out() -> None:
    """A job that can't be paid gets 402 and isn't made; a cheaper one still is."""
    mock = MockLegnext(account=Account(points=100, credits=0, limited=True))
    assert submit(mock).status_code == 200
    answer = submit(mock)
    assert (answer.status_code, answer.json()["code"]) == (402, 402)
    assert answer.json()["raw_message"] == "the balance doesn't cover the price of diffusion"
    assert submit(mock, "shorten", prompt="a").status_code == 200
    assert len(mock.truth) == 2


def test_the_alert() -> None:
    """The alert is on below ten dollars."""
    assert balance_of(MockLegnext(account=Account(points=0, credits=10_000)))[
        "low_balance_alert"
    ] is (False)
    assert balance_of(MockLegnext(account=Account(points=0, credits=9_999)))["low_balance_alert"]


def test_reject_when_full() -> None:
    """With `reject`, one job more than run at once gets 429."""
    mock = MockLegnext(slots=2, when_full="reject")
    assert [submit(mock).status_code for _ in range(3)] == [200, 200, 429]
    assert len(mock.truth) == 2


def test_active_tasks() -> None:
    """Unfinished jobs are listed, with their progress."""
    mock = MockLegnext(slots=1, run_times=Fixed(100), quirks=Quirks(active_tasks=True))

    async def at(t: float) -> dict[str, Any]:
        async with client_of(mock) as client:
            await anyio.sleep(t - mock.now)
            answer: dict[str, Any] = (await client.get("/api/account/active_tasks")).json()
            return answer

    async def three() -> list[dict[str, Any]]:
        async with client_of(mock) as client:
            ids = [(await client.post(POST, json={"text": "a"})).json()["job_id"] for _ in range(2)]
            return [{"ids": ids}, await at(51), await at(103)]

    submitted, running, later = run_virtual(three)
    first, second = submitted["ids"]
    assert running == {
        "account_id": 1,
        "total_active": 2,
        "concurrent_limit": 1,
        "tasks": [
            {
                "job_id": first,
                "task_type": "diffusion",
                "status": "processing",
                "created_at": "2026-01-01T00:00:00Z",
                "progress": 50,
                "estimated_time": 50,
            },
            {
                "job_id": second,
                "task_type": "diffusion",
                "status": "pending",
                "created_at": "2026-01-01T00:00:00Z",
                "progress": 0,
                "estimated_time": None,
            },
        ],
        "updated_at": "2026-01-01T00:00:51.000000000Z",
    }
    assert [task["job_id"] for task in later["tasks"]] == [second]
