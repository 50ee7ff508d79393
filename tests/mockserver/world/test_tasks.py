"""The table of task types."""

from __future__ import annotations

import pytest

from mockserver._world.tasks import TASKS, TaskType, task_named


def test_there_are_nineteen() -> None:
    """The table has all task types of the API, by their names."""
    assert len(TASKS) == 19
    assert all(name == task.name for name, task in TASKS.items())


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_ranges_are_ranges(task: TaskType) -> None:
    """Every range of run times is a range."""
    low, high = task.typical_run
    assert 0 < low < high


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    """The error for an unknown task type lists the task types."""
    with pytest.raises(ValueError, match="no task type 'difusion'; there are diffusion, "):
        task_named("difusion")
