"""The classes that a setting may be of, where it may be of several."""

from __future__ import annotations

from typing import Final

from mockserver._faults import FAULTS, Fault
from mockserver._world.durations import Distribution, Drawn, PerType, RunTimes
from mockserver._world.kinds import kinds_of
from mockserver._world.limits import Limit

FAMILIES: Final[dict[object, tuple[type, ...]]] = {
    Distribution: kinds_of(Drawn),
    RunTimes: (*kinds_of(Drawn), PerType),
    Limit: kinds_of(Limit),
    Fault: FAULTS,
}
"""The annotations that stand for any of several classes, and these classes."""

KINDS: Final[frozenset[type]] = frozenset[type]().union(*FAMILIES.values())
"""The classes whose plain data says their kind."""
