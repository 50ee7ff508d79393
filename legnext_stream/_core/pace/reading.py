"""What an answer of any kind says about limits, for the pacer."""

from __future__ import annotations

from legnext_stream._core.answers import Answer, NoReply
from legnext_stream._core.pace.hints import parse_hints
from legnext_stream._core.pace.signals import Outcome, Signal

_OUTCOMES = {429: Outcome.LIMITED, 503: Outcome.OVERLOADED}


def signal_of(answer: Answer, *, limited: bool = False) -> Signal:
    """Reduce an answer to what the pacer learns from.

    Args:
        answer: The answer.
        limited: Whether its body says that there were too many requests, whatever its status is.
    """
    latency = answer.received_at - answer.sent_at
    if isinstance(answer, NoReply):
        return Signal(Outcome.FAILED, None, answer.sent_at, latency)
    outcome = Outcome.LIMITED if limited else _OUTCOMES.get(answer.status_code, Outcome.ANSWERED)
    hints = parse_hints(answer.headers, answer.wall_time)
    return Signal(outcome, hints, answer.sent_at, latency)
