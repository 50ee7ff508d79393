"""The parameters of tasks: each kind checks a value, and is described by a JSON Schema.

A kind has both in one place, so the published schema and the checks can't disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import attrs

from mockserver._files.png import PNG_SIGNATURE

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, of the draft 2020-12 as in OpenAPI 3.1."""

# Without \s and \d, whose meaning differs between the dialects of regular expressions.
_URL_PATTERN: Final = (
    r"^[hH][tT][tT][pP][sS]?://"
    r"([^\x00-\x20/?#@\x7f]*@)?"
    r"(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20/?#@:\[\]\x7f]+)(:[0-9]{0,5})?"
    r"([/?#][^\x00-\x20\x7f]*)?$"
)
_URL: Final = re.compile(_URL_PATTERN)


class Problem(NamedTuple):
    """What is wrong with a value.

    Attributes:
        words: The message after the parameter's name, e.g. `"must be an object"`.
        status_code: 400 for what the schema forbids; 422 for what a schema can't express.
    """

    words: str
    status_code: int = 400

    def at(self, place: str) -> Problem:
        """The same problem, as one of the object that has this value at `place`."""
        return Problem(f"{place} {self.words}", self.status_code)


@attrs.frozen
class Field:
    """One kind of parameter.

    Attributes:
        schema: The values allowed in JSON, as a JSON Schema.
        problem: Gives what is wrong with a value, or None.
        file_schema: The values allowed in a form, for a parameter that can be a file.
        is_prompt: Whether it is a prompt, which moderation reads.
    """

    schema: Schema
    problem: Callable[[object], Problem | None]
    file_schema: Schema | None = None
    is_prompt: bool = False


Fields: TypeAlias = Mapping[str, Field]
"""Parameters by name."""


def _field(schema: Schema, fits: Callable[[Any], bool], words: str) -> Field:
    """A kind whose values all have the same problem if they don't fit."""
    problem = Problem(words)
    return Field(schema, lambda value: None if fits(value) else problem)


def text(low: int, high: int) -> Field:
    """Text with a number of characters between two bounds."""
    return _field(
        {"type": "string", "minLength": low, "maxLength": high},
        lambda value: isinstance(value, str) and low <= len(value) <= high,
        f"must be text of {low} to {high} characters",
    )


def prompt() -> Field:
    """A prompt."""
    return attrs.evolve(text(1, 8192), is_prompt=True)


def url(longest: int = 8192) -> Field:
    """An http or https URL with a host."""
    return _field(
        {"type": "string", "maxLength": longest, "pattern": _URL_PATTERN},
        lambda value: (
            isinstance(value, str) and len(value) <= longest and _URL.fullmatch(value) is not None
        ),
        f"must be an http or https URL of at most {longest} characters",
    )


def _is_integer(value: object) -> bool:
    # In Python, true is an integer; in JSON it isn't. In JSON, 1.0 is one.
    return (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    ) and not isinstance(value, bool)


def integer(low: int, high: int) -> Field:
    """An integer between two bounds."""
    return _field(
        {"type": "integer", "minimum": low, "maximum": high},
        lambda value: _is_integer(value) and low <= value <= high,
        f"must be an integer from {low} to {high}",
    )


def any_integer() -> Field:
    """An integer."""
    return _field({"type": "integer"}, _is_integer, "must be an integer")


def number(low: float, high: float) -> Field:
    """A number between two bounds."""
    return _field(
        {"type": "number", "minimum": low, "maximum": high},
        lambda value: (
            isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        ),
        f"must be a number from {low} to {high}",
    )


def one_of(*choices: str) -> Field:
    """One of several texts."""
    return _field(
        {"type": "string", "enum": list(choices)},
        lambda value: value in choices,
        f"must be one of {', '.join(choices)}",
    )


def list_of(item: Field, low: int, high: int | None = None) -> Field:
    """A list with a number of items between two bounds."""

    def problem(value: object) -> Problem | None:
        if not isinstance(value, list) or len(value) < low:
            return Problem(f"must be a list of at least {low}")
        if high is not None and len(value) > high:
            return Problem(f"must be a list of at most {high}")
        for index, member in enumerate(value):
            if wrong := item.problem(member):
                return wrong.at(f"[{index}]")
        return None

    schema = {"type": "array", "items": item.schema, "minItems": low}
    return Field(schema if high is None else schema | {"maxItems": high}, problem)


def object_of(fields: Fields) -> Field:
    """An object that must have certain fields, and may have others."""

    def problem(value: object) -> Problem | None:
        if not isinstance(value, dict):
            return Problem("must be an object")
        for name, field in fields.items():
            if name not in value:
                return Problem(f"{name} is required")
            if wrong := field.problem(value[name]):
                return wrong.at(name)
        return None

    schema = {
        "type": "object",
        "properties": {name: field.schema for name, field in fields.items()},
        "required": list(fields),
    }
    return Field(schema, problem)


def polygon() -> Field:
    """A list of the x and y, in turn, of three or more corners."""
    coordinates = list_of(any_integer(), 6)

    def problem(value: Any) -> Problem | None:  # noqa: ANN401 - any JSON
        if wrong := coordinates.problem(value):
            return wrong
        return Problem("must be x and y by turns", 422) if len(value) % 2 else None

    return Field(coordinates.schema, problem)


def mask(areas: Field, location: Field) -> Field:
    """What to paint over: `areas`, the `url` of a mask, or both; either may be null."""
    parts = {"areas": areas, "url": location}

    def problem(value: object) -> Problem | None:
        if not isinstance(value, dict):
            return Problem("must be an object with areas or a url")
        given = {name: part for name in parts if (part := value.get(name)) is not None}
        if not given:
            return Problem("must have areas or a url")
        for name, part in given.items():
            if wrong := parts[name].problem(part):
                return wrong.at(name)
        return None

    schema = {
        "type": "object",
        "properties": {name: nullable(part.schema) for name, part in parts.items()},
        "anyOf": [
            {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in parts
        ],
    }
    return Field(schema, problem)


def png_or(field: Field) -> Field:
    """The bytes of a PNG file, in a form; in JSON what `field` takes."""

    def problem(value: object) -> Problem | None:
        if not isinstance(value, bytes):
            return field.problem(value)
        return None if value.startswith(PNG_SIGNATURE) else Problem("must be a PNG file", 422)

    return Field(field.schema, problem, {"type": "string", "contentMediaType": "image/png"})


def nullable(schema: Schema) -> Schema:
    """This schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def _with_callback(optional: Fields) -> Fields:
    return {**optional, "callback": url()}


@attrs.frozen
class Params:
    """The parameters of one task.

    Attributes:
        required: Those that must be given, by name.
        optional: Those that may be given; every task also takes a `callback`.
        with_job: What the task takes instead if a `jobId` is given; None for no difference.
    """

    required: Fields
    optional: Fields = attrs.field(factory=dict, converter=_with_callback)
    with_job: Params | None = None

    @property
    def fields(self) -> Fields:
        """All parameters, by name."""
        with_job = self.with_job.required if self.with_job else {}
        return {**self.required, **self.optional, **with_job}

    @property
    def takes_file(self) -> bool:
        """Whether the task can also be submitted as a form, with a file."""
        return any(field.file_schema for field in self.required.values())

    @property
    def takes_job(self) -> bool:
        """Whether the task can work on the result of another job."""
        return self.with_job is not None or "jobId" in self.required

    def schema(self) -> Schema:
        """The parameters in JSON, as a JSON Schema."""
        required = {name: field.schema for name, field in self.required.items()}
        optional = {name: nullable(field.schema) for name, field in self.optional.items()}
        if self.with_job is None:
            return _object_schema(required | optional, self.required)
        without_job = {**required, **optional, "jobId": {"type": "null"}}
        return {"anyOf": [_object_schema(without_job, self.required), self.with_job.schema()]}

    def form_schema(self) -> Schema:
        """The parameters in a form, as a JSON Schema."""
        # A form has no null: a parameter that isn't given is left out.
        fields = {**self.required, **self.optional}
        properties = {name: field.file_schema or field.schema for name, field in fields.items()}
        return _object_schema(properties, self.required)


def _object_schema(properties: Schema, required: Fields) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}
