"""What happens to one request because of all the rules that it meets."""

from __future__ import annotations

from typing import Final

import attrs

from mockserver._faults.fault import ConnectionFault, Damages, Delays, Misleads, Replaces
from mockserver._faults.rules import Faults, Rule
from mockserver._world.routes import RequestFacts


@attrs.frozen
class Plan:
    """What happens to a request because of the rules that it meets.

    Delays add up. The first fault that replaces the answer does so, and the route never sees the
    request. The faults that mislead change the job that is reported, one after the other. The
    faults that damage change the answer, even if it is an error. The server carries out the rest.

    Attributes:
        names: The names of the rules.
        delay: How long it is held, in the world's seconds.
        replacement: What answers it in place of its route.
        misleading: The rules whose faults change the job that is reported.
        damages: What changes its answer.
        connection: What happens to the connection during the answer.
    """

    names: tuple[str, ...] = ()
    delay: float = 0.0
    replacement: Replaces | None = None
    misleading: tuple[Rule, ...] = ()
    damages: tuple[Damages, ...] = ()
    connection: tuple[ConnectionFault, ...] = ()


NOTHING: Final = Plan()
"""What happens to a request that meets no rule."""


def plan_for(faults: Faults, request: RequestFacts) -> Plan:
    """Choose the rules that a request meets, and what they do; call it once for each request."""
    rules = faults.choose(request)
    if not rules:
        return NOTHING
    delay = 0.0
    for rule in rules:
        if isinstance(rule.fault, Delays):
            delay += rule.fault.drawn(faults.draw(rule, "delay", request))
    met = [rule.fault for rule in rules]
    return Plan(
        names=tuple(rule.name for rule in rules),
        delay=delay,
        replacement=next((fault for fault in met if isinstance(fault, Replaces)), None),
        misleading=tuple(rule for rule in rules if isinstance(rule.fault, Misleads)),
        damages=tuple(fault for fault in met if isinstance(fault, Damages)),
        connection=tuple(fault for fault in met if isinstance(fault, ConnectionFault)),
    )
