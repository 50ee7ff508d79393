"""The task types: all that the mock knows of them, in one table.

In the mock, a task type is added here and nowhere else. The rest follows from the table: routes, checks of
parameters, run times, prices, outputs, and the OpenAPI document.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from mockserver._world.params import (
    Fields,
    Params,
    any_integer,
    integer,
    list_of,
    mask,
    number,
    object_of,
    one_of,
    png_or,
    polygon,
    prompt,
    text,
    url,
)


class Makes(enum.Enum):
    """What a completed job has in its `output`."""

    GRID = "four images and the grid of them"
    IMAGE = "one image"
    VIDEOS = "four videos"
    VIDEO = "one video"
    TEXT = "prompts"


@attrs.frozen(eq=False)
class TaskType:
    """One type of task.

    Attributes:
        name: The last part of the path of its submit, e.g. `"upload-paint"`.
        typical_run: The published range of run times, in seconds.
        makes: What the output holds.
        params: The parameters of a submit.
        points: What a job costs, in points: as seen in the API's answers for diffusion, variation,
            upscale, retexture and video-diffusion; the others are guesses from similar tasks.
        needs_draft: Whether `jobId` must name a job whose prompt has `--draft`.
    """

    name: str
    typical_run: tuple[float, float]
    makes: Makes
    params: Params
    points: int = 120
    needs_draft: bool = False


_PROMPT: Final = prompt()
_IMAGE_URL: Final = url(1024)
_CHOICE: Final = integer(0, 3)
_SWITCH: Final = integer(0, 1)
_JOB: Final[Fields] = {"jobId": text(1, 256)}
_IMAGE: Final[Fields] = {**_JOB, "imageNo": _CHOICE}
_VIDEO: Final[Fields] = {**_JOB, "videoNo": _CHOICE}
_REMIX: Final[Fields] = {"remixPrompt": _PROMPT}
_PLACE: Final[Fields] = {
    "canvas": object_of({"width": any_integer(), "height": any_integer()}),
    "imgPos": object_of({name: any_integer() for name in ("width", "height", "x", "y")}),
}
_SIDE: Final = integer(500, 4096)
_AREAS: Final = list_of(object_of({"width": _SIDE, "height": _SIDE, "points": polygon()}), 1)
_MASK: Final = mask(_AREAS, url())
_RATIO: Final = one_of("2:3", "1:1", "3:2")
_TO_VIDEO: Final[Fields] = {"videoType": _SWITCH}

_ALL = (
    TaskType("diffusion", (30, 90), Makes.GRID, Params({"text": _PROMPT}), points=80),
    TaskType("variation", (60, 90), Makes.IMAGE, Params({**_IMAGE, "type": _SWITCH}, _REMIX)),
    TaskType("upscale", (90, 120), Makes.IMAGE, Params({**_IMAGE, "type": _SWITCH})),
    TaskType("reroll", (60, 90), Makes.GRID, Params(_JOB), points=80),
    TaskType(
        "blend",
        (60, 90),
        Makes.GRID,
        Params({"imgUrls": list_of(url(), 2, 5), "aspect_ratio": _RATIO}),
        points=80,
    ),
    TaskType("describe", (30, 60), Makes.TEXT, Params({"imgUrl": url()}), points=20),
    TaskType("shorten", (20, 40), Makes.TEXT, Params({"prompt": _PROMPT}), points=20),
    TaskType(
        "pan",
        (90, 120),
        Makes.IMAGE,
        Params({**_IMAGE, "direction": _CHOICE, "scale": number(1.1, 3.0)}, _REMIX),
    ),
    TaskType(
        "outpaint", (90, 120), Makes.IMAGE, Params({**_IMAGE, "scale": number(1.1, 2.0)}, _REMIX)
    ),
    TaskType("inpaint", (90, 120), Makes.IMAGE, Params({**_IMAGE, "mask": png_or(_MASK)}, _REMIX)),
    TaskType("remix", (90, 120), Makes.IMAGE, Params({**_IMAGE, **_REMIX}, {"mode": _SWITCH})),
    TaskType(
        "edit", (90, 120), Makes.IMAGE, Params({**_IMAGE, **_PLACE, **_REMIX}, {"mask": _MASK})
    ),
    TaskType(
        "upload-paint",
        (90, 120),
        Makes.IMAGE,
        Params({"imgUrl": _IMAGE_URL, **_PLACE, **_REMIX, "mask": _MASK}),
    ),
    # No run times are published for the next three; these are guesses.
    TaskType("retexture", (60, 120), Makes.IMAGE, Params({"imgUrl": _IMAGE_URL, **_REMIX})),
    TaskType("remove-background", (20, 60), Makes.IMAGE, Params({"imgUrl": _IMAGE_URL}), points=20),
    TaskType("enhance", (60, 120), Makes.IMAGE, Params(_IMAGE), needs_draft=True),
    # From a prompt, or from an image of another job.
    TaskType(
        "video-diffusion",
        (180, 300),
        Makes.VIDEOS,
        Params(
            {"prompt": _PROMPT},
            _TO_VIDEO,
            with_job=Params(_IMAGE, {"prompt": _PROMPT, **_TO_VIDEO}),
        ),
        points=480,
    ),
    TaskType(
        "extend-video", (180, 300), Makes.VIDEOS, Params(_VIDEO, {"prompt": _PROMPT}), points=480
    ),
    TaskType("video-upscale", (240, 360), Makes.VIDEO, Params(_VIDEO), points=480),
)

TASKS: Final[Mapping[str, TaskType]] = MappingProxyType({task.name: task for task in _ALL})
"""Every task type by its name."""


def task_named(name: str) -> TaskType:
    """Look up a task type.

    Raises:
        ValueError: There is no task type of this name.
    """
    try:
        return TASKS[name]
    except KeyError:
        raise ValueError(f"no task type {name!r}; there are {', '.join(TASKS)}") from None
