"""The kinds of parameters: each checks a value, and describes itself as a JSON Schema.

Both are made from the same fields, so that what the API's description promises and what the API
takes can't drift apart. The words of a problem are what the client reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import attrs

from mockserver._files.png import PNG_SIGNATURE

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, of the draft 2020-12 as in OpenAPI 3.1."""

# Without \s and \d, which the dialects of regular expressions don't agree on.
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
        words: To stand behind the name of what is wrong, e.g. `"must be an object"`.
        status_code: 400 for what the schema forbids; 422 for what a schema can't express.
    """

    words: str
    status_code: int = 400

    def at(self, place: str) -> Problem:
        """The problem of the whole, of which the part at `place` has this one."""
        return Problem(f"{place} {self.words}", self.status_code)


class Field(Protocol):
    """One kind of parameter."""

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        ...

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        ...


@attrs.frozen
class Text:
    """Text of so many characters."""

    low: int
    high: int

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if isinstance(value, str) and self.low <= len(value) <= self.high:
            return None
        return Problem(f"must be text of {self.low} to {self.high} characters")

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        return {"type": "string", "minLength": self.low, "maxLength": self.high}


@attrs.frozen
class Url:
    """An http or https URL, with a host."""

    longest: int = 8192

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if isinstance(value, str) and len(value) <= self.longest and _URL.fullmatch(value):
            return None
        return Problem(f"must be an http or https URL of at most {self.longest} characters")

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        return {"type": "string", "maxLength": self.longest, "pattern": _URL_PATTERN}


@attrs.frozen
class Integer:
    """An integer, in a range or any."""

    low: int | None = None
    high: int | None = None

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        # In Python, true is an integer; in JSON it isn't. In JSON, 1.0 is one.
        if (
            (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
            and not isinstance(value, bool)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
        ):
            return None
        if self.low is None:
            return Problem("must be an integer")
        return Problem(f"must be an integer from {self.low} to {self.high}")

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        bounds = {"minimum": self.low, "maximum": self.high}
        return {"type": "integer"} | {k: v for k, v in bounds.items() if v is not None}


@attrs.frozen
class Number:
    """A number in a range."""

    low: float
    high: float

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and self.low <= value <= self.high
        ):
            return None
        return Problem(f"must be a number from {self.low} to {self.high}")

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@attrs.frozen
class OneOf:
    """One of some texts."""

    choices: tuple[str, ...]

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if value in self.choices:
            return None
        return Problem(f"must be one of {', '.join(self.choices)}")

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        return {"type": "string", "enum": list(self.choices)}


@attrs.frozen
class ListOf:
    """A list of so many of one kind."""

    item: Field
    low: int
    high: int | None = None

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if not isinstance(value, list) or len(value) < self.low:
            return Problem(f"must be a list of at least {self.low}")
        if self.high is not None and len(value) > self.high:
            return Problem(f"must be a list of at most {self.high}")
        for number, member in enumerate(value):
            if problem := self.item.problem(member):
                return problem.at(f"[{number}]")
        return None

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        schema = {"type": "array", "items": self.item.schema(), "minItems": self.low}
        return schema if self.high is None else schema | {"maxItems": self.high}


@attrs.frozen
class Object:
    """An object with certain fields, and whatever else it has."""

    fields: Mapping[str, Field]

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if not isinstance(value, dict):
            return Problem("must be an object")
        for name, field in self.fields.items():
            if name not in value:
                return Problem(f"{name} is required")
            if problem := field.problem(value[name]):
                return problem.at(name)
        return None

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        return {
            "type": "object",
            "properties": {name: field.schema() for name, field in self.fields.items()},
            "required": list(self.fields),
        }


@attrs.frozen
class Points:
    """The corners of a polygon: x and y by turns, of three or more."""

    _coordinates: ListOf = ListOf(Integer(), 6)

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if problem := self._coordinates.problem(value):
            return problem
        assert isinstance(value, list)  # noqa: S101 - checked on the line above
        return Problem("must be x and y by turns", 422) if len(value) % 2 else None

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema; that there are as many x as y it can't say."""
        return self._coordinates.schema()


@attrs.frozen
class Mask:
    """What to paint over: areas, the URL of a mask, or both; either may be null."""

    areas: Field
    url: Field

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if not isinstance(value, dict):
            return Problem("must be an object with areas or a url")
        given = {name: part for name in self._parts if (part := value.get(name)) is not None}
        if not given:
            return Problem("must have areas or a url")
        for name, part in given.items():
            if problem := self._parts[name].problem(part):
                return problem.at(name)
        return None

    def schema(self) -> Schema:
        """Which values are right, as a JSON Schema."""
        return {
            "type": "object",
            "properties": {name: nullable(part.schema()) for name, part in self._parts.items()},
            "anyOf": [
                {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                for name in self._parts
            ],
        }

    @property
    def _parts(self) -> Mapping[str, Field]:
        return {"areas": self.areas, "url": self.url}


@attrs.frozen
class MaskOrFile:
    """A mask as JSON has it, or in a form the bytes of a PNG file."""

    mask: Mask

    def problem(self, value: object) -> Problem | None:
        """What is wrong with this value; None for nothing."""
        if isinstance(value, bytes):
            if value.startswith(PNG_SIGNATURE):
                return None
            return Problem("must be a PNG file", 422)
        return self.mask.problem(value)

    def schema(self) -> Schema:
        """Which values are right in JSON, as a JSON Schema."""
        return self.mask.schema()

    @staticmethod
    def file_schema() -> Schema:
        """Which values are right in a form, as a JSON Schema."""
        return {"type": "string", "contentMediaType": "image/png"}


def nullable(schema: Schema) -> Schema:
    """This schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}
