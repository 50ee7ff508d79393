"""The retry budget: retries may be a small share of requests, and no more."""

from __future__ import annotations

from msgspec import Struct

SHARE = 0.1
"""Retries allowed for each first request."""

DEPTH = 10.0
"""Retries that may be saved up, so that a short trouble after a long calm can be ridden out."""


class RetryBudget(Struct):
    """A bucket that each request fills by a tenth and each retry empties by one.

    After `n` requests (retries among them) at most `DEPTH + SHARE * n` retries were allowed.
    The scheme is Finagle's (retry budgets) and botocore's (retry quota).
    """

    _tokens: float = DEPTH

    def earn(self) -> None:
        """Count a request."""
        tokens = self._tokens + SHARE
        self._tokens = tokens if tokens < DEPTH else DEPTH

    def spend(self) -> bool:
        """Take a retry from the budget, if there is one."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
