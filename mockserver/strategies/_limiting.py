"""Limits on requests, of every kind."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import strategies as st

from mockserver._world.kinds import kinds_of
from mockserver._world.limits import Limit, Scheduled, Unlimited
from mockserver.strategies._deriving import drawn
from mockserver.strategies._lives import seconds


def _one_after_the_other(lasting: Sequence[tuple[float, Limit]]) -> Scheduled:
    begins = itertools.accumulate((seconds for seconds, _ in lasting[:-1]), initial=0.0)
    return Scheduled(zip(begins, (limit for _, limit in lasting), strict=True))


def limits(*, changing: bool = True) -> st.SearchStrategy[Limit]:
    """Returns a strategy which generates limits on requests, of every kind.

    A client that waits as it is told gets through all of them.

    Examples from this strategy shrink towards `TokenBucket(rate=10.0, burst=1)`.

    Args:
        changing: Whether to include limits that change with time.
    """
    kinds = (kind for kind in kinds_of(Limit) if kind not in {Scheduled, Unlimited})
    steady: st.SearchStrategy[Limit] = st.one_of([drawn(kind) for kind in kinds])
    if not changing:
        return steady
    lasting = st.tuples(seconds(shortest=1.0), steady)
    return steady | st.lists(lasting, min_size=2, max_size=3).map(_one_after_the_other)
