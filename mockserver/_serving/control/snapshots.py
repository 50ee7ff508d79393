"""Snapshots of a whole mock: its state at one moment, to return to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver._serving.service import Service
    from mockserver._world.snapshots import WorldSnapshot


class Part(Protocol):
    """A part of a mock whose state belongs in snapshots, beside the world and its clock."""

    def snapshot(self) -> Any:  # noqa: ANN401 - each part has its own kind of state
        """The state as it is; nothing done to the part later changes it."""
        ...

    def restore(self, state: Any, /) -> None:  # noqa: ANN401 - as above
        """Return to a state, after the world and its clock have returned to theirs."""
        ...


@attrs.frozen(eq=False)
class Snapshot:
    """A mock as it was at one moment. It never changes, and can be restored many times.

    Requests in progress are not part of it.

    Attributes:
        at: When it was taken, in seconds since the world's start.
        is_frozen: Whether the world's time stood still.
        world: The jobs, and all that will happen to them.
        states: The states of the parts of the mock: limits, faults, journal, webhooks and so on.
    """

    at: float
    is_frozen: bool
    world: WorldSnapshot = attrs.field(repr=False)
    states: tuple[object, ...] = attrs.field(repr=False)

    @classmethod
    def of(cls, service: Service, parts: Sequence[Part]) -> Snapshot:
        """Take a snapshot of a service and the other parts of its mock."""
        at = service.now()
        service.world.advance(at)
        return cls(
            at=at,
            is_frozen=service.now.is_frozen,
            world=service.world.snapshot(),
            states=tuple(part.snapshot() for part in parts),
        )

    def restore(self, service: Service, parts: Sequence[Part]) -> None:
        """Return a service and the other parts of its mock to this state.

        Raises:
            ValueError: The snapshot is of another seed.
        """
        # The world first: it refuses a snapshot of another world.
        service.world.restore(self.world)
        service.now.set(self.at)
        if self.is_frozen:
            service.now.freeze()
        else:
            service.now.resume()
        for part, state in zip(parts, self.states, strict=True):
            part.restore(state)
