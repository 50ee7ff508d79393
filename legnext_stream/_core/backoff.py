"""How long to wait after the n-th failure in a row, and how many retries may come early.

Waits grow exponentially and have "equal jitter" (Brooker, "Exponential Backoff and Jitter", AWS
Architecture Blog, 2015): half of a wait is fixed, the other half is random, so that clients which
failed together don't return together.

The randomness is a hash of what is waited for. It need not be unpredictable, only different for each
job; and with the same jobs a run can be repeated byte for byte.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from msgspec import Struct

SHARE = 0.1
"""Early retries allowed for each request."""

DEPTH = 10.0
"""Early retries that may be saved up, so that short trouble after a long calm is no problem."""


def jitter(key: str, count: int) -> float:
    """A number in [0, 1), evenly spread over keys and counts, and a function of the two."""
    return crc32(f"{count} {key}".encode()) / 2**32


class Backoff(Struct, frozen=True):
    """How one kind of request waits after failures."""

    # The upper bound of the first wait, in seconds. It doubles with each failure.
    first: float
    longest: float  # the upper bound of every wait, in seconds

    def wait(self, failures: int, key: str) -> float:
        """How long to wait after so many failures in a row, in seconds; the key sets the jitter."""
        bound = min(self.first * 2.0 ** min(failures - 1, 32), self.longest)
        return bound * (0.5 + 0.5 * jitter(key, failures))


POLLS: Final = Backoff(first=1.0, longest=30.0)
"""For status requests: there are many jobs to ask about meanwhile."""

REQUESTS: Final = Backoff(first=0.5, longest=10.0)
"""For submits, downloads and single requests: a caller waits for each of them."""


class RetryBudget(Struct):
    """A bucket that each request fills by `SHARE` of a token, and each early retry empties by one.

    After `n` requests at most `DEPTH + SHARE * n` early retries were allowed, so trouble at the API
    isn't made worse by them. The scheme is Finagle's (retry budgets) and botocore's (retry quota).
    """

    _tokens: float = DEPTH

    def earn(self) -> None:
        """Count a request."""
        tokens = self._tokens + SHARE
        self._tokens = tokens if tokens < DEPTH else DEPTH

    def spend(self) -> bool:
        """Take a retry from the budget; False if none is left."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
