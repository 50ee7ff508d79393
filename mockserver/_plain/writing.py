"""Writing settings as plain data."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from mockserver._plain.families import KINDS
from mockserver._plain.problems import PlainError
from mockserver._world import Step
from mockserver._world.kinds import kind_of

_CONVERTER: Final = Converter()


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
            return _shortest(_writer(Step)(value))
        case _ if attrs.has(type(value)):
            tag = {"kind": kind_of(type(value))} if type(value) in KINDS else {}
            return tag | _writer(type(value))(value)  # type: ignore[arg-type] # classes are hashable
        case _:
            raise PlainError([f"{value!r} can't be written as plain data"])


@functools.cache
def _writer(cls: type[attrs.AttrsInstance]) -> Callable[[object], dict[str, object]]:
    fields: dict[str, Any] = {
        field.name: override(unstruct_hook=to_plain) for field in attrs.fields(cls)
    }
    return make_dict_unstructure_fn(cls, _CONVERTER, _cattrs_omit_if_default=True, **fields)


def _shortest(step: dict[str, object]) -> object:
    """A step in the shortest form that says all of it."""
    if step.keys() == {"status"}:
        return step["status"]
    if step.keys() == {"status", "seconds"}:
        return [step["status"], step["seconds"]]
    return step
