"""Scripted lifecycles: what a job goes through, step by step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs

TERMINAL: Final = frozenset({"completed", "failed"})
"""The statuses after which a job never changes."""


@attrs.frozen
class Failure:
    """Why a job failed: its `error` object.

    Attributes:
        code: The error's number.
        message: The message for users.
        raw_message: The message of the service behind the API.
    """

    code: int
    message: str
    raw_message: str


FAILURES: Final = (
    Failure(500, "Task failed", "upstream worker terminated before the image was ready"),
    Failure(500, "Task failed", "upstream timed out"),
    Failure(403, "Prompt was rejected by moderation", "Sorry! Our AI moderator blocked the prompt"),
    Failure(400, "Invalid parameter", "Unrecognized parameter in prompt"),
)
"""The reasons for failures, unless a script has its own."""


@attrs.frozen
class Step:
    """One status and how long it lasts.

    A step with neither seconds nor polls holds the job until it is released (`World.release`).

    Attributes:
        status: Any word, documented or not.
        seconds: How long the job stays in it at most; infinite for no end.
        polls: After this many status requests the job leaves the status: the last of them still
            sees it, the next one sees what follows. None if requests don't matter.
    """

    status: str = attrs.field(validator=attrs.validators.min_len(1))
    seconds: float = attrs.field(default=math.inf, validator=attrs.validators.ge(0))
    polls: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )


StepLike: TypeAlias = Step | str | tuple[str, float | None]
"""A step, or one of its short forms: the bare status, or `(status, seconds)`."""


def _steps(given: Iterable[StepLike]) -> tuple[Step, ...]:
    return tuple(_step(step) for step in given)


def _step(given: object) -> Step:
    match given:
        case Step():
            return given
        case str():
            return Step(given)
        case (str() as status, None):
            return Step(status)
        case (str() as status, int() | float() as seconds):
            return Step(status, seconds)
        case _:
            raise TypeError(f"a step is a status, or a status and its seconds, not {given!r}")


def _is_a_life(_instance: object, _attribute: object, steps: tuple[Step, ...]) -> None:
    if not steps:
        raise ValueError("a script needs a step")
    for step in steps[:-1]:
        if step.status in TERMINAL:
            raise ValueError(f"nothing can follow {step}: it is terminal")
    if steps[-1].seconds != math.inf or steps[-1].polls is not None:
        raise ValueError(
            f"the last step lasts for ever (give it no seconds and no polls), unlike {steps[-1]}"
        )
    for before, after in itertools.pairwise(steps):
        if before.status == after.status:
            raise ValueError(f"{after.status!r} follows itself: make it one step")


@attrs.frozen
class Script:
    """A lifecycle, fixed in advance.

    The steps begin when the job is added. The last step lasts for ever. Any other step without
    seconds holds the job until it has been polled often enough, or is released.

        >>> Script([("pending", 2), ("processing", 30), "completed"]).seconds
        32.0
        >>> Script([Step("processing", polls=3), "completed"])  # Completed after three polls.
        >>> Script(["pending", "processing", "completed"])  # Each step waits for `release`.

    Attributes:
        steps: The steps, also in their short forms.
        takes_slot: Whether the job queues for a slot as other jobs do. It then stays pending until
            one is free, holds it until its end, and the steps after a first pending one begin at
            that moment. Otherwise the queue doesn't matter.
        failure: The `error` object, for a script that ends in `failed`.

    Raises:
        ValueError: There is no step, the last one doesn't last for ever, a terminal status isn't
            the last, or a status follows itself.
        TypeError: Something that isn't a step.
    """

    steps: tuple[Step, ...] = attrs.field(converter=_steps, validator=_is_a_life)
    takes_slot: bool = attrs.field(default=False, kw_only=True)
    failure: Failure = attrs.field(default=FAILURES[0], kw_only=True)

    @property
    def seconds(self) -> float:
        """The time until the last step, in seconds, if polls end no step earlier.

        Infinite if a step holds the job until it is released.
        """
        return math.fsum(step.seconds for step in self.steps[:-1])
