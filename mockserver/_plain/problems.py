"""What is wrong with plain data, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

_SHOWN: Final = 40
"""How many characters of a wrong value an error shows."""


class PlainError(ValueError):
    """Plain data that describes no setting.

    Attributes:
        problems: What is wrong, each in a sentence that begins with its place in the data, as in
            `faults[2].when.nth must be an integer, not 'x'`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems: tuple[str, ...] = tuple(problems)

    def __reduce__(self) -> tuple[object, ...]:
        # By default exceptions are unpickled from their message.
        return type(self), (self.problems,)


@attrs.frozen
class Place:
    """A place in the data.

    Attributes:
        problems: The problems found so far, here and anywhere else.
        path: Where it is, e.g. `.faults[2].when`.
        depth: How many tables and lists it is within.
        is_secret: Whether problems must not show the value: that of a field without a repr.
    """

    problems: list[str]
    path: str = ""
    depth: int = 0
    is_secret: bool = False

    def at(self, step: str, *, is_secret: bool = False) -> Place:
        """A place within this one: `step` is `.name` or `[index]`."""
        return Place(self.problems, self.path + step, self.depth + 1, self.is_secret or is_secret)

    def report(self, words: str) -> None:
        """Report a problem: `words` follow the name of the place."""
        self.problems.append(f"{self.path.removeprefix('.') or 'the data'}{words}")

    def refuse(self, expected: str, data: object) -> None:
        """Report that something else was expected; `expected` as in "must be <expected>"."""
        self.report(f" must be {expected}" + ("" if self.is_secret else f", not {_shown(data)}"))


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
