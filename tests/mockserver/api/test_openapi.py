"""The API's description agrees with its checks and its answers."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, get_args

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import MockLegnext, Quirks, Script, World
from mockserver._api.account import active_tasks_body, balance_body
from mockserver._api.openapi import document_of
from mockserver._api.quirks import (
    DEFAULT_QUIRKS,
    ErrorBody,
    JobError,
    Logs,
    MissingOutput,
    MissingTime,
    Separator,
    TimeResolution,
)
from mockserver._api.refusals import Refusal
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._api.validation import validate
from mockserver._api.wire import error_body, job_body
from mockserver._world.tasks import TASKS
from tests.effort import examples
from tests.mockserver.api.asking import ask
from tests.mockserver.api.test_validation import ALSO_GOOD, BAD, GOOD

QUIRKS = st.builds(
    Quirks,
    error_body=st.sampled_from(get_args(ErrorBody)),
    job_error=st.sampled_from(get_args(JobError)),
    missing_time=st.sampled_from(get_args(MissingTime)),
    time_resolution=st.sampled_from(get_args(TimeResolution)),
    missing_output=st.sampled_from(get_args(MissingOutput)),
    empty_image_urls=st.booleans(),
    logs=st.sampled_from(get_args(Logs)),
    task_type_separator=st.sampled_from(get_args(Separator)),
    echo_input=st.booleans(),
    extra_fields=st.booleans(),
    active_tasks=st.just(True),  # noqa: FBT003 - a strategy for a field
    urls_expire_after=st.none() | st.floats(0, 1e6),
    temporary_urls=st.booleans(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NEAR: st.SearchStrategy[Any] = st.sampled_from(
    [0, 3, 4, 1.0, 1.1, 3.0, "", "a", "http://a", "http://a b", [], {}, None]
)


@cache
def schema_of(task: str) -> jsonschema_rs.Validator:
    """The schema of a task's parameters."""
    return jsonschema_rs.validator_for(TASKS[task].params.schema())


def answers_as(name: str, body: bytes, quirks: Quirks) -> None:
    """Check that a body fits its schema in the description."""
    schema = document_of(quirks)["components"]["schemas"][name]
    jsonschema_rs.validate(schema, json.loads(body))


def agrees(task: str, params: dict[str, Any]) -> None:
    """Check that parameters get 400 exactly if the schema forbids them."""
    try:
        validate(TASKS[task], params)
    except Refusal as refusal:
        refused = refusal.status_code == 400
    else:
        refused = False
    assert schema_of(task).is_valid(params) is not refused, params


@pytest.mark.parametrize("quirks", [DEFAULT_QUIRKS, Quirks(active_tasks=True, logs="objects")])
def test_the_document_is_served(quirks: Quirks) -> None:
    """It is OpenAPI 3.1, needs no key, and isn't in the journal."""
    mock = MockLegnext(api_keys=["right"], quirks=quirks)
    answer = ask(mock, "GET", "/openapi.json", headers={"x-api-key": ""})
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document == document_of(quirks)
    assert document["openapi"].startswith("3.1.")
    assert len(mock.requests) == 0
    submits = {
        path.removeprefix("/api/v1/") for path, way in document["paths"].items() if "post" in way
    }
    assert submits == set(TASKS)
    assert ("/api/account/active_tasks" in document["paths"]) == quirks.active_tasks


def test_every_schema_is_one() -> None:
    """All schemas of the document are valid JSON Schemas, for any quirks."""
    for quirks in (DEFAULT_QUIRKS, Quirks(active_tasks=True, missing_output="null")):
        document = document_of(quirks)
        schemas = [*document["components"]["schemas"].values()]
        for operations in document["paths"].values():
            for operation in operations.values():
                content = operation.get("requestBody", {"content": {}})["content"]
                schemas += [part["schema"] for part in content.values()]
        assert len(schemas) >= 3 + len(TASKS)
        assert all(jsonschema_rs.meta.is_valid(schema) for schema in schemas)


def test_every_link_leads_somewhere() -> None:
    """Links name operations that exist."""
    document = document_of(DEFAULT_QUIRKS)
    operations = [way for ways in document["paths"].values() for way in ways.values()]
    named = {operation["operationId"] for operation in operations}
    links = [
        link["operationId"]
        for operation in operations
        for link in operation["responses"]["200"].get("links", {}).values()
    ]
    assert set(links) <= named
    assert len(links) > len(TASKS)


def test_a_key_is_optional_where_it_is() -> None:
    """The description says whether looking up jobs needs a key."""
    for without_key in (False, True):
        document = document_of(Quirks(get_without_key=without_key))
        security = document["paths"]["/api/v1/job/{job_id}"]["get"]["security"]
        assert ({} in security) == without_key


@pytest.mark.parametrize(
    ("task", "params"),
    [
        *GOOD.items(),
        *((task, {**GOOD[task], **extra}) for task, extra in ALSO_GOOD),
        *((task, {**GOOD[task], **wrong}) for task, wrong, _ in BAD),
    ],
)
def test_the_schemas_agree_with_the_checks(task: str, params: dict[str, Any]) -> None:
    """The schema forbids what is refused with 400, and nothing else."""
    if not any(isinstance(value, bytes) for value in params.values()):
        agrees(task, params)


@examples(300)
@given(st.data())
def test_the_schemas_agree_with_the_checks_whatever_is_sent(data: st.DataObject) -> None:
    """So they do for parameters of which some are changed, left out or added."""
    task = data.draw(st.sampled_from(sorted(TASKS)))
    known = sorted({*GOOD[task], *TASKS[task].params.optional, "jobId", "imageNo"})
    changed = data.draw(st.dictionaries(st.sampled_from(known), NEAR | JSON, max_size=2))
    left_out = data.draw(st.sets(st.sampled_from(known), max_size=1))
    params = {name: v for name, v in {**GOOD[task], **changed}.items() if name not in left_out}
    agrees(task, params)


@examples(150)
@given(
    QUIRKS,
    st.sampled_from(sorted(TASKS)),
    st.sampled_from(["pending", "processing", "completed", "failed", "retry"]),
    st.integers(0, 10**6),
)
def test_answers_are_as_described(quirks: Quirks, task: str, status: str, t: int) -> None:
    """Jobs, errors, balance and unfinished jobs fit their schemas, for any quirks."""
    world = World()
    if status in {"pending", "processing"}:
        script = Script([status])
    else:
        script = Script([("pending", 1.5), ("processing", 1000), status])
    job_id = world.add_job(task, at=0, script=script, params=GOOD[task])
    answers_as("Job", job_body(world.job(job_id, t), DEFAULT_EPOCH, quirks), quirks)
    answers_as("Error", error_body(404, "no", "", quirks), quirks)
    answers_as("Balance", balance_body(world.balance(t), DEFAULT_EPOCH, t), quirks)
    answers_as("ActiveTasks", active_tasks_body(world, t, DEFAULT_EPOCH, quirks), quirks)
