"""Generated job objects and quirks."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Quirks
from mockserver._world.tasks import TASKS
from mockserver.strategies import job_objects, quirks
from tests.mockserver.strategies.finding import plainest


@given(job_objects())
def test_job_objects_are_jobs(job: dict[str, Any]) -> None:
    """Every job object has an id, a task type and a status."""
    assert len(job["job_id"]) == 36
    assert job["task_type"].replace("_", "-") in TASKS
    assert job["status"]
    assert set(job) >= {"config", "input", "output", "meta", "detail", "logs", "error"}


@given(job_objects(statuses=["failed"], shapes=st.just(Quirks())))
def test_statuses_and_shapes_can_be_chosen(job: dict[str, Any]) -> None:
    """Statuses and variants can be chosen."""
    assert job["status"] == "failed"
    assert job["error"]["code"]
    assert job["meta"]["usage"]["consume"] == 0
    assert job["meta"]["started_at"] >= job["meta"]["created_at"]


@pytest.mark.parametrize(
    "field",
    [field for field in attrs.fields(Quirks) if field.name != "max_body_bytes"],
    ids=lambda field: field.name,
)
def test_every_switch_is_turned(field: attrs.Attribute[Any]) -> None:
    """There is an example for each quirk alone, except for the bound on bodies."""
    found = plainest(quirks(), lambda shape: getattr(shape, field.name) != field.default)
    assert found == attrs.evolve(Quirks(), **{field.name: getattr(found, field.name)})


def test_they_shrink_to_the_documented_shape() -> None:
    """Job objects shrink to a pending diffusion, except for what matters."""
    assert plainest(quirks()) == Quirks()
    plain = plainest(job_objects())
    assert (plain["status"], plain["task_type"]) == ("pending", "diffusion")
    assert plain["error"]["code"] == 0
    textual = plainest(job_objects(), lambda job: job["error"] and isinstance(job["error"], str))
    assert textual["status"] == "failed"
    assert textual["logs"] == []
