"""Random numbers that are looked up rather than drawn.

A generator gives each caller the next number, so one more request would change all that follows.
Here every number is a hash of the seed and of its purpose. So the same seed gives the same lives,
in whatever order they are asked about.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

import attrs

# A float has 53 bits of precision; the hash has 64.
_BITS_TO_DROP = 11
_STEP = 2.0**-53
# Between the parts of a key. No job id and no purpose contains it, so ("a", "bc") and ("ab", "c")
# are different keys.
_SEPARATOR = "\x1f"


class Randomness:
    """All the random numbers of one world; worlds with the same seed have the same."""

    __slots__ = ("_base", "seed")

    def __init__(self, seed: int) -> None:
        self.seed: int = seed
        self._base = hashlib.blake2b(str(seed).encode(), digest_size=16)

    def digest(self, *key: str | int) -> bytes:
        """The sixteen random bytes that belong to `key`."""
        hasher = self._base.copy()
        hasher.update(_SEPARATOR.join(map(str, ("", *key))).encode())
        return hasher.digest()

    def uniform(self, *key: str | int) -> float:
        """The number in [0, 1) that belongs to `key`."""
        return (int.from_bytes(self.digest(*key)[:8]) >> _BITS_TO_DROP) * _STEP

    def below(self, bound: int, *key: str | int) -> int:
        """The whole number in [0, `bound`) that belongs to `key`."""
        return int(self.uniform(*key) * bound)

    def job_id(self, number: int) -> str:
        """The id of job `number`, counted from 0, in the form of a random UUID."""
        return str(UUID(bytes=self.digest("job-id", number), version=4))

    def of(self, job_id: str) -> Draws:
        """The numbers that belong to one job."""
        return Draws(self, job_id)


@attrs.frozen
class Draws:
    """The random numbers of one job, by purpose."""

    _randomness: Randomness
    job_id: str

    def uniform(self, purpose: str) -> float:
        """The number in [0, 1) that this job has for `purpose`, always the same."""
        return self._randomness.uniform("job", self.job_id, purpose)
