"""The task types: all that the library knows of each, in one table; and a submit's parameters.

In the library, a task type is added, and its run time changed, in `TaskType` and nowhere else.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, Self

ANY_RUN_TIME: Final = (20.0, 360.0)
"""The range that holds the run times of all task types, in seconds."""


class TaskType(enum.StrEnum):
    """A kind of work that the API does, by the last part of the URL that takes it.

    Attributes:
        run_time: How long a job typically runs, in seconds: the shorter and the longer end of the
            range that the API's documentation gives. Retexture, remove-background and enhance have
            none there; theirs are guesses from similar tasks. Actual run times are learned.
        text_field: The API's field that takes the prompt's text; None if the task takes no text.
    """

    _value_: str
    run_time: tuple[float, float]
    text_field: str | None

    def __new__(
        cls,
        name: str,
        run_time: tuple[float, float] = ANY_RUN_TIME,
        text_field: str | None = None,
    ) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.run_time = run_time
        member.text_field = text_field
        return member

    # fmt: off
    DIFFUSION         = "diffusion",         (30.0, 90.0),   "text"
    VARIATION         = "variation",         (60.0, 90.0),   "remixPrompt"
    UPSCALE           = "upscale",           (90.0, 120.0)
    REROLL            = "reroll",            (60.0, 90.0)
    BLEND             = "blend",             (60.0, 90.0)
    DESCRIBE          = "describe",          (30.0, 60.0)
    SHORTEN           = "shorten",           (20.0, 40.0),   "prompt"
    PAN               = "pan",               (90.0, 120.0),  "remixPrompt"
    OUTPAINT          = "outpaint",          (90.0, 120.0),  "remixPrompt"
    INPAINT           = "inpaint",           (90.0, 120.0),  "remixPrompt"
    REMIX             = "remix",             (90.0, 120.0),  "remixPrompt"
    EDIT              = "edit",              (90.0, 120.0),  "remixPrompt"
    UPLOAD_PAINT      = "upload-paint",      (90.0, 120.0),  "remixPrompt"
    RETEXTURE         = "retexture",         (60.0, 120.0),  "remixPrompt"
    REMOVE_BACKGROUND = "remove-background", (20.0, 60.0)
    ENHANCE           = "enhance",           (60.0, 120.0)
    VIDEO_DIFFUSION   = "video-diffusion",   (180.0, 300.0), "prompt"
    EXTEND_VIDEO      = "extend-video",      (180.0, 300.0), "prompt"
    VIDEO_UPSCALE     = "video-upscale",     (240.0, 360.0)
    # fmt: on


_BY_NAME: Final[Mapping[str, TaskType]] = {member.value: member for member in TaskType}


def find_task_type(word: str) -> TaskType | None:
    """The task type that a word stands for, in any case and with `_` for `-`; None if it is new."""
    return _BY_NAME.get(word) or _BY_NAME.get(word.strip().lower().replace("_", "-"))


# The API mixes camelCase and snake_case. Callers may write everything in snake_case.
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
