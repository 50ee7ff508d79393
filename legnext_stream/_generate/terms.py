"""How a batch is to be submitted."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from legnext_stream._core.model.jobs import TaskType
from legnext_stream._core.submitting import MOST_AT_ONCE

IfUnknown: TypeAlias = Literal["tell", "submit_again"]


@attrs.frozen(kw_only=True)
class Terms:
    """How a batch is to be submitted.

    Attributes:
        task_type: The kind of work that a mere text is for.
        callback: What is sent as `callback` with each prompt that has none, or None.
        timeout: How long a submit is tried again while it can't be sent, seconds; None for ever.
        at_once: Unfinished jobs at most.
        if_unknown: What becomes of a prompt whose submit was sent and not answered.
    """

    task_type: TaskType = TaskType.DIFFUSION
    callback: str | None = None
    timeout: float | None = 600.0
    at_once: int = MOST_AT_ONCE
    if_unknown: IfUnknown = "tell"
