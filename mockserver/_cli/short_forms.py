"""Settings in a word, as a command line has them: `status:503@job,every=10`.

A form says what kind of setting it is, then its values, in the order of the setting's fields or by
name; and behind an `@` what it applies to: a route by its short name, and further criteria by name.

    status:503                       an answer of this status, to every request
    delay:lognormal(0.2,1)@submit    a value that has values itself, on one route
    stale:30@job,probability=0.1     a criterion besides the route
    token-bucket:10,burst=20@,per=key

What has more to say is a table of TOML in braces: `{kind = "redirect", location = "https://a,b"}`.
A form only becomes plain data here; whether the data is a setting, `mockserver._plain` decides.
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
    """A text is no short form; the message says what is wrong with it."""


def read_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Plain data of several `NAME=VALUE`; a dash in a name stands for an underscore.

    Raises:
        ShortFormError: A text has another form, or a name comes twice.
    """
    return _arguments(texts, (), {})


def read_form(text: str, kinds: Kinds, values: Kinds) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plain data of one short form: the setting's table, and that of what stands behind the `@`.

    Args:
        text: The form.
        kinds: The class of each kind that it may be of.
        values: The class of each kind that its values may be of.

    Raises:
        ShortFormError: It isn't one.
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
    """Plain data of a value: a number or another value of TOML, a form, or else the bare text.

    Args:
        text: The value.
        kinds: The class of each kind that it may be of.

    Raises:
        ShortFormError: It begins as a form, and isn't one.
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
    """Values by name: those that have none have the name that belongs to their place."""
    table: dict[str, Any] = {}
    for number, text in enumerate(texts):
        name, equals, value = text.partition("=")
        if not (equals and _NAME.fullmatch(name)):
            if number >= len(places):
                raise ShortFormError(f"{text!r} is not of the form NAME=VALUE")
            if not text:
                continue  # A place that is left out.
            name, value = places[number], text
        key = name.replace("-", "_")
        if key in table:
            raise ShortFormError(f"{name} is given twice")
        table[key] = _value(value, values)
    return table


def _value(text: str, kinds: Kinds) -> Any:  # noqa: ANN401 - as various as TOML
    """A nested form, anything TOML can write in a line, or else the bare text."""
    if (nested := _NESTED.fullmatch(text)) and nested[1] in kinds:
        return _table(nested[1], _split(nested[2]), kinds[nested[1]], kinds)
    try:
        return _toml(text, "")
    except ShortFormError:
        return text


def _toml(text: str, problem: str) -> Any:  # noqa: ANN401 - as various as TOML
    """A value that is written in TOML; one, and no more.

    Raises:
        ShortFormError: It isn't; with this message, and what TOML's reader says.
    """
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError as error:
        raise ShortFormError(f"{problem}: {error}") from None
    if len(read) > 1:
        raise ShortFormError(f"{problem}: it has more than one line")
    return read["value"]


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no brackets and no quotes."""
    parts: list[str] = []
    while True:
        part, comma, text = _partition(text, ",")
        parts.append(part)
        if not comma:
            return parts


def _partition(text: str, separator: str) -> tuple[str, str, str]:
    """As `str.partition`, at the first separator that stands in no brackets and no quotes."""
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
