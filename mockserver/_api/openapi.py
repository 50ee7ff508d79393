"""The API's description, as an OpenAPI 3.1 document.

It is made from the tables by which requests are checked, and from the quirks by which answers are
written, so it always agrees with the mock as it is set up.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mockserver._api.schemas import active_tasks_schema, balance_schema, error_schema, job_schema
from mockserver._world.routes import ACTIVE_TASKS, BALANCE, JOB, Route
from mockserver._world.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver._api.quirks import Quirks
    from mockserver._world.tasks import TaskType

Document: TypeAlias = dict[str, Any]
"""An OpenAPI document, or part of one."""

_KEY: Final[list[Document]] = [{"apiKey": []}]
_JSON: Final = "application/json"
_ERRORS: Final = {
    "400": "The parameters are wrong.",
    "401": "The key is missing or wrong.",
    "402": "The balance doesn't cover the price.",
    "403": "The prompt was rejected by moderation.",
    "404": "There is no such job, or it has expired.",
    "413": "The body is too large.",
    "415": "The body is neither JSON nor a form that this task accepts.",
    "422": "The parameters are well-formed but not possible, e.g. the job isn't completed.",
    "429": "Too many requests, or too many jobs at once.",
    "5XX": "An error of the server.",
}
_FOR_ALL: Final = ("401", "429", "5XX")
_FOR_SUBMITS: Final = tuple(_ERRORS)


@functools.lru_cache(maxsize=64)
def document_of(quirks: Quirks) -> Document:
    """The description of the API with these quirks; callers must not modify it."""
    paths: Document = {JOB.path: {"get": _job_operation(quirks)}}
    for name, task in TASKS.items():
        paths[f"/api/v1/{name}"] = {"post": _submit_operation(task)}
    paths[BALANCE.path] = {"get": _account_operation(BALANCE, "The account's balance", "Balance")}
    if quirks.active_tasks:
        operation = _account_operation(ACTIVE_TASKS, "The unfinished jobs", "ActiveTasks")
        paths[ACTIVE_TASKS.path] = {"get": operation}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Legnext API (mock)",
            "version": "1",
            "description": "A stand-in for the service. Submit jobs with a POST, and look them up "
            "until they are completed or failed.",
        },
        "servers": [{"url": "/"}],
        "security": _KEY,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": {
                "Job": job_schema(quirks),
                "Error": error_schema(quirks),
                "Balance": balance_schema(),
                **({"ActiveTasks": active_tasks_schema(quirks)} if quirks.active_tasks else {}),
            },
            "responses": {code: _refusal(code, words) for code, words in _ERRORS.items()},
        },
    }


def _job_operation(quirks: Quirks) -> Document:
    follow_ups = [name for name, task in TASKS.items() if task.params.takes_job]
    return {
        "operationId": JOB.name,
        "summary": "Look up a job",
        "tags": ["jobs"],
        "security": [*_KEY, {}] if quirks.get_without_key else _KEY,
        "parameters": [
            {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}}
        ],
        "responses": _responses(
            "The present state of the job.",
            "Job",
            (*_FOR_ALL, "404"),
            links={
                name: {
                    "operationId": name,
                    "description": "Once the job is completed, if it has what the task needs.",
                    "requestBody": {"jobId": "$response.body#/job_id"},
                }
                for name in follow_ups
            },
        ),
    }


def _submit_operation(task: TaskType) -> Document:
    low, high = task.typical_run
    content = {_JSON: {"schema": task.params.schema()}}
    if task.params.takes_file:
        content["multipart/form-data"] = {"schema": task.params.form_schema()}
    return {
        "operationId": task.name,
        "summary": f"Submit: {task.name}",
        "description": f"Makes {task.makes.value}. Typically runs for {low:g} to {high:g} seconds.",
        "tags": ["submits"],
        "requestBody": {"required": True, "content": content},
        "responses": _responses(
            "The job, pending.",
            "Job",
            _FOR_SUBMITS,
            links={
                JOB.name: {
                    "operationId": JOB.name,
                    "parameters": {"job_id": "$response.body#/job_id"},
                }
            },
        ),
    }


def _account_operation(route: Route, summary: str, schema: str) -> Document:
    return {
        "operationId": route.name,
        "summary": summary,
        "tags": ["account"],
        "responses": _responses(f"{summary}.", schema, _FOR_ALL),
    }


def _responses(
    description: str, schema: str, errors: Iterable[str], links: Document | None = None
) -> Document:
    answer = {
        "description": description,
        "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
    if links:
        answer["links"] = links
    return {"200": answer} | {
        code: {"$ref": f"#/components/responses/{code}"} for code in sorted(errors)
    }


def _refusal(code: str, description: str) -> Document:
    answer: Document = {
        "description": description,
        "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if code == "429":
        hint = {"description": "When to retry.", "schema": {"type": "string"}}
        answer["headers"] = {"Retry-After": hint}
    return answer
