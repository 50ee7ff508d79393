"""How long answers take, drawn for each path by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver._world.recent import Recent

if TYPE_CHECKING:
    from mockserver._world.durations import Distribution
    from mockserver._world.randomness import Randomness


class Latency:
    """The time that answers take, in the world's seconds, drawn from a distribution."""

    def __init__(self, distribution: Distribution, randomness: Randomness) -> None:
        self._distribution = distribution
        self._randomness = randomness
        self._counts: Recent[int] = Recent(int)

    def draw(self, method: str, path: str) -> float:
        """Draw the time for the next answer to a request, in the world's seconds.

        It depends on how many requests for the same path came before, and on no other requests.
        """
        key = f"{method} {path}"
        self._counts[key] = count = self._counts[key] + 1
        return self._distribution.quantile(self._randomness.uniform("latency", key, count))

    def snapshot(self) -> Recent[int]:
        """The counts as they are, to return to."""
        return self._counts.copy(int)

    def restore(self, counts: Recent[int]) -> None:
        """Return to the counts of a snapshot."""
        self._counts = counts.copy(int)
