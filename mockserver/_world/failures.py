"""What jobs fail of, and how often: when they are submitted, of moderation, on the way, too late."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from mockserver._world.durations import Run
from mockserver._world.scripts import FAILURES, Failure
from mockserver._world.tasks import task_named

if TYPE_CHECKING:
    from mockserver._world.randomness import Draws

Mode: TypeAlias = Literal["submit", "moderation", "processing", "timeout"]
"""How a job fails: straight from pending, without a slot; while it is processed, by the moderator
or of itself; or by never coming to an end until the service gives it up."""

REASONS: Final[Mapping[Mode, Failure]] = MappingProxyType(
    {
        "submit": FAILURES[3],
        "moderation": FAILURES[2],
        "processing": FAILURES[0],
        "timeout": FAILURES[1],
    }
)
"""What the `error` object says of each mode."""


def _is_probability(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} must be a probability, from 0 to 1, not {value}")


def _are_seconds(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a number of seconds, 0 or more, not {value}")


def _are_types(_instance: object, _attribute: object, by_type: Mapping[str, Failures]) -> None:
    for name, failures in by_type.items():
        task_named(name)
        if failures.by_type:
            raise ValueError(f"the failures of {name} can't depend on the type once more")


@attrs.frozen
class Failures:
    """The probabilities with which jobs fail, by mode.

    They exclude each other, so that their sum is the share of jobs that fail.

    Attributes:
        submit: Of failing straight from pending, without ever having a slot.
        moderation: Of being stopped by the moderator, somewhere on the way.
        processing: Of failing of itself, somewhere on the way.
        timeout: Of being processed for `timeout_seconds`, and then given up.
        timeout_seconds: How long that is, in seconds.
        by_type: The failures of the task types named here, instead of the above.

    Raises:
        ValueError: A probability outside 0 to 1, a sum above 1, or no such task type.
    """

    submit: float = attrs.field(default=0.0, validator=_is_probability)
    moderation: float = attrs.field(default=0.0, validator=_is_probability)
    processing: float = attrs.field(default=0.0, validator=_is_probability)
    timeout: float = attrs.field(default=0.0, validator=_is_probability)
    timeout_seconds: float = attrs.field(default=600.0, validator=_are_seconds)
    by_type: Mapping[str, Failures] = attrs.field(factory=dict, validator=_are_types)

    def __attrs_post_init__(self) -> None:
        # A little above 1 is what the rounding of a sum may give.
        if self.share > 1 + 1e-9:
            raise ValueError(f"the probabilities of failing must sum up to at most 1: {self.share}")

    @property
    def share(self) -> float:
        """The share of jobs that fail, for types that aren't named in `by_type`."""
        return self.submit + self.moderation + self.processing + self.timeout

    def mode(self, task_type: str, draws: Draws) -> Mode | None:
        """How this job fails, or None if it doesn't; the same however often it is asked."""
        chances = self._of(task_type)
        if not chances.share:
            return None  # Without a draw, which isn't for nothing.
        left = draws.uniform("fails")
        ways: tuple[tuple[Mode, float], ...] = (
            ("submit", chances.submit),
            ("moderation", chances.moderation),
            ("processing", chances.processing),
            ("timeout", chances.timeout),
        )
        for mode, probability in ways:
            if left < probability:
                return mode
            left -= probability
        return None

    def strikes_on_submit(self, task_type: str, draws: Draws) -> bool:
        """Whether this job fails straight from pending."""
        return self._of(task_type).submit > 0 and self.mode(task_type, draws) == "submit"

    def decide(self, task_type: str, seconds: float, draws: Draws) -> Run:
        """How a run goes that would take so many seconds to complete."""
        mode = self.mode(task_type, draws)
        if mode is None:
            return Run(seconds)
        if mode == "timeout":
            return Run(self._of(task_type).timeout_seconds, REASONS[mode])
        return Run(seconds * draws.uniform("fails after"), REASONS[mode])

    def _of(self, task_type: str) -> Failures:
        return self.by_type.get(task_type, self)


@attrs.frozen
class AnyFailure:
    """A share of jobs fails, each of anything, somewhere on the way.

    Attributes:
        share: The share, from 0 to 1.
    """

    share: float

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"failure_share must be from 0 to 1, not {self.share}")

    def strikes_on_submit(self, task_type: str, draws: Draws) -> bool:  # noqa: ARG002 - as `Failures`
        """Never: it is decided when the job is processed."""
        return False

    def decide(self, task_type: str, seconds: float, draws: Draws) -> Run:  # noqa: ARG002 - as `Failures`
        """How a run goes that would take so many seconds to complete."""
        if not self.share or draws.uniform("fails") >= self.share:
            return Run(seconds)
        failure = FAILURES[int(draws.uniform("fails of") * len(FAILURES))]
        return Run(seconds * draws.uniform("fails after"), failure)
