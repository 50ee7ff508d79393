"""The table of task types."""

from __future__ import annotations

import pytest

from mockserver._world import TASKS, TaskType
from mockserver._world.tasks import task_named


def test_there_are_nineteen() -> None:
    """Every task of the API is there, under the name it has in the path."""
    assert len(TASKS) == 19
    assert all(name == task.name for name, task in TASKS.items())


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_ranges_are_ranges(task: TaskType) -> None:
    """A typical run has a length, and a longest length."""
    low, high = task.typical_run
    assert 0 < low < high


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    """Whoever mistypes a task is told which there are."""
    with pytest.raises(ValueError, match="no task type 'difusion'; there are diffusion, "):
        task_named("difusion")
