"""What prompts cost, and what a batch may."""

from __future__ import annotations

import pytest

from legnext_stream import Prompt, TaskType
from legnext_stream._core.model.prices import Budget, Price, price_of

_FOX = Prompt("a fox")


@pytest.mark.parametrize(
    ("prompt", "points", "is_guess"),
    [
        (_FOX, 80, False),
        (Prompt("a fox --turbo"), 160, False),
        (Prompt("a fox —turbo --ar 2:3"), 160, False),
        (Prompt("a turbo --turbofan"), 80, False),
        (Prompt(task_type="upscale", params={"job_id": "a", "image_no": 0, "type": 0}), 120, False),
        (Prompt(task_type="upscale", params={"job_id": "a", "image_no": 0, "type": 1}), 160, False),
        (Prompt("a fox", task_type="video-diffusion"), 480, False),
        (Prompt("a fox", task_type="video-diffusion", params={"video_type": 1}), 1536, False),
        (Prompt(task_type="reroll"), 80, True),
        (Prompt(task_type="extend-video"), 480, True),
        (Prompt(task_type="pan"), 120, True),
        (Prompt("a long tale", task_type="shorten"), 20, True),
    ],
)
def test_prices(prompt: Prompt, points: float, is_guess: bool) -> None:  # noqa: FBT001 - a parameter
    """By the task, its fields and the text; a task whose price was never seen has a guess."""
    assert price_of(prompt) == Price(points, is_guess)


def test_every_task_has_a_price() -> None:
    """No prompt is free."""
    assert all(price_of(Prompt(task_type=each)).points > 0 for each in TaskType)


def test_a_budget_counts_at_real_prices() -> None:
    """The first job of a kind says what the others cost."""
    budget = Budget(500)
    assert budget.reserve(_FOX) == 80
    assert budget.must_wait(_FOX)
    budget.settle(_FOX, 80, 200)
    assert not budget.must_wait(_FOX)
    assert budget.reserve(_FOX) == 200
    assert budget.reserve(_FOX) is None
    assert budget.spent == 400


def test_a_job_without_a_price_costs_the_estimate() -> None:
    """If the API doesn't say what a job costs, or a submit got no answer, the estimate stands."""
    budget = Budget(160)
    for _ in range(2):
        assert budget.reserve(_FOX) == 80
        budget.settle(_FOX, 80, 0)
    assert budget.reserve(_FOX) is None


def test_while_a_submit_may_give_back_the_next_one_waits() -> None:
    """A submit that made no job gives back what was reserved for it."""
    budget, tale = Budget(100), Prompt("a tale", task_type="video-diffusion")
    assert budget.reserve(_FOX) == 80
    assert budget.must_wait(tale)
    budget.give_back(_FOX, 80)
    assert budget.spent == 0
    assert budget.reserve(_FOX) == 80
    budget.settle(_FOX, 80, 80)
    assert not budget.must_wait(tale)
    assert budget.reserve(tale) is None
