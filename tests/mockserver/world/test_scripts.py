"""Scripts."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mockserver._world.scripts import Script, Step


def test_short_forms() -> None:
    """A step can be a pair, a bare status or a `Step`; without seconds it has no end."""
    script = Script([("pending", 2), Step("retry", 0.5), ("processing", 3), "completed"])
    assert script.steps == (
        Step("pending", 2),
        Step("retry", 0.5),
        Step("processing", 3),
        Step("completed", math.inf),
    )
    assert Script([("held", None)]).steps == (Step("held"),)


def test_length_and_end() -> None:
    """`seconds` is the time until the last step."""
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
def test_impossible_scripts(steps: list[Any], complaint: str) -> None:
    """A script without a lasting end, with steps after it or a repeated status is an error."""
    with pytest.raises(ValueError, match=complaint):
        Script(steps)


def test_a_step_waits_for_at_least_one_poll() -> None:
    """Less than one poll is an error."""
    with pytest.raises(ValueError, match="must be >= 1"):
        Step("pending", polls=0)


@pytest.mark.parametrize("step", [1, ("a",), ("a", "b"), (1, 2), None])
def test_impossible_steps(step: Any) -> None:  # noqa: ANN401 - anything at all
    """Anything but a status, perhaps with seconds, is an error."""
    with pytest.raises(TypeError, match="a step is a status"):
        Script([step])
