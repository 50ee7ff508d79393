"""Chance that can be repeated: jitter drawn from what it is for, not from a generator's state.

Pollers that act in step knock on the door together. What spreads them need not be random, only
different for each job; drawn from the job's id it is the same in each run, so that a run can be
repeated to the byte.
"""

from __future__ import annotations

from zlib import crc32


def jitter(key: str, count: int) -> float:
    """A number in [0, 1), evenly spread over keys and counts, and always the same for the same two."""
    return crc32(f"{count} {key}".encode()) / 2**32
