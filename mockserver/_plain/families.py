"""The classes that a setting may be of, where it may be of several."""

from __future__ import annotations

from typing import Final

from mockserver._faults import FAULTS, Fault
from mockserver._world import (
    Concurrency,
    Distribution,
    Empirical,
    Fixed,
    FixedWindow,
    LeakyBucket,
    Limit,
    Lognormal,
    PerType,
    RunTimes,
    Scheduled,
    SlidingWindow,
    TokenBucket,
    Uniform,
    Unlimited,
)

_DISTRIBUTIONS: Final = (Fixed, Uniform, Lognormal, Empirical)
FAMILIES: Final[dict[object, tuple[type, ...]]] = {
    Distribution: _DISTRIBUTIONS,
    RunTimes: (*_DISTRIBUTIONS, PerType),
    Limit: (
        TokenBucket,
        LeakyBucket,
        FixedWindow,
        SlidingWindow,
        Concurrency,
        Scheduled,
        Unlimited,
    ),
    Fault: FAULTS,
}
"""The annotations that stand for any of several classes, and these classes."""

KINDS: Final[frozenset[type]] = frozenset[type]().union(*FAMILIES.values())
"""The classes whose plain data says their kind."""
