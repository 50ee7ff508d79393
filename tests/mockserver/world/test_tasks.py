"""The table of task types."""

from __future__ import annotations

import pytest

from mockserver._world.tasks import TASKS, TaskType, task_named


def test_each_goes_by_its_name() -> None:
    """The table has the task types by their names."""
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
