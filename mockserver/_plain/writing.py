"""Writing settings as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from mockserver._plain.families import KINDS
from mockserver._plain.problems import PlainError
from mockserver._world.kinds import kind_of
from mockserver._world.scripts import Step


def to_plain(value: object) -> Any:  # noqa: ANN401 - as various as JSON
    """Write a setting as plain data, from which `from_plain` makes an equal one.

    Fields that have their defaults are left out.

    Raises:
        PlainError: The setting holds what no data can say, such as a function.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return {key: to_plain(item) for key, item in value.items()}
        case list() | tuple():
            return [to_plain(item) for item in value]
        case frozenset() | set():
            return sorted(to_plain(item) for item in value)
        case Step():
            return _shortest(_table(value))
        case _ if attrs.has(type(value)):
            tag = {"kind": kind_of(type(value))} if type(value) in KINDS else {}
            return tag | _table(value)  # type: ignore[arg-type] # not narrowed by attrs.has
        case _:
            raise PlainError([f"{value!r} can't be written as plain data"])


def _table(value: attrs.AttrsInstance) -> dict[str, Any]:
    fields = [field for field in attrs.fields(type(value)) if field.init]
    given = [(field, getattr(value, field.name)) for field in fields]
    return {field.name: to_plain(item) for field, item in given if item != _default(field)}


def _default(field: attrs.Attribute[Any]) -> object:
    factory = getattr(field.default, "factory", None)
    return field.default if factory is None else factory()


def _shortest(step: dict[str, Any]) -> object:
    """A step in the shortest form that says all of it."""
    if step.keys() == {"status"}:
        return step["status"]
    if step.keys() == {"status", "seconds"}:
        return [step["status"], step["seconds"]]
    return step
