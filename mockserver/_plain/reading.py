"""Reading settings from plain data, by cattrs, with nothing guessed."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final, Literal, NoReturn, TypeVar, Union, get_args, get_origin, overload

import attrs
from cattrs import Converter, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn

from mockserver._plain.families import FAMILIES, KINDS
from mockserver._plain.problems import PlainError, UnfitError, one_of, problems_of, refuse
from mockserver._world import Fixed, Script, Step
from mockserver._world.kinds import kind_of

T = TypeVar("T")

_DEEPEST: Final = 32
"""How many tables and lists may stand within each other; far more than any setting needs."""


@overload
def from_plain(cls: type[T], data: object) -> T: ...


@overload
def from_plain(cls: object, data: object) -> Any: ...  # noqa: ANN401 - an annotation can mean any type


def from_plain(cls: object, data: object) -> object:
    """Make the setting that plain data describes.

    Args:
        cls: What it is to be: a class of settings, or any annotation that stands in one, such as
            `Limit | None` or `tuple[float, ...]`.
        data: What a reader of JSON or TOML gives.

    Raises:
        PlainError: The data is no such setting; all its problems are told.
    """
    if not _is_shallow(data):
        raise PlainError([f"the data is nested deeper than {_DEEPEST} levels"])
    try:
        return _CONVERTER.structure(data, cls)  # type: ignore[arg-type] # annotations are taken too
    except Exception as error:  # noqa: BLE001 - what speaks of no data is raised again
        raise PlainError(list(problems_of(error))) from None


def _is_shallow(data: object) -> bool:
    level = [data]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            if isinstance(outer, (Mapping, list, tuple))
            for item in (outer.values() if isinstance(outer, Mapping) else outer)
        ]
        if not level:
            return True
    return False


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


def _as_time(data: str | datetime) -> datetime:
    return data if isinstance(data, datetime) else datetime.fromisoformat(data)


@attrs.frozen
class _Scalar:
    """How one type of values stands in plain data: as what, known how, and read how."""

    words: str
    fits: Callable[[Any], bool]
    read: Callable[[Any], object]


_SCALARS: Final[dict[object, _Scalar]] = {
    bool: _Scalar("true or false", lambda data: isinstance(data, bool), bool),
    int: _Scalar(
        "an integer", lambda data: isinstance(data, int) and not isinstance(data, bool), int
    ),
    float: _Scalar("a number", _is_number, float),
    str: _Scalar("a text", lambda data: isinstance(data, str), str),
    datetime: _Scalar("a date and time with its offset from UTC", _is_time, _as_time),
    types.NoneType: _Scalar("null", lambda data: data is None, lambda _: None),
}


def _read_scalar(data: object, cls: object) -> object:
    scalar = _SCALARS[cls]
    if not scalar.fits(data):
        refuse(scalar.words, data)
    return scalar.read(data)


def _is_literal(cls: object) -> bool:
    return get_origin(cls) is Literal


def _read_literal(data: object, cls: object) -> object:
    if not _fits(cls, data):
        refuse(one_of(get_args(cls)), data)
    return data


# Lists

_LISTS: Final[dict[object, Callable[[Iterable[object]], object]]] = {
    tuple: tuple,
    list: list,
    Sequence: tuple,
    frozenset: frozenset,
    AbstractSet: frozenset,
}
"""What a list in the data becomes."""


def _is_list(cls: object) -> bool:
    return get_origin(cls) in _LISTS


def _read_each(items: Iterable[tuple[int | str, object, object]]) -> list[object]:
    """Read values that stand in one list or table, each given with its index and its type."""
    read: list[object] = []
    errors: list[Exception] = []
    for index, item, cls in items:
        try:
            read.append(_CONVERTER.structure(item, cls))  # type: ignore[arg-type] # as in from_plain
        except Exception as error:  # noqa: BLE001 - raised below, as cattrs does with its own
            error.add_note(IterableValidationNote("", index, cls))
            errors.append(error)
    if errors:
        raise IterableValidationError("", errors, list)  # pyright: ignore[reportCallIssue] # cattrs widens only __new__
    return read


def _read_list(data: object, cls: object) -> object:
    args = get_args(cls)
    if not isinstance(data, (list, tuple)):
        refuse("a list", data)
    if get_origin(cls) is tuple and args[-1] is not ...:
        if len(data) != len(args):
            refuse(f"a list of {len(args)} values", data)
    else:
        args = (args[0],) * len(data)
    items = _read_each(zip(range(len(data)), data, args, strict=True))
    return _LISTS[get_origin(cls)](items)


def _is_mapping(cls: object) -> bool:
    return get_origin(cls) in {Mapping, dict}


def _read_mapping(data: object, cls: object) -> object:
    key_cls, value_cls = get_args(cls)
    if not isinstance(data, Mapping):
        refuse("a table", data)
    keys = _read_each((str(key), key, key_cls) for key in data)
    values = _read_each((str(key), value, value_cls) for key, value in data.items())
    return dict(zip(keys, values, strict=True))


# Tables


@attrs.frozen
class _ShortForm:
    """Another way to write a class: what it is called, and the table it stands for.

    What is not in the short form stays as it is.
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


def _class_reader(cls: type[attrs.AttrsInstance]) -> Callable[[object, object], object]:
    read = make_dict_structure_fn(cls, _CONVERTER, _cattrs_detailed_validation=True)
    fields = {field.name: field for field in attrs.fields(cls) if field.init}
    required = [name for name, field in fields.items() if field.default is attrs.NOTHING]

    def read_class(data: object, _cls: object) -> object:
        table = _in_full(cls, data)
        if not isinstance(table, Mapping):
            refuse(_words(cls), data)
        if cls in KINDS and "kind" in table:
            if table["kind"] != kind_of(cls):
                refuse(repr(kind_of(cls)), table["kind"], ".kind")
            table = {name: value for name, value in table.items() if name != "kind"}
        for name in table:
            if name not in fields:
                near = difflib.get_close_matches(str(name), fields, 1)
                hint = (
                    f"is {near[0]!r} meant?" if near else f"there are: {', '.join(fields) or '-'}"
                )
                raise UnfitError(f"is no setting of {cls.__name__}; {hint}", below=f".{name}")
        for name in required:
            if name not in table:
                raise UnfitError("is missing", below=f".{name}")
        return read(table, cls)

    return read_class


# One of several


def _members(cls: object) -> tuple[object, ...]:
    """The types that an annotation stands for, with families and unions opened."""
    if cls in FAMILIES:
        return FAMILIES[cls]
    if get_origin(cls) in {Union, types.UnionType}:
        return tuple(member for part in get_args(cls) for member in _members(part))
    return (cls,)


def _is_choice(cls: object) -> bool:
    return _members(cls) != (cls,)


def _fits(cls: Any, data: object) -> bool:  # noqa: ANN401 - any annotation
    """Whether data has the outward form of a type; what is in it may still be wrong."""
    if cls in _SCALARS:
        return _SCALARS[cls].fits(data)
    if _is_literal(cls):
        return any(type(data) is type(word) and data == word for word in get_args(cls))
    if _is_list(cls):
        return isinstance(data, (list, tuple))
    if attrs.has(cls):
        table = _in_full(cls, data)
        if table is not data:
            return True
        kind = kind_of(cls) if cls in KINDS else None
        return isinstance(table, Mapping) and table.get("kind") == kind
    return _is_mapping(cls) and isinstance(data, Mapping)


def _read_choice(data: object, cls: object) -> object:
    members = _members(cls)
    fitting = next((member for member in members if _fits(member, data)), None)
    if fitting is None:
        _refuse_choice(members, data)
    return _CONVERTER.structure(data, fitting)  # type: ignore[arg-type] # as in from_plain


def _refuse_choice(members: tuple[object, ...], data: object) -> NoReturn:
    kinds = [kind_of(member) for member in members if isinstance(member, type) and member in KINDS]
    if kinds and isinstance(data, Mapping):
        if "kind" in data:
            refuse(one_of(kinds), data["kind"], ".kind")
        raise UnfitError(f"is missing; it must be {one_of(kinds)}", below=".kind")
    words = dict.fromkeys(part for member in members for part in _words(member).split(" or "))
    refuse(" or ".join(words), data)


def _words(cls: Any) -> str:  # noqa: ANN401 - any annotation
    """What values of a type are called."""
    if cls in _SCALARS:
        return _SCALARS[cls].words
    if _is_literal(cls):
        return one_of(get_args(cls))
    if _is_list(cls):
        return "a list"
    table = "a table with its kind" if cls in KINDS else "a table"
    return f"{_SHORT_FORMS[cls].words} or {table}" if cls in _SHORT_FORMS else table


_CONVERTER: Final = Converter(detailed_validation=True)
_CONVERTER.register_structure_hook_factory(attrs.has, _class_reader)
_CONVERTER.register_structure_hook_func(_is_list, _read_list)
_CONVERTER.register_structure_hook_func(_is_mapping, _read_mapping)
_CONVERTER.register_structure_hook_func(_is_literal, _read_literal)
for _scalar in _SCALARS:
    _CONVERTER.register_structure_hook(_scalar, _read_scalar)
_CONVERTER.register_structure_hook_func(_is_choice, _read_choice)
