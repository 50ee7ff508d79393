"""Reading settings from plain data, with nothing guessed."""

from __future__ import annotations

import difflib
import functools
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import (
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

import attrs

from mockserver._plain.families import FAMILIES, KINDS
from mockserver._plain.problems import Place, PlainError, one_of
from mockserver._world.durations import Fixed
from mockserver._world.kinds import kind_of
from mockserver._world.scripts import Script, Step

T = TypeVar("T")

_DEEPEST: Final = 32
"""How many tables and lists may be nested; far more than any setting needs."""


@overload
def from_plain(cls: type[T], data: object) -> T: ...


@overload
def from_plain(cls: object, data: object) -> Any: ...  # noqa: ANN401 - an annotation can mean any type


def from_plain(cls: object, data: object) -> object:
    """Make the setting that plain data describes.

    Args:
        cls: A class of settings, or any annotation that its fields have, such as `Limit | None` or
            `tuple[float, ...]`.
        data: What a reader of JSON or TOML returns.

    Raises:
        PlainError: The data describes no such setting; the error has all its problems.
    """
    problems: list[str] = []
    value = _read(cls, data, Place(problems))
    if problems:
        raise PlainError(problems)
    return value


def _read(cls: Any, data: object, place: Place) -> Any:  # noqa: ANN401 - any annotation, any type
    """Read data as what an annotation says; None, after a problem has been reported."""
    if place.depth > _DEEPEST:
        raise PlainError([f"the data is nested deeper than {_DEEPEST} levels"])
    members = _members(cls)
    if attrs.has(cls):
        return _read_class(cls, data, place)
    sorts = [_sort_of(member) for member in members]
    for sort in sorts:
        if sort.fits(data):
            return sort.read(data, place)
    kinds = [kind_of(member) for member in members if isinstance(member, type) and member in KINDS]
    if not kinds or not isinstance(data, Mapping):
        words = dict.fromkeys(part for sort in sorts for part in sort.words.split(" or "))
        place.refuse(" or ".join(words), data)
    elif "kind" in data:
        place.at(".kind").refuse(one_of(kinds), data["kind"])
    else:
        place.at(".kind").report(f" is missing; it must be {one_of(kinds)}")
    return None


def _members(cls: object) -> tuple[object, ...]:
    """The types that an annotation stands for, with families and unions opened."""
    if cls in FAMILIES:
        return FAMILIES[cls]
    if get_origin(cls) in {Union, types.UnionType}:
        return tuple(member for part in get_args(cls) for member in _members(part))
    return (cls,)


@attrs.frozen
class _Sort:
    """How values of one type are written in plain data.

    Attributes:
        words: What they are called.
        fits: Whether data has their outward form; what is in it may still be wrong.
        read: Reads data that fits.
    """

    words: str
    fits: Callable[[Any], bool]
    read: Callable[[Any, Place], object]


@functools.cache
def _sort_of(cls: Any) -> _Sort:  # noqa: ANN401 - any annotation
    origin, args = get_origin(cls), get_args(cls)
    if cls in _SCALARS:
        return _SCALARS[cls]
    if origin is Literal:
        return _Sort(
            one_of(args),
            lambda data: any(type(data) is type(word) and data == word for word in args),
            lambda data, _: data,
        )
    if origin in _LISTS:
        return _Sort(
            "a list",
            lambda data: isinstance(data, (list, tuple)),
            functools.partial(_read_list, origin, args),
        )
    if attrs.has(cls):
        table = "a table with its kind" if cls in KINDS else "a table"
        words = f"{_SHORT_FORMS[cls].words} or {table}" if cls in _SHORT_FORMS else table
        read = functools.partial(_read_class, cls)
        return _Sort(words, functools.partial(_fits_class, cls), read)
    return _Sort(
        "a table",
        lambda data: isinstance(data, Mapping),
        functools.partial(_read_mapping, args),
    )


# Values


def _is_number(data: object) -> bool:
    if isinstance(data, str):
        return data in {"inf", "-inf"}
    return isinstance(data, (int, float)) and not isinstance(data, bool) and not math.isnan(data)


def _is_time(data: object) -> bool:
    if isinstance(data, str):
        try:
            data = datetime.fromisoformat(data)
        except ValueError:
            return False
    return isinstance(data, datetime) and data.tzinfo is not None


def _as_time(data: str | datetime, _place: Place) -> datetime:
    return data if isinstance(data, datetime) else datetime.fromisoformat(data)


_SCALARS: Final[dict[object, _Sort]] = {
    bool: _Sort("true or false", lambda data: isinstance(data, bool), lambda data, _: data),
    int: _Sort(
        "an integer",
        lambda data: isinstance(data, int) and not isinstance(data, bool),
        lambda data, _: data,
    ),
    float: _Sort("a number", _is_number, lambda data, _: float(data)),
    str: _Sort("a text", lambda data: isinstance(data, str), lambda data, _: data),
    datetime: _Sort("a date and time with its offset from UTC", _is_time, _as_time),
    types.NoneType: _Sort("null", lambda data: data is None, lambda _, __: None),
}


# Lists and tables of any names

_LISTS: Final[dict[object, Callable[[Iterable[object]], object]]] = {
    tuple: tuple,
    list: list,
    Sequence: tuple,
    frozenset: frozenset,
    AbstractSet: frozenset,
}
"""What a list in the data becomes."""


def _read_list(
    origin: object, args: tuple[object, ...], data: Sequence[object], place: Place
) -> object:
    if origin is not tuple or args[-1] is ...:
        args = (args[0],) * len(data)
    elif len(data) != len(args):
        place.refuse(f"a list of {len(args)} values", data)
        return None
    items = enumerate(zip(args, data, strict=True))
    return _LISTS[origin]([_read(arg, item, place.at(f"[{i}]")) for i, (arg, item) in items])


def _read_mapping(args: tuple[Any, ...], data: Mapping[str, object], place: Place) -> object:
    return {
        _read(args[0], key, place.at(f".{key}")): _read(args[1], value, place.at(f".{key}"))
        for key, value in data.items()
    }


# Classes


@attrs.frozen
class _ShortForm:
    """A short way to write a class: its name, and the table it stands for.

    Data in another form is returned as it is.
    """

    words: str
    in_full: Callable[[object], object]


def _step_in_full(data: object) -> object:
    match data:
        case str():
            return {"status": data}
        case [status, None]:
            return {"status": status}
        case [status, seconds]:
            return {"status": status, "seconds": seconds}
        case _:
            return data


_SHORT_FORMS: Final[dict[object, _ShortForm]] = {
    Fixed: _ShortForm("a number", lambda data: {"seconds": data} if _is_number(data) else data),
    Step: _ShortForm("a status or [status, seconds]", _step_in_full),
    Script: _ShortForm(
        "a list of steps", lambda data: {"steps": data} if isinstance(data, list) else data
    ),
}


def _in_full(cls: object, data: object) -> object:
    return _SHORT_FORMS[cls].in_full(data) if cls in _SHORT_FORMS else data


@functools.cache
def _fields_of(cls: type[attrs.AttrsInstance]) -> dict[str, tuple[attrs.Attribute[Any], object]]:
    """The fields that a class can be made from, with their types."""
    annotations = get_type_hints(cls)
    return {
        field.name: (field, annotations[field.name]) for field in attrs.fields(cls) if field.init
    }


def _fits_class(cls: type, data: object) -> bool:
    table = _in_full(cls, data)
    if table is not data:
        return True
    kind = kind_of(cls) if cls in KINDS else None
    return isinstance(table, Mapping) and table.get("kind") == kind


# How validators speak of a field, those of attrs among them.
_OF_FIELD: Final = re.compile(r"'?(?P<field>\w+)'?(?P<rest> (must|can't) .+)", re.DOTALL)


def _read_class(cls: type[attrs.AttrsInstance], data: object, place: Place) -> object:
    table = _in_full(cls, data)
    if not isinstance(table, Mapping):
        place.refuse(_sort_of(cls).words, data)
        return None
    if cls in KINDS and "kind" in table:
        if table["kind"] != kind_of(cls):
            place.at(".kind").refuse(repr(kind_of(cls)), table["kind"])
            return None
        table = {name: value for name, value in table.items() if name != "kind"}
    fields, known = _fields_of(cls), len(place.problems)
    for name in [name for name in table if name not in fields]:
        near = difflib.get_close_matches(str(name), fields, 1)
        hint = f"is {near[0]!r} meant?" if near else f"there are: {', '.join(fields) or '-'}"
        place.at(f".{name}").report(f" is no setting of {cls.__name__}; {hint}")
    if len(place.problems) > known:
        return None
    values: dict[str, Any] = {}
    for name, (field, annotation) in fields.items():
        within = place.at(f".{name}", is_secret=not field.repr)
        if name in table:
            values[name] = _read(annotation, table[name], within)
        elif field.default is attrs.NOTHING:
            within.report(" is missing")
    if len(place.problems) > known:
        return None
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        said = _OF_FIELD.fullmatch(str(error))
        if said is not None and said["field"] in fields:
            place.at(f".{said['field']}").report(said["rest"])
        else:
            place.report(f": {error}")
        return None
