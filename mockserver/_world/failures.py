"""Why jobs fail, and how often: on submit, by moderation, during processing, by a timeout."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from mockserver._world.checks import is_seconds, is_share
from mockserver._world.durations import Run, RunTimes, Start
from mockserver._world.randomness import Draws
from mockserver._world.scripts import FAILURES, Failure
from mockserver._world.tasks import task_named

Mode: TypeAlias = Literal["submit", "moderation", "processing", "timeout"]
"""How a job fails: straight from pending, without a slot; during processing, stopped by the
moderator or by an error; or by never ending, until the service gives it up."""

REASONS: Final[Mapping[Mode, Failure]] = MappingProxyType(
    {
        "submit": FAILURES[3],
        "moderation": FAILURES[2],
        "processing": FAILURES[0],
        "timeout": FAILURES[1],
    }
)
"""The `error` object of each mode."""


def _are_types(_instance: object, _attribute: object, by_type: Mapping[str, Failures]) -> None:
    for name, failures in by_type.items():
        task_named(name)
        if failures.by_type:
            raise ValueError(f"the failures of {name} can't depend on the type once more")


@attrs.frozen
class Failures:
    """The probabilities with which jobs fail, by mode.

    The modes exclude each other, so the sum of the probabilities is the share of jobs that fail.

    Attributes:
        submit: The probability of failing straight from pending, without ever having a slot.
        moderation: The probability of being stopped by the moderator during processing.
        processing: The probability of an error during processing.
        timeout: The probability of being processed for `timeout_seconds`, and then given up.
        timeout_seconds: How long that is, in seconds.
        by_type: The failures of the task types named here, instead of the above.

    Raises:
        ValueError: A probability outside 0 to 1, a sum above 1, or no such task type.
    """

    submit: float = attrs.field(default=0.0, validator=is_share)
    moderation: float = attrs.field(default=0.0, validator=is_share)
    processing: float = attrs.field(default=0.0, validator=is_share)
    timeout: float = attrs.field(default=0.0, validator=is_share)
    timeout_seconds: float = attrs.field(default=600.0, validator=is_seconds)
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
            return None  # A draw would cost time.
        left = draws.uniform("fails")
        for mode in REASONS:
            probability: float = getattr(chances, mode)
            if left < probability:
                return mode
            left -= probability
        return None

    def strikes_on_submit(self, task_type: str, draws: Draws) -> bool:
        """Whether this job fails straight from pending."""
        return self._of(task_type).submit > 0 and self.mode(task_type, draws) == "submit"

    def decide(self, task_type: str, seconds: float, draws: Draws) -> Run:
        """The run of a job that would complete after `seconds`."""
        mode = self.mode(task_type, draws)
        if mode is None:
            return Run(seconds)
        if mode == "timeout":
            return Run(self._of(task_type).timeout_seconds, REASONS[mode])
        return Run(seconds * draws.uniform("fails after"), REASONS[mode])

    def _of(self, task_type: str) -> Failures:
        return self.by_type.get(task_type, self)


def some_fail(run_times: RunTimes, failure_share: float) -> RunTimes:
    """Run times with which a share of jobs fails during processing, each for any of the reasons."""
    if not 0 <= failure_share <= 1:
        raise ValueError(f"failure_share must be from 0 to 1, not {failure_share}")

    def run(start: Start) -> Run:
        given, draws = run_times(start), start.draws
        if isinstance(given, Run):
            return given
        if not failure_share or draws.uniform("fails") >= failure_share:
            return Run(given)
        failure = FAILURES[int(draws.uniform("fails of") * len(FAILURES))]
        return Run(given * draws.uniform("fails after"), failure)

    return run
