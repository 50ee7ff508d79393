"""What a mutant is: a deliberate bug in the library, which the judges must detect.

A mutant breaks one thing, by patching the library while it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import attrs

from tests.simulation.cases import Case

Patch = AbstractContextManager[Any]
Patches = Callable[[], list[Patch]]


@attrs.frozen
class Mutant:
    """A deliberate bug.

    Attributes:
        name: What is broken.
        patches: Returns the patches that break it.
        breaks: The clause that it violates, perhaps among others.
        shows_in: Whether the bug can show in a case at all.
    """

    name: str
    patches: Callable[[], list[Patch]]
    breaks: str
    shows_in: Callable[[Case], bool]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A context in which the library is broken."""
        with ExitStack() as stack:
            for each in self.patches():
                stack.enter_context(each)
            yield


class Mutants(list[Mutant]):
    """A list of mutants, each registered by a decorator."""

    def mutant(
        self, name: str, *, breaks: str, shows_in: Callable[[Case], bool] = lambda _case: True
    ) -> Callable[[Patches], Patches]:
        """Register the decorated function, which returns the patches of a mutant.

        Args:
            name: What is broken.
            breaks: The clause that it violates.
            shows_in: Whether the bug can show in a case at all.
        """

        def register(patches: Patches) -> Patches:
            self.append(Mutant(name, patches, breaks, shows_in))
            return patches

        return register
