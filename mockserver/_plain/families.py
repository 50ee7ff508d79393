"""Which classes a setting may be of, where it may be of several, and what each is called."""

from __future__ import annotations

import re
from typing import Final

from mockserver._faults import FAULTS
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
}
"""What stands in an annotation for any of several classes, and these."""
KINDS: Final[frozenset[type]] = frozenset(FAULTS).union(*FAMILIES.values())
"""The classes that say their kind. Those of faults are all in one union, which needs no family."""


def kind_of(cls: type) -> str:
    """What a class is called in plain data, e.g. `"token-bucket"`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
