"""The pacer's vocabulary: what a request was, how it went, and why the next one waits."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from legnext_stream._core.pace.hints import Hints


class RequestKind(enum.Enum):
    """What a request does. Each kind has a limit of its own, learned separately."""

    STATUS = "status"
    SUBMIT = "submit"


class Outcome(enum.Enum):
    """How a request went, as far as pace is concerned."""

    ANSWERED = "answered"  # any answer that is no limit, errors included
    LIMITED = "limited"  # 429
    OVERLOADED = "overloaded"  # 503
    FAILED = "failed"  # no answer: a timeout, a broken connection


class Why(enum.Enum):
    """What decides when the next request may start."""

    FREE = "free"  # at the highest rate we ever go, or no limit met yet
    STARTING = "starting"  # climbing from the initial rate, no limit met yet
    HINT = "limited by hint"  # spread over what the service says remains
    HOLDING = "holding"  # just below the learned ceiling
    PROBING = "probing"  # looking for room beyond the ceiling
    RECOVERING = "recovering"  # on the way back to the ceiling after a refusal
    BACKING_OFF = "backing off"  # refused repeatedly: single feelers only
    PAUSED = "paused"  # a Retry-After, or nothing remains of the quota
    IN_FLIGHT = "in-flight"  # as many requests are under way as may be


class Signal(msgspec.Struct, frozen=True):
    """The outcome of one request. A struct, like `Reply`, since each request makes one.

    Attributes:
        outcome: how it went.
        hints: what the answer's headers said of limits; None without an answer.
        sent_at: the `now` that was given to `Pacer.start`, seconds.
        latency: seconds from start to outcome.
    """

    outcome: Outcome
    hints: Hints | None
    sent_at: float
    latency: float
