"""The checks of a submit's parameters, by the table of task types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver._api.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver._world.tasks import TaskType


def validate(task: TaskType, params: Mapping[str, object]) -> None:
    """Check the parameters of a submit.

    A parameter that is null counts as not given, and one that the task doesn't know is ignored.

    Raises:
        Refusal: A parameter is missing or wrong; the message names the first.
    """
    given = {name: value for name, value in params.items() if value is not None}
    spec = task.params
    if spec.with_job is not None and "jobId" in given:
        spec = spec.with_job
    for name in spec.required:
        if name not in given:
            raise Refusal(400, f"{name} is required")
    for name, field in {**spec.required, **spec.optional}.items():
        if name in given and (problem := field.problem(given[name])):
            raise Refusal(problem.status_code, f"{name} {problem.words}")


def kept_of(task: TaskType, params: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a submit that its job keeps: those that the task knows, without files.

    A world may have a million jobs, so nothing is kept that is never read.
    """
    given = ((name, params.get(name)) for name in task.params.fields)
    return {name: v for name, v in given if v is not None and not isinstance(v, bytes)}


def prompts_of(task: TaskType, params: Mapping[str, object]) -> list[str]:
    """The prompts among the parameters of a submit."""
    return [
        value
        for name, field in task.params.fields.items()
        if field.is_prompt and isinstance(value := params.get(name), str)
    ]
