"""Examples of a class of settings, derived from its fields: their types, defaults and `tried`."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

from mockserver._world.durations import Distribution
from mockserver._world.kinds import Range
from mockserver.strategies._lives import distributions, seconds

T = TypeVar("T")


def values_of(cls: type[Any]) -> dict[str, tuple[object, ...]]:
    """The values of each field in examples, the plainest first; other fields have the default."""
    values: dict[str, tuple[object, ...]] = {}
    annotations = get_type_hints(cls)
    for field in attrs.fields(cls):
        if tried := field.metadata.get("tried"):
            values[field.name] = tried
        elif (words := _words(annotations[field.name])) is not None:
            others = (word for word in words if word != field.default)
            values[field.name] = (field.default, *others)
    return values


def _words(annotation: object) -> tuple[object, ...] | None:
    """The words that a field can be, or whether it can be on and off."""
    if annotation is bool:
        return (False, True)
    return get_args(annotation) if get_origin(annotation) is Literal else None


def _has_range(values: tuple[object, ...]) -> bool:
    return isinstance(values[0], Range)


def listed(cls: type[T]) -> list[T] | None:
    """All examples of a class, which differ from the plainest in one field each.

    None where a field can have any value of a range.
    """
    values = values_of(cls)
    if any(map(_has_range, values.values())):
        return None
    plainest = {name: first for name, (first, *_) in values.items()}
    others = (plainest | {name: value} for name, some in values.items() for value in some[1:])
    return [cls(**settings) for settings in (plainest, *others)]


def drawn(cls: type[T]) -> st.SearchStrategy[T]:
    """Examples of a class, each field drawn on its own.

    Fields that have a range and are None by default exclude each other.
    """
    values, annotations = values_of(cls), get_type_hints(cls)
    each = {name: _any_of(some, annotations[name]) for name, some in values.items()}
    alternatives = [
        field.name
        for field in attrs.fields(cls)  # type: ignore[arg-type] # an attrs class
        if field.name in each and field.default is None
    ]
    if alternatives:
        return st.one_of([st.builds(cls, **{name: each[name]}) for name in alternatives])
    return st.builds(cls, **each)


def _any_of(values: tuple[object, ...], annotation: object) -> st.SearchStrategy[Any]:
    match values:
        case [Range(low=low, high=high)]:
            types = get_args(annotation) or (annotation,)
            if int in types:
                return st.integers(int(low), int(high))
            some = seconds(low, high)
            return some | distributions(high) if Distribution in types else some
        case _:
            return st.sampled_from(values)
