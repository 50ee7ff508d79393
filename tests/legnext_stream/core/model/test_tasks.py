"""The task types, and how a submit's parameters become fields."""

from __future__ import annotations

import copy
import pickle

import pytest

from legnext_stream._core.model.tasks import TaskType, api_fields, check_task_type, find_task_type


def test_each_is_found() -> None:
    """Each by its name or as the enum; another name is refused with the list."""
    for task in TaskType:
        assert check_task_type(task) is task
        assert check_task_type(task.value) is task
    with pytest.raises(ValueError, match="'hologram'; there are: diffusion, "):
        check_task_type("hologram")


def test_every_task_has_its_facts() -> None:
    """A run time in seconds, and the field for the text, if it takes one."""
    for task in TaskType:
        low, high = task.run_time
        assert 10 <= low < high <= 600
        assert task.text_field in {"text", "prompt", "remixPrompt", None}
    assert TaskType("video-diffusion") is TaskType.VIDEO_DIFFUSION
    assert copy.copy(TaskType.PAN) is pickle.loads(pickle.dumps(TaskType.PAN)) is TaskType.PAN  # noqa: S301 - our own bytes


def test_spellings() -> None:
    """The API's name in any case, with `-` or `_`; any other word is none."""
    assert find_task_type(" Upload_Paint") is TaskType.UPLOAD_PAINT
    assert find_task_type("hologram") is None
    assert find_task_type("") is None


def test_names_may_be_pythonic() -> None:
    """Snake case becomes the API's name, the API's names stay, None is left out."""
    fields = api_fields(
        {"job_id": "j", "imageNo": 0, "remix_prompt": None, "aspect_ratio": "1:1", "new": 1}
    )
    assert fields == {"jobId": "j", "imageNo": 0, "aspect_ratio": "1:1", "new": 1}


def test_a_field_given_twice() -> None:
    """Under both its names is an error that names both."""
    with pytest.raises(TypeError, match=r"'imageNo'.*'image_no'"):
        api_fields({"imageNo": 1, "image_no": 2})
