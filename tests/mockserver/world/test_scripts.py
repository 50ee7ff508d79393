"""Scripts: what is a lifecycle, and what isn't."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mockserver._world import Script, Step


def test_short_forms() -> None:
    """A step can be a pair, a bare status or a `Step`; no seconds, or None, is for ever."""
    script = Script([("pending", 2), Step("retry", 0.5), ("processing", 3), "completed"])
    assert script.steps == (
        Step("pending", 2),
        Step("retry", 0.5),
        Step("processing", 3),
        Step("completed", math.inf),
    )
    assert Script([("held", None)]).steps == (Step("held"),)


def test_length_and_end() -> None:
    """A script knows how long it takes to its last step, and whether that is an end."""
    ending, held = Script([("a", 2), ("b", 3), "failed"]), Script([("a", 2), "b"])
    assert ending.seconds == 5
    assert held.seconds == 2
    assert Script(["a", "completed"]).seconds == math.inf


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ([], "needs a step"),
        ([("pending", 1)], "lasts for ever"),
        ([Step("pending", polls=1)], "lasts for ever"),
        ([("completed", 1), "failed"], "nothing can follow"),
        ([("a", 1), ("a", 1), "completed"], "follows itself"),
        ([("", 1), "completed"], "Length"),
        ([("a", -1), "completed"], "must be >= 0"),
    ],
)
def test_what_is_no_life_is_refused(steps: list[Any], complaint: str) -> None:
    """A script that doesn't end, goes on after its end or repeats itself is refused."""
    with pytest.raises(ValueError, match=complaint):
        Script(steps)


def test_a_step_waits_for_at_least_one_poll() -> None:
    """A number of polls that can't be counted to is refused."""
    with pytest.raises(ValueError, match="must be >= 1"):
        Step("pending", polls=0)


@pytest.mark.parametrize("step", [1, ("a",), ("a", "b"), (1, 2), None])
def test_what_is_no_step_is_refused(step: Any) -> None:  # noqa: ANN401 - anything at all
    """What isn't a status with its seconds is refused by its type."""
    with pytest.raises(TypeError, match="a step is a status"):
        Script([step])
