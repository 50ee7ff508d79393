"""All mutants: deliberate bugs in the library, which the judges must detect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.simulation import mutants_of_jobs, mutants_of_watches
from tests.simulation.mutation import Mutant

MUTANTS: Final[Sequence[Mutant]] = [*mutants_of_jobs.MUTANTS, *mutants_of_watches.MUTANTS]
"""All mutants."""
