"""What is wrong with plain data, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NoReturn

import attrs
from cattrs import ClassValidationError, IterableValidationError

_SHOWN: Final = 40
"""How many characters of a wrong value an error shows."""


class PlainError(ValueError):
    """Plain data that is no setting.

    Attributes:
        problems: What is wrong, each in a sentence that begins with its place in the data, as in
            `faults[2].when.nth must be an integer, not 'x'`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems: tuple[str, ...] = tuple(problems)


class UnfitError(ValueError):
    """A value is not what it must be.

    Args:
        reason: The end of a sentence that begins with the value's place.
        given: What it is instead, as the very end; not told of what must stay secret.
        below: Where within the value, e.g. `.kind`.
    """

    def __init__(self, reason: str, given: str = "", below: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.given = given
        self.below = below


def refuse(words: str, data: object, below: str = "") -> NoReturn:
    """Say that something else was expected; `words` as in "must be <words>"."""
    raise UnfitError(f"must be {words}", f", not {_shown(data)}", below)


def _shown(data: object) -> str:
    match data:
        case None:
            return "null"
        case bool():
            return str(data).lower()
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            text = repr(data)
            return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def one_of(words: Iterable[object]) -> str:
    """The end of "must be" for one of several words."""
    return "one of " + ", ".join(map(repr, words))


_FIELD: Final = re.compile(r"'?(?P<field>\w+)'? (?P<rest>(must|can't) .+)", re.DOTALL)
"""How a validator speaks of a field, those of attrs among them."""


def problems_of(
    error: Exception, place: str = "", cls: type | None = None, *, is_secret: bool = False
) -> Iterator[str]:
    """The problems in a tree of cattrs' errors, each a sentence that begins with its place.

    Args:
        error: The tree.
        place: Where in the data it grows.
        cls: The class whose own validators raised the error, if they did.
        is_secret: Whether the value there must not be told: that of a field without a repr.

    Raises:
        Exception: An error in the tree that speaks of no data: a bug, here or in a class.
    """
    match error:
        case ClassValidationError():
            noted, own = error.group_exceptions()
            for inner, attribute in noted:
                hidden = is_secret or not attrs.fields_dict(error.cl)[attribute.name].repr
                yield from problems_of(inner, f"{place}.{attribute.name}", is_secret=hidden)
            for inner in own:
                yield from problems_of(inner, place, error.cl)
        case IterableValidationError():
            for inner, item in error.group_exceptions()[0]:
                at = f".{item.index}" if isinstance(item.index, str) else f"[{item.index}]"
                yield from problems_of(inner, place + at, is_secret=is_secret)
        case UnfitError():
            given = "" if is_secret else error.given
            yield f"{_named(place + error.below)} {error.reason}{given}"
        case ValueError() | TypeError():
            said = _FIELD.fullmatch(str(error))
            if cls is not None and said is not None and said["field"] in attrs.fields_dict(cls):
                yield f"{_named(place + '.' + said['field'])} {said['rest']}"
            else:
                yield f"{_named(place)}: {error}"
        case _:
            raise error


def _named(place: str) -> str:
    return place.removeprefix(".") or "the data"
