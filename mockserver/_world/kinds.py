"""Settings that come in several kinds: limits, distributions, faults."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs


def kind_of(cls: type) -> str:
    """The name of a class in plain data: its own, in kebab case, e.g. `"token-bucket"`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


_KINDS: Final[dict[type, list[type[Any]]]] = {}


class Family:
    """Base of the families of settings, such as `Limit`; the attrs classes below it are its kinds.

    So a kind is known, wherever kinds are read, listed or explained, once its class is defined.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if Family in cls.__bases__:
            _KINDS[cls] = []

    # Not in `__init_subclass__`: attrs makes a class with slots anew, and calls this for that one.
    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        _KINDS[next(family for family in cls.__mro__ if family in _KINDS)].append(cls)


def kinds_of(family: type[Any]) -> tuple[type[Any], ...]:
    """The kinds of a family, in the order in which their classes were defined."""
    return tuple(_KINDS[family])


@attrs.frozen
class Range:
    """The values between two bounds, as numbers or seconds."""

    low: float
    high: float


def tried(*values: object) -> dict[str, object]:
    """The metadata of a field: the values it has in generated examples, the plainest first.

    Without it, an example has the default, or any of the words that the field can be. With a
    `Range` as the only value, it has any value in it.
    """
    return {"tried": values}
