"""Limits on requests, of every kind."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeAlias

from hypothesis import strategies as st

from mockserver._world import (
    Concurrency,
    FixedWindow,
    LeakyBucket,
    Scheduled,
    SlidingWindow,
    TokenBucket,
)
from mockserver.strategies._lives import seconds

SteadyLimit: TypeAlias = TokenBucket | LeakyBucket | SlidingWindow | FixedWindow | Concurrency
"""Every kind of limit that stays as it is."""
AnyLimit: TypeAlias = SteadyLimit | Scheduled
"""Every kind of limit."""

# Requests a second: from one in ten seconds, which a patient client lives with, to more than most
# ask for; the usual first.
_RATES = (10.0, 100.0, 1.0, 0.5, 0.1)
_WINDOWS = (1.0, 10.0, 60.0)
_MOST = 50


def _steady() -> st.SearchStrategy[SteadyLimit]:
    rates = st.sampled_from(_RATES)
    counts = st.integers(1, _MOST)
    windows = st.sampled_from(_WINDOWS)
    return st.one_of(
        st.builds(TokenBucket, rates, counts),
        st.builds(LeakyBucket, rates, counts),
        st.builds(SlidingWindow, counts, windows),
        st.builds(FixedWindow, counts, windows),
        st.builds(Concurrency, counts, st.sampled_from((1.0, 0.0, 10.0))),
    )


def _one_after_the_other(lasting: Sequence[tuple[float, SteadyLimit]]) -> Scheduled:
    begins = itertools.accumulate((seconds for seconds, _ in lasting[:-1]), initial=0.0)
    return Scheduled(zip(begins, (limit for _, limit in lasting), strict=True))


def limits(*, changing: bool = True) -> st.SearchStrategy[AnyLimit]:
    """Limits on rates, in windows, on requests under way, and such as change with time.

    None of them stops a client for ever that waits when it is told to. They shrink towards
    `TokenBucket(rate=10.0, burst=1)`.

    Args:
        changing: Whether there are some among them that change.
    """
    steady = _steady()
    if not changing:
        return steady
    lasting = st.tuples(seconds(shortest=1.0), steady)
    return steady | st.lists(lasting, min_size=2, max_size=3).map(_one_after_the_other)
