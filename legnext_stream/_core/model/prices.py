"""What prompts cost, in points, before they are submitted.

The API publishes no prices. These were seen in its answers, or are guesses from similar tasks; what a
job really costs is in its `usage`. They can change, so they are estimates, all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from legnext_stream._core.model.prompts import Prompt, fields_of
from legnext_stream._core.model.tasks import TaskType

_SEEN: Final[Mapping[TaskType, int]] = {
    TaskType.DIFFUSION: 80,
    TaskType.VARIATION: 120,
    TaskType.UPSCALE: 120,
    TaskType.RETEXTURE: 120,
    TaskType.VIDEO_DIFFUSION: 480,
}
# What a value of a field makes of a price; seen, too.
_DEARER: Final[Mapping[tuple[TaskType, str, object], int]] = {
    (TaskType.UPSCALE, "type", 1): 160,
    (TaskType.VIDEO_DIFFUSION, "videoType", 1): 1536,
}
_GUESSED: Final[Mapping[TaskType, int]] = {
    TaskType.REROLL: 80,
    TaskType.BLEND: 80,
    TaskType.DESCRIBE: 20,
    TaskType.SHORTEN: 20,
    TaskType.REMOVE_BACKGROUND: 20,
    TaskType.EXTEND_VIDEO: 480,
    TaskType.VIDEO_UPSCALE: 480,
}
_OTHERWISE: Final = 120
# Seen for diffusion: 160 instead of 80. Some keyboards make a long dash of two hyphens.
_TURBO: Final = re.compile(r"(?:--|—)turbo\b", re.IGNORECASE)


@attrs.frozen
class Price:
    """What a job costs, as far as is known before its submit."""

    points: float
    is_guess: bool  # whether not even one price of this task was ever seen


def price_of(prompt: Prompt[Any]) -> Price:
    """The price of a prompt."""
    task_type = TaskType(prompt.task_type)
    seen = _SEEN.get(task_type)
    points = _GUESSED.get(task_type, _OTHERWISE) if seen is None else seen
    fields = fields_of(prompt)
    for (dearer, field, value), price in _DEARER.items():
        if task_type is dearer and fields.get(field) == value:
            points = price
    if _TURBO.search(prompt.text):
        points *= 2
    return Price(points, is_guess=seen is None)


class Budget:
    """What a batch may spend on jobs, in points. A job that fails counts too, as if nothing came back.

    The first submit of each kind goes alone, so that all further ones are counted at its real price.
    """

    def __init__(self, most: float) -> None:
        self.spent: float = 0.0  # what was spent, and what is reserved for submits under way
        self.most: float = most
        self._paid: dict[tuple[str, Price], float] = {}  # the last real price of each kind
        # The kinds whose first submit is under way, and how many submits are.
        self._asking: set[tuple[str, Price]] = set()
        self._under_way = 0

    def must_wait(self, prompt: Prompt[Any]) -> bool:
        """Whether a submit under way may change whether there is enough left for this one."""
        kind = _kind(prompt)
        return kind in self._asking or (self._under_way > 0 and not self._has_room(kind))

    def reserve(self, prompt: Prompt[Any]) -> float | None:
        """Reserve the points for a submit, and return them; None if they are more than is left."""
        kind = _kind(prompt)
        if not self._has_room(kind):
            return None
        points = self._price(kind)
        self.spent += points
        self._under_way += 1
        if kind not in self._paid:
            self._asking.add(kind)
        return points

    def settle(self, prompt: Prompt[Any], reserved: float, cost: float) -> None:
        """A submit has ended: it has made a job at this cost (0 if the API doesn't say), or perhaps one."""
        kind = _kind(prompt)
        self._ended(kind)
        if cost > 0:
            self._paid[kind] = cost
            self.spent += cost - reserved

    def give_back(self, prompt: Prompt[Any], reserved: float) -> None:
        """A submit has surely made no job."""
        self._ended(_kind(prompt))
        self.spent -= reserved

    def _price(self, kind: tuple[str, Price]) -> float:
        return self._paid.get(kind, kind[1].points)

    def _has_room(self, kind: tuple[str, Price]) -> bool:
        return self.spent + self._price(kind) <= self.most

    def _ended(self, kind: tuple[str, Price]) -> None:
        self._under_way -= 1
        self._asking.discard(kind)


def _kind(prompt: Prompt[Any]) -> tuple[str, Price]:
    return str(prompt.task_type), price_of(prompt)
