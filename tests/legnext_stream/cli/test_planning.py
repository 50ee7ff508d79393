"""What a batch would cost, and how long it would take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from legnext_stream import Prompt
from legnext_stream._cli.planning import as_json, is_enough, lines, plan_of
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._requests import Balance


def _prompts(**counts: int) -> list[Prompt[Any]]:
    return [
        Prompt(task_type=name.replace("_", "-"))
        for name, count in counts.items()
        for _ in range(count)
    ]


def _balance(points: float, credits: float) -> Balance:  # noqa: A002 - the API's word
    usd = (points + credits) / 1000
    return Balance(balance_usd=usd, available_credits=credits, available_points=points, raw={})


def test_a_plan_in_words() -> None:
    """Tasks, cost against balance, and time; it says what is an estimate and what a guess."""
    plan = plan_of(_prompts(diffusion=10, reroll=2), Durations(), None)
    first, diffusion, reroll, cost, balance, time = lines(plan, _balance(60, 900))
    assert first == "12 prompts, none submitted"
    assert diffusion == "         10  diffusion, 80 points each"
    assert reroll == "          2  reroll, 80 points each (a guess)"
    assert cost == "cost     about 960 points, an estimate: the API publishes no prices"
    assert balance == "balance  960: 60 points and 900 credits; enough"
    assert time == "time     about 2 min to 4 min, an estimate, if 6 jobs run at once"


def test_a_balance_that_is_not_enough_or_not_known() -> None:
    """It says so, or leaves the line out."""
    plan = plan_of(_prompts(diffusion=1), Durations(), 1)
    assert not is_enough(plan, _balance(79, 0))
    first, *_, balance, time = lines(plan, _balance(79, 0))
    assert first == "1 prompt, none submitted"
    assert balance == "balance  79: 79 points and 0 credits; not enough"
    assert time.endswith("if 1 job runs at once")
    assert not any(line.startswith("balance") for line in lines(plan, None))


def test_a_plan_in_json() -> None:
    """Numbers are whole, and unknown ones null."""
    plan = plan_of(_prompts(upscale=3), Durations(), 2)
    data = json.loads(as_json(plan, _balance(1, 0)))
    assert data["tasks"] == [
        {"task_type": "upscale", "prompts": 3, "each": 120, "is_guess": False, "points": 360}
    ]
    assert (data["prompts"], data["estimated_points"], data["at_once"]) == (3, 360, 2)
    assert data["balance"]["available_points"] == 1
    assert data["is_enough"] is False
    data = json.loads(as_json(plan, None))
    assert data["balance"] is data["is_enough"] is None


def test_how_long_it_takes() -> None:
    """About the run times over the slots, within the published range for a single job."""
    low, high = plan_of(_prompts(diffusion=1), Durations(), None).seconds
    assert 30 < low < high < 90
    many = plan_of(_prompts(diffusion=600), Durations(), 6).seconds
    assert many[0] == pytest.approx(100 * low, rel=0.02)
    assert plan_of(_prompts(diffusion=600), Durations(), 12).seconds[1] < many[1]
    assert plan_of([], Durations(), None).seconds == (0, 0)
    assert plan_of([], Durations(), None).points == 0


def test_a_long_batch_takes_hours() -> None:
    """A duration has no more digits than an estimate has."""
    *_, time = lines(plan_of(_prompts(diffusion=2000), Durations(), None), None)
    assert time == "time     about 3.7 h to 6.3 h, an estimate, if 6 jobs run at once"


def test_what_a_journal_has_learned_counts() -> None:
    """Learned run times replace the published ones."""
    durations = Durations()
    for _ in range(200):
        durations.of("diffusion").ended(0.0, 8.0, 12.0)
    _, high = plan_of(_prompts(diffusion=1), durations, None).seconds
    assert high < 20
