"""How a submit's parameters become a request's fields."""

from __future__ import annotations

from collections.abc import Mapping

from legnext_stream._core.model.jobs import TaskType

# The API mixes camelCase and snake_case; a Python caller may write all of it in snake_case.
_API_NAMES = {
    "job_id": "jobId",
    "image_no": "imageNo",
    "video_no": "videoNo",
    "video_type": "videoType",
    "remix_prompt": "remixPrompt",
    "img_url": "imgUrl",
    "img_urls": "imgUrls",
    "img_pos": "imgPos",
}


def check_task_type(task_type: TaskType | str) -> TaskType:
    """The task type a caller means.

    Raises:
        ValueError: There is none of that name; the message lists them.
    """
    try:
        return TaskType(task_type)
    except ValueError:
        names = ", ".join(TaskType)
        msg = f"no task type {task_type!r}; there are: {names}"
        raise ValueError(msg) from None


def api_fields(params: Mapping[str, object]) -> dict[str, object]:
    """The parameters under the API's names; those that are None are left out.

    Raises:
        TypeError: One field was given under both its names.
    """
    fields: dict[str, object] = {}
    for name, value in params.items():
        field = _API_NAMES.get(name, name)
        if field in fields:
            msg = f"{field!r} was given twice, also as {name!r}"
            raise TypeError(msg)
        if value is not None:
            fields[field] = value
    return fields
