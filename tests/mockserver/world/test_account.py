"""Prices of jobs, and the balance."""

from __future__ import annotations

import pytest

from mockserver import MockLegnext, run_virtual
from mockserver._world.account import Account, Balance
from mockserver._world.durations import Fixed
from mockserver._world.tasks import TASKS
from mockserver._world.world import World
from tests.mockserver.helpers import client_of


def test_points_are_frozen_consumed_and_refunded() -> None:
    """A job's price is frozen until its end, consumed if it completes, given back if it fails."""
    world = World(run_times=Fixed(10))
    good, bad = world.add_job(at=0), world.add_job("upscale", at=0)
    assert world.balance(0) == Balance(
        available_points=848, available_credits=71000, frozen=200, consumed=0, refunded=0
    )
    world.set_status(good, "completed", 5)
    world.set_status(bad, "failed", 5)
    assert world.balance(5) == Balance(968, 71000, frozen=0, consumed=80, refunded=120)


def test_the_default_is_the_published_sample() -> None:
    """The initial balance is the one in the API's documentation."""
    balance = World().balance(0)
    assert (balance.available_points, balance.available_credits) == (1048, 71000)
    assert (balance.available, balance.usd) == (72048, 72.048)


def test_points_go_before_credits() -> None:
    """Credits are spent after the points; the balance of an unlimited account ends at zero."""
    world = World(account=Account(points=100, credits=100))
    balances = []
    for _ in range(3):
        world.add_job(at=0)
        balances.append(world.balance(0))
    assert [(b.available_points, b.available_credits) for b in balances] == [
        (20, 100),
        (0, 40),
        (0, 0),
    ]
    assert world.can_afford("diffusion", 0)


def test_a_limited_account_runs_out_and_recovers() -> None:
    """A job is refused until frozen points come back."""
    world = World(account=Account(points=100, credits=0, limited=True))
    assert world.can_afford("diffusion", 0)
    job_id = world.add_job(at=0)
    assert not world.can_afford("diffusion", 0)
    assert world.can_afford("describe", 0)
    world.set_status(job_id, "failed", 1)
    assert world.can_afford("diffusion", 1)
    with pytest.raises(ValueError, match="no task type 'juggle'"):
        world.can_afford("juggle", 1)


def test_prices_can_be_set() -> None:
    """The prices given apply to the balance and to the job."""
    world = World(account=Account(prices={"diffusion": 7}))
    named, other = world.add_job(at=0), world.add_job("upscale", at=0)
    assert (world.job(named, 0).points, world.job(other, 0).points) == (7, TASKS["upscale"].points)
    assert world.balance(0).frozen == 7 + TASKS["upscale"].points


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"points": -1}, "must be >= 0"),
        ({"credits": -1}, "must be >= 0"),
        ({"prices": {"juggle": 1}}, "no task type 'juggle'"),
        ({"prices": {"diffusion": -1}}, "price of diffusion must be 0 points or more"),
    ],
)
def test_impossible_accounts_are_refused(settings: dict[str, object], complaint: str) -> None:
    """Negative amounts and prices of unknown tasks are errors."""
    with pytest.raises(ValueError, match=complaint):
        Account(**settings)  # type: ignore[arg-type]


def test_the_balance_on_the_wire_is_the_worlds() -> None:
    """Submits over HTTP are paid for, and refused with 402 when nothing is left."""
    mock = MockLegnext(account=Account(points=100, credits=70, limited=True), run_times=Fixed(10))

    async def main() -> tuple[list[int], dict[str, object]]:
        async with client_of(mock) as client:
            codes = []
            for _ in range(3):
                answer = await client.post("/api/v1/diffusion", json={"text": "a cat"})
                codes.append(answer.status_code)
            balance = await client.get("/api/account/balance")
        return codes, balance.json()["data"]

    codes, data = run_virtual(main)
    assert codes == [200, 200, 402]
    assert (data["available_points"], data["available_credits"]) == (0, 10)
    assert data["balance_usd"] == 0.01
