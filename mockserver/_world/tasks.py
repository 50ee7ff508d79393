"""The 19 task types: how long each typically runs, and what it makes."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


class Makes(enum.Enum):
    """What a finished task has in its `output`."""

    GRID = "four images and the grid of them"
    IMAGE = "one image"
    VIDEOS = "four videos"
    VIDEO = "one video"
    TEXT = "prompts"


@attrs.frozen
class TaskType:
    """One kind of task.

    Attributes:
        name: As it stands in the path of the submit, e.g. `"upload-paint"`.
        typical_run: The published range of run times, in seconds.
        makes: What the output holds.
        points: What a job of this type costs, in points.
    """

    name: str
    typical_run: tuple[float, float]
    makes: Makes
    points: int = 80


_ALL = (
    TaskType("diffusion", (30, 90), Makes.GRID),
    TaskType("variation", (60, 90), Makes.IMAGE),
    TaskType("upscale", (90, 120), Makes.IMAGE, points=40),
    TaskType("reroll", (60, 90), Makes.GRID),
    TaskType("blend", (60, 90), Makes.GRID),
    TaskType("describe", (30, 60), Makes.TEXT, points=20),
    TaskType("shorten", (20, 40), Makes.TEXT, points=20),
    TaskType("pan", (90, 120), Makes.IMAGE),
    TaskType("outpaint", (90, 120), Makes.IMAGE),
    TaskType("inpaint", (90, 120), Makes.IMAGE),
    TaskType("remix", (90, 120), Makes.IMAGE),
    TaskType("edit", (90, 120), Makes.IMAGE),
    TaskType("upload-paint", (90, 120), Makes.IMAGE),
    # No range is published for the next three; these are what is seen.
    TaskType("retexture", (60, 120), Makes.IMAGE),
    TaskType("remove-background", (20, 60), Makes.IMAGE, points=20),
    TaskType("enhance", (60, 120), Makes.IMAGE),
    TaskType("video-diffusion", (180, 300), Makes.VIDEOS, points=480),
    TaskType("extend-video", (180, 300), Makes.VIDEOS, points=480),
    TaskType("video-upscale", (240, 360), Makes.VIDEO, points=480),
)

TASKS: Final[Mapping[str, TaskType]] = MappingProxyType({task.name: task for task in _ALL})
"""Every task type by its name."""


def task_named(name: str) -> TaskType:
    """Look up a task type.

    Raises:
        ValueError: There is no task of this name.
    """
    try:
        return TASKS[name]
    except KeyError:
        raise ValueError(f"no task type {name!r}; there are {', '.join(TASKS)}") from None
