"""Limits that count the requests of a window of time.

They let a whole window's requests through at once, and then none for as long as the window lasts:
what a client that knows only of steady rates runs into again and again.
"""

from __future__ import annotations

import copy
import math
from collections import deque

import attrs

from mockserver._world.limits.limit import ADMITTED, FORGIVEN, Admitted, Hint, Refused


def _seconds(_instance: object, _attribute: object, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"a window lasts a number of seconds, above 0, not {value}")


@attrs.define
class SlidingWindow:
    """Admits `quota` requests in any `seconds`.

    A refused request does not count.

    Attributes:
        quota: Requests in a window.
        seconds: How long a window is.
    """

    quota: int = attrs.field(validator=attrs.validators.ge(1), on_setattr=attrs.setters.frozen)
    seconds: float = attrs.field(validator=_seconds, on_setattr=attrs.setters.frozen)
    # When the requests that still count were admitted, the oldest first.
    _admitted: deque[float] = attrs.field(factory=deque, init=False, repr=False, eq=False)

    def _drop(self, t: float) -> None:
        gone = t - self.seconds + FORGIVEN
        while self._admitted and self._admitted[0] <= gone:
            self._admitted.popleft()

    def admit(self, t: float, /) -> Admitted | Refused:
        """Admit it if the `seconds` up to now have seen fewer than `quota`."""
        verdict = self.verdict(t)
        if verdict is ADMITTED:
            # A request that is asked about late counts with the latest before it.
            self._admitted.append(max(t, self._admitted[-1]) if self._admitted else t)
        return verdict

    def verdict(self, t: float, /) -> Admitted | Refused:
        """Whether the `seconds` up to now have seen fewer than `quota`."""
        self._drop(t)
        if len(self._admitted) < self.quota:
            return ADMITTED
        return Refused(self._until_a_place(t))

    def _until_a_place(self, t: float) -> float:
        return self._admitted[0] + self.seconds - t if self._admitted else 0.0

    def finish(self, t: float, /) -> None:
        """Nothing to note: a request counts from its arrival."""

    def hint(self, t: float, /) -> Hint:
        """The quota, its window, and when the oldest request that counts will count no more."""
        self._drop(t)
        remaining = self.quota - len(self._admitted)
        return Hint(self.quota, self.seconds, remaining, self._until_a_place(t))

    def fresh(self) -> SlidingWindow:
        """The same, with no request counted."""
        return SlidingWindow(self.quota, self.seconds)

    def copy(self) -> SlidingWindow:
        """The same, with the same requests counted."""
        other = copy.copy(self)
        other._admitted = self._admitted.copy()  # noqa: SLF001 - of its own class
        return other


@attrs.define
class FixedWindow:
    """Admits `quota` requests in each window; a new window begins at each multiple of `seconds`.

    Around such a moment it lets twice the quota pass.

    Attributes:
        quota: Requests in a window.
        seconds: How long a window is.
    """

    quota: int = attrs.field(validator=attrs.validators.ge(1), on_setattr=attrs.setters.frozen)
    seconds: float = attrs.field(validator=_seconds, on_setattr=attrs.setters.frozen)
    _number: int = attrs.field(default=0, init=False, repr=False, eq=False)
    _count: int = attrs.field(default=0, init=False, repr=False, eq=False)

    def _turn(self, t: float) -> None:
        number = math.floor((t + FORGIVEN) / self.seconds)
        # Never back: a request that is asked about late counts in the newest window.
        if number > self._number:
            self._number, self._count = number, 0

    def admit(self, t: float, /) -> Admitted | Refused:
        """Admit it if this window has seen fewer than `quota`."""
        verdict = self.verdict(t)
        self._count += verdict is ADMITTED
        return verdict

    def verdict(self, t: float, /) -> Admitted | Refused:
        """Whether this window has seen fewer than `quota`."""
        self._turn(t)
        return ADMITTED if self._count < self.quota else Refused(self._until_the_next(t))

    def _until_the_next(self, t: float) -> float:
        return (self._number + 1) * self.seconds - t

    def finish(self, t: float, /) -> None:
        """Nothing to note: a request counts from its arrival."""

    def hint(self, t: float, /) -> Hint:
        """The quota, its window, what is left of it, and when the next window begins."""
        self._turn(t)
        remaining = self.quota - self._count
        return Hint(self.quota, self.seconds, remaining, self._until_the_next(t))

    def fresh(self) -> FixedWindow:
        """The same, with no request counted."""
        return FixedWindow(self.quota, self.seconds)

    def copy(self) -> FixedWindow:
        """The same, with the same requests counted."""
        return copy.copy(self)
