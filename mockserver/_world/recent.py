"""A bounded table, for state by names that come from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

MOST: Final = 1_000_000
"""How many names are kept: as many as a large world has jobs."""

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Values by name, made as needed. Of too many, the least recently used one is dropped."""

    __slots__ = ("_make", "_most", "_values")

    def __init__(self, make: Callable[[], Value], most: int = MOST) -> None:
        self._make = make
        self._most = most
        # A dict keeps the order in which its keys came in, the first being the oldest.
        self._values: dict[str, Value] = {}

    def __len__(self) -> int:
        """How many names are known."""
        return len(self._values)

    def __getitem__(self, name: str) -> Value:
        """The value of a name, made if there is none."""
        try:
            value = self._values.pop(name)
        except KeyError:
            value = self._make()
            if len(self._values) >= self._most:
                del self._values[next(iter(self._values))]
        self._values[name] = value
        return value

    def __setitem__(self, name: str, value: Value) -> None:
        """Set the value of a name that has been looked up."""
        self._values[name] = value

    def forget(self, beginning: str) -> None:
        """Drop all names with this beginning."""
        self._values = {
            name: value for name, value in self._values.items() if not name.startswith(beginning)
        }

    def copy(self, copy_value: Callable[[Value], Value]) -> Recent[Value]:
        """A table with copies of the values."""
        other = Recent(self._make, self._most)
        other._values = {name: copy_value(value) for name, value in self._values.items()}
        return other
