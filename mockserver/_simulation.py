"""A mock for simulating a batch: its settings are plain data.

The command line of `legnext_stream` finds it by the entry point group `legnext_stream.simulation`,
as the two packages never import each other.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from mockserver._plain import from_plain
from mockserver._scenario import Scenario
from mockserver._world.scripts import TERMINAL


class Simulation:
    """A simulated account, and what really happened in it.

    Args:
        settings: A `Scenario` as plain data, as in a scenario file.

    Raises:
        ValueError: It is no scenario; the message has all problems.
    """

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._mock = from_plain(Scenario, settings).mock()

    def transport(self) -> httpx.AsyncBaseTransport:
        """A transport to the mock, in the same Trio run."""
        # Only faults need bytes that can be damaged, and connections that can break.
        return self._mock.transport(framing=bool(self._mock.faults))

    def ended_at(self) -> dict[str, float]:
        """When each job that has ended did so, in seconds since the world's start."""
        return {
            job_id: changes[-1].at
            for job_id, changes in self._mock.truth.items()
            if changes[-1].status in TERMINAL
        }
