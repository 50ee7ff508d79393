"""The learned run times of all task types, each begun from its published range."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from legnext_stream._core.schedule.runtimes import RunTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The typical run of each task type, seconds: published, or, for retexture, remove-background and
#: enhance, which have no published range, guessed from their likes.
PUBLISHED: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "diffusion": (30.0, 90.0),
        "variation": (60.0, 90.0),
        "upscale": (90.0, 120.0),
        "reroll": (60.0, 90.0),
        "blend": (60.0, 90.0),
        "describe": (30.0, 60.0),
        "shorten": (20.0, 40.0),
        "pan": (90.0, 120.0),
        "outpaint": (90.0, 120.0),
        "inpaint": (90.0, 120.0),
        "remix": (90.0, 120.0),
        "edit": (90.0, 120.0),
        "upload-paint": (90.0, 120.0),
        "retexture": (60.0, 120.0),
        "remove-background": (20.0, 60.0),
        "enhance": (60.0, 120.0),
        "video-diffusion": (180.0, 300.0),
        "extend-video": (180.0, 300.0),
        "video-upscale": (240.0, 360.0),
    }
)

#: The name under which all task types that this version doesn't know are learned together.
OTHER: Final = "other"
_OTHER_RANGE: Final = (20.0, 360.0)


class Durations:
    """The run times of every task type met so far.

    Memory is bounded whatever the API sends: unknown types share one ``RunTimes``.

    Attributes:
        together: The run times of all types as if they were one.

    Args:
        memory: how many ended jobs of a type it takes for an observation's weight to fall to 1/e.
    """

    __slots__ = ("_memory", "_types", "together")

    def __init__(self, *, memory: float = 80.0) -> None:
        self._memory = memory
        self._types: dict[str, RunTimes] = {}
        # For a job whose type isn't known yet: it may be any of those that are about.
        self.together: RunTimes = RunTimes(*_OTHER_RANGE, memory=memory)

    def of(self, task_type: str | None) -> RunTimes:
        """The run times of a task type, spelled with ``-`` or ``_``; None is unknown."""
        # Most are asked for by the name under which they are kept.
        found = self._types.get(task_type) if task_type is not None else None
        if found is not None:
            return found
        name = _known_name(task_type)
        found = self._types.get(name)
        if found is None:
            low, high = PUBLISHED.get(name, _OTHER_RANGE)
            found = self._types[name] = RunTimes(low, high, memory=self._memory)
        return found

    def __iter__(self) -> Iterator[tuple[str, RunTimes]]:
        """The types met so far and their run times."""
        return iter(self._types.items())

    def state(self) -> dict[str, Any]:
        """What has been learned, as plain data that JSON can hold."""
        return {name: run_times.state() for name, run_times in self._types.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, memory: float = 80.0) -> Durations:
        """Take up again what ``state`` gave; types that this version doesn't know are dropped.

        Raises:
            ValueError: this isn't such a state, or one of another version.
        """
        made = cls(memory=memory)
        made.remember(state)
        return made

    def remember(self, state: Mapping[str, Any]) -> None:
        """Take up what ``state`` gave, for the types of which nothing has been learned yet.

        Raises:
            ValueError: this isn't such a state, or one of another version; nothing was taken up.
        """
        learned = {
            name: RunTimes.from_state(kept)
            for name, kept in state.items()
            if name in PUBLISHED or name == OTHER
        }
        for name, run_times in learned.items():
            if name not in self._types or not self._types[name].ended_jobs:
                self._types[name] = run_times


def _known_name(task_type: str | None) -> str:
    name = (task_type or "").lower().replace("_", "-")
    return name if name in PUBLISHED else OTHER
