"""The run times of all task types: how they start, unknown types, and what is kept."""

from __future__ import annotations

import json

import pytest

from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.schedule.durations import OTHER, Durations


def test_every_task_begins_with_its_published_range() -> None:
    """Before any job has ended, the median of a type lies within its range."""
    durations = Durations()
    for task_type in TaskType:
        low, high = task_type.run_time
        assert low < durations.of(task_type).curve.quantile(0.5) < high
    assert {name for name, _ in durations} == set(TaskType)


def test_unknown_types_are_pooled_and_spelling_forgiven() -> None:
    """Unknown types share one model; underscores and capitals make no new type."""
    durations = Durations()
    assert durations.of("something-new") is durations.of(None)
    assert durations.of("Video_Diffusion") is durations.of("video-diffusion")
    assert [name for name, _ in durations] == [OTHER, "video-diffusion"]


def test_the_pool_is_kept_too() -> None:
    """The state returns the unknown types' run times; types unknown to this version are left out."""
    durations = Durations()
    durations.of("blend").ended(0, 70)
    durations.of("no such").ended(0, 30)
    state = json.loads(json.dumps(durations.state()))
    again = Durations()
    again.remember({**state, "not-yet-known": state["blend"]})
    assert again.state() == durations.state()
    assert again.of("blend").ended_jobs == 1


def test_what_was_kept_does_not_replace_what_was_learned_since() -> None:
    """Types that something has been learned of already keep that."""
    kept = Durations()
    kept.of("blend").ended(0, 70)
    kept.of("pan").ended(0, 70)
    durations = Durations()
    durations.of("blend").ended(0, 20)
    learned = durations.of("blend").state()
    durations.remember(kept.state())
    assert durations.of("blend").state() == learned
    assert durations.of("pan").ended_jobs == 1


def test_all_together_stand_apart() -> None:
    """`together` is no type of its own, and spans all published ranges."""
    durations = Durations()
    assert list(durations) == []
    curve = durations.together.curve
    assert curve.quantile(0.1) < 60
    assert curve.quantile(0.9) > 180


@pytest.mark.parametrize("state", [{"blend": {}}, {"blend": {"format": 2}}, {"other": None}])
def test_a_malformed_state_is_refused(state: dict[str, object]) -> None:
    """A malformed or newer state of any type raises ValueError."""
    with pytest.raises(ValueError, match="run times"):
        Durations().remember(state)
