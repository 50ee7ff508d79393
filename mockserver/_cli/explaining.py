"""The texts of `legnext-mock explain`, from the docstrings of the settings' classes."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from mockserver._api.hints import Hints
from mockserver._api.quirks import Quirks
from mockserver._faults import FAULTS, When
from mockserver._plain import kind_of
from mockserver._plain.families import FAMILIES
from mockserver._scenario import Jobs, Phase, Scenario
from mockserver._serving.webhooks import WebhookSettings
from mockserver._world.account import Account
from mockserver._world.durations import Distribution
from mockserver._world.failures import Failures
from mockserver._world.limit_rules import LimitRule
from mockserver._world.limits import Limit
from mockserver._world.scripts import Script, Step

Topic: TypeAlias = Literal[
    "faults",
    "limits",
    "run-times",
    "failures",
    "account",
    "quirks",
    "hints",
    "webhooks",
    "scenario",
]
"""A topic to explain."""

_CLASSES: Final[Mapping[Topic, tuple[type, ...]]] = {
    "faults": (When, *FAULTS),
    "limits": (LimitRule, *FAMILIES[Limit]),
    "run-times": (Script, Step, *FAMILIES[Distribution]),
    "failures": (Failures,),
    "account": (Account,),
    "quirks": (Quirks,),
    "hints": (Hints,),
    "webhooks": (WebhookSettings,),
    "scenario": (Scenario, Jobs, Phase),
}


def _names(cls: type[attrs.AttrsInstance]) -> Iterator[str]:
    for field in attrs.fields(cls):
        if field.init:
            yield field.name if field.default is attrs.NOTHING else f"[{field.name}]"


def explanation(topic: Topic) -> str:
    """The kinds of a topic, their values, and what these mean."""
    parts = (
        f"{kind_of(cls)}: {', '.join(_names(cls)) or 'no values'}\n\n"
        + textwrap.indent(inspect.getdoc(cls) or "", "    ")
        for cls in _CLASSES[topic]
    )
    return "\n\n\n".join(parts)
