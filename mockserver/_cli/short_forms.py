"""Short forms of settings on the command line, such as `status:503@job,every=10`.

A form has the kind of the setting, its values in the order of the setting's fields or by name, and
after an `@` what it applies to: a route by its short name, and further criteria by name.

    status:503                       an answer with this status, to all requests
    delay:lognormal(0.2,1)@submit    a value that has values itself, on one route
    stale:30@job,probability=0.1     a criterion in addition to the route
    token-bucket:10,burst=20@,per=key

Longer settings can be tables of TOML: `{kind = "redirect", location = "https://a,b"}`. This module
only makes plain data of a form; `mockserver._plain` reads and checks the data.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import attrs

Kinds: TypeAlias = Mapping[str, type[attrs.AttrsInstance]]
"""Classes of settings by their kinds."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NESTED: Final = re.compile(rf"({_NAME.pattern})\((.*)\)", re.DOTALL)
_OPENING: Final = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'"}


class ShortFormError(ValueError):
    """A text isn't a short form; the message says why."""


def read_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Make plain data of several `NAME=VALUE`; a dash in a name counts as an underscore.

    Raises:
        ShortFormError: A text has another form, or a name comes twice.
    """
    return _arguments(texts, (), {})


def read_form(text: str, kinds: Kinds, values: Kinds) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make plain data of a short form: the setting's table, and a table of what follows the `@`.

    It is of one of `kinds`, and its values may be forms of the kinds among `values`.

    Raises:
        ShortFormError: It isn't a short form.
    """
    if text.startswith("{"):
        return _toml(text, f"{text!r} is not a table of TOML"), {}
    head, at, behind = _partition(text, "@")
    kind, colon, arguments = head.partition(":")
    if kind not in kinds:
        near = difflib.get_close_matches(kind, kinds, 1)
        hint = f"is {near[0]!r} meant?" if near else f"there are {', '.join(kinds)}"
        raise ShortFormError(f"there is no kind {kind!r}; {hint}")
    table = _table(kind, _split(arguments) if colon else (), kinds[kind], values)
    return table, _arguments(_split(behind) if at else (), ("route",), {})


def read_value(text: str, kinds: Kinds) -> Any:  # noqa: ANN401 - as various as TOML
    """Make plain data of a value: a value of TOML, a form, or else the text itself.

    Raises:
        ShortFormError: It begins as a form, but isn't one.
    """
    if text.partition(":")[0] in kinds:
        return read_form(text, kinds, kinds)[0]
    return _value(text, kinds)


def _table(
    kind: str, arguments: Iterable[str], cls: type[attrs.AttrsInstance], values: Kinds
) -> dict[str, Any]:
    """The table of a setting of one kind."""
    fields = tuple(field.name for field in attrs.fields(cls) if field.init)
    return {"kind": kind, **_arguments(arguments, fields, values)}


def _arguments(texts: Iterable[str], places: tuple[str, ...], values: Kinds) -> dict[str, Any]:
    """Values by name; a value without a name gets that of its position."""
    table: dict[str, Any] = {}
    for number, text in enumerate(texts):
        name, equals, value = text.partition("=")
        if not (equals and _NAME.fullmatch(name)):
            if number >= len(places):
                raise ShortFormError(f"{text!r} is not of the form NAME=VALUE")
            if not text:
                continue  # This position has no value.
            name, value = places[number], text
        key = name.replace("-", "_")
        if key in table:
            raise ShortFormError(f"{name} is given twice")
        table[key] = _value(value, values)
    return table


def _value(text: str, kinds: Kinds) -> Any:  # noqa: ANN401 - as various as TOML
    """A nested form, a value of TOML, or else the text itself."""
    if (nested := _NESTED.fullmatch(text)) and nested[1] in kinds:
        return _table(nested[1], _split(nested[2]), kinds[nested[1]], kinds)
    try:
        return _toml(text, "")
    except ShortFormError:
        return text


def _toml(text: str, problem: str) -> Any:  # noqa: ANN401 - as various as TOML
    """One value in TOML.

    Raises:
        ShortFormError: It isn't; the message has `problem`, and that of the TOML reader.
    """
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError as error:
        raise ShortFormError(f"{problem}: {error}") from None
    if len(read) > 1:
        raise ShortFormError(f"{problem}: it has more than one line")
    return read["value"]


def _split(text: str) -> list[str]:
    """The parts between commas outside of brackets and quotes."""
    parts: list[str] = []
    while True:
        part, comma, text = _partition(text, ",")
        parts.append(part)
        if not comma:
            return parts


def _partition(text: str, separator: str) -> tuple[str, str, str]:
    """As `str.partition`, at the first separator outside of brackets and quotes."""
    awaited: list[str] = []
    is_escaped = False
    for place, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif not awaited and character == separator:
            return text[:place], character, text[place + 1 :]
        elif character == "\\" and awaited and awaited[-1] == '"':
            is_escaped = True
        elif awaited and character == awaited[-1]:
            awaited.pop()
        elif not (awaited and awaited[-1] in "\"'") and character in _OPENING:
            awaited.append(_OPENING[character])
    return text, "", ""
