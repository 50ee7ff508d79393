"""State by name where names come from outside: bounded, as nobody can say how many will come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

MOST: Final = 1_000_000
"""So many names are kept: as many jobs as a large world has."""

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Values by name; of too many, the one that was used longest ago is forgotten.

    Args:
        make: Makes the value of a name that isn't known, or no longer.
        most: How many are kept.
    """

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
        """The value of a name, made if need be."""
        try:
            value = self._values.pop(name)
        except KeyError:
            value = self._make()
            if len(self._values) >= self._most:
                del self._values[next(iter(self._values))]
        self._values[name] = value
        return value

    def __setitem__(self, name: str, value: Value) -> None:
        """Give a name that has been looked up another value."""
        self._values[name] = value

    def forget(self, beginning: str) -> None:
        """Forget all names that begin so."""
        self._values = {
            name: value for name, value in self._values.items() if not name.startswith(beginning)
        }

    def copy(self, copy_value: Callable[[Value], Value]) -> Recent[Value]:
        """Another one with copies of the values."""
        other = Recent(self._make, self._most)
        other._values = {name: copy_value(value) for name, value in self._values.items()}
        return other
