"""A mock for whoever asks "what would happen if", and must not know this package: plain data in.

It is found by the entry point group `legnext_stream.simulation`, which is how the command line of
`legnext_stream` simulates a batch: the two packages never import each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver._plain import from_plain
from mockserver._scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

_ENDS = frozenset({"completed", "failed"})


class Simulation:
    """A simulated account, and what really happened in it.

    Args:
        settings: A scenario as plain data, as a scenario file has it; see `Scenario`.

    Raises:
        ValueError: It is no scenario; the message says what is wrong with it.
    """

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._mock = from_plain(Scenario, settings).mock()

    def transport(self) -> httpx.AsyncBaseTransport:
        """A transport that leads to it, in the same Trio run."""
        return self._mock.transport()

    def ended_at(self) -> dict[str, float]:
        """When each job ended that has, in seconds since the world's start."""
        return {
            job_id: changes[-1].at
            for job_id, changes in self._mock.truth.items()
            if changes[-1].status in _ENDS
        }
