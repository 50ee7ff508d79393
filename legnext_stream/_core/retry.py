"""Whether and when to repeat a single request (not a poll: those the schedule repeats)."""

from __future__ import annotations

from legnext_stream._core.answers import Answer, NoReply
from legnext_stream._core.jitter import jitter

_FIRST = 0.5
_LONGEST = 15.0
_AGAIN = frozenset({408, 429}) | frozenset(range(500, 600))


def retry_wait(answer: Answer, attempt: int, *, is_safe: bool, key: str) -> float | None:
    """How long to wait before repeating a request, seconds; None if it must not be repeated.

    Args:
        answer: What came of it.
        attempt: 1 for the first.
        is_safe: Whether a repetition can do no harm. A submit is not safe: it is repeated only if it
            surely never arrived, or was refused for the rate's sake.
        key: What the jitter is drawn from.
    """
    if isinstance(answer, NoReply):
        again = is_safe or not answer.was_sent
    else:
        again = answer.status_code in _AGAIN if is_safe else answer.status_code == 429
    if not again:
        return None
    return backoff(attempt, key)


def backoff(attempt: int, key: str) -> float:
    """How long to wait after an attempt that failed, seconds.

    It is exponential with full jitter, above a small floor.

    Args:
        attempt: 1 for the first.
        key: What the jitter is drawn from.
    """
    longest = min(_FIRST * 2.0 ** min(attempt - 1, 16), _LONGEST)
    return _FIRST / 2 + longest * jitter(key, attempt)
