"""How long to wait before a single request is repeated."""

from __future__ import annotations

from legnext_stream._core.jitter import jitter

_FIRST = 0.5
_LONGEST = 15.0


def backoff(attempt: int, key: str) -> float:
    """How long to wait after an attempt that failed, seconds.

    It is exponential with full jitter, above a small floor.

    Args:
        attempt: 1 for the first.
        key: What the jitter is drawn from.
    """
    longest = min(_FIRST * 2.0 ** min(attempt - 1, 16), _LONGEST)
    return _FIRST / 2 + longest * jitter(key, attempt)
