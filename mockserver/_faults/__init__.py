"""What can go wrong between a client and the API, as values; and the rules for when it happens.

All of this is pure: `mockserver._serving.applied_faults` carries it out on answers,
`mockserver._serving.network` on connections. The kinds of faults are in `http`, `state` and
`connection`; to add one, see `fault`.
"""

from typing import Final

from mockserver._faults.connection import CONNECTION_FAULTS
from mockserver._faults.fault import CONNECTION, Connection, ConnectionFault, Fault
from mockserver._faults.http import HTTP_FAULTS
from mockserver._faults.matching import When
from mockserver._faults.rules import NOTHING, Faults, Rule, plan_for
from mockserver._faults.state import STATE_FAULTS

FAULTS: Final = (*HTTP_FAULTS, *STATE_FAULTS, *CONNECTION_FAULTS)
"""All kinds of faults."""

__all__ = [
    "CONNECTION",
    "CONNECTION_FAULTS",
    "FAULTS",
    "HTTP_FAULTS",
    "NOTHING",
    "STATE_FAULTS",
    "Connection",
    "ConnectionFault",
    "Fault",
    "Faults",
    "Rule",
    "When",
    "plan_for",
]
