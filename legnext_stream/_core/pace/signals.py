"""The pacer's vocabulary: the kinds of requests, how one went, and why the next one waits."""

from __future__ import annotations

import enum

import msgspec

from legnext_stream._core.pace.hints import Hints


class RequestKind(enum.Enum):
    """What a request does. Each kind has a limit of its own, which is learned separately."""

    STATUS = "status"
    SUBMIT = "submit"


class Outcome(enum.Enum):
    """How a request went, as far as the pace is concerned."""

    ANSWERED = "answered"  # any answer that is not about limits, errors included
    LIMITED = "limited"  # too many requests
    OVERLOADED = "overloaded"  # the service can't keep up
    FAILED = "failed"  # no answer: a timeout, a broken connection


class Why(enum.Enum):
    """What decides when the next request may start."""

    FREE = "free"  # at the maximum rate, no limit met yet
    STARTING = "starting"  # climbing from the initial rate, no limit met yet
    HINT = "limited by hint"  # spread over what remains by the service's own word
    HOLDING = "holding"  # just below the learned ceiling
    PROBING = "probing"  # trying rates above the ceiling
    RECOVERING = "recovering"  # on the way back to the ceiling after a refusal
    BACKING_OFF = "backing off"  # refused repeatedly: only single trial requests
    PAUSED = "paused"  # a Retry-After, or nothing remains of the quota
    TROUBLED = "troubled"  # several requests in a row got no answer
    IN_FLIGHT = "in-flight"  # as many requests are in flight as may be


class Signal(msgspec.Struct, frozen=True):
    """How one request went."""

    outcome: Outcome
    hints: Hints | None  # what the answer's headers said about limits; None without an answer
    sent_at: float  # the `now` that was given to `Pacer.start`, in seconds
    latency: float  # the time from start to outcome, in seconds
