"""What frozen values have in common: mappings that can't be changed, and how they are pickled and copied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

import attrs

T = TypeVar("T")


def frozen_mapping(value: Mapping[str, object]) -> Mapping[str, object]:
    """A copy that can't be changed."""
    return MappingProxyType(dict(value))


class WithMappings:
    """The base of attrs classes with frozen mappings: they can be pickled, and copied in depth.

    Python can do neither with a `MappingProxyType`, so a dict takes its place on the way.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[object, ...]:
        values = attrs.asdict(self, recurse=False)  # type: ignore[arg-type]  # all subclasses are attrs classes
        frozen = [name for name, value in values.items() if isinstance(value, MappingProxyType)]
        for name in frozen:
            values[name] = dict(values[name])
        return _made_again, (type(self), values, frozen)


def _made_again(kind: type[T], values: dict[str, object], frozen: Iterable[str]) -> T:
    for name in frozen:
        values[name] = MappingProxyType(values[name])  # type: ignore[arg-type]  # a dict, see above
    return kind(**values)
