"""Each clause can fail: the campaign detects deliberate bugs in the library."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import hunt
from tests.simulation.judges import CLAUSES
from tests.simulation.mutants import MUTANTS
from tests.simulation.mutation import Mutant
from tests.simulation.trials import REPEATABLE

SEEDS = range(300)
"""A campaign with these seeds detects each mutant."""


@pytest.mark.campaign
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    """The mutant violates the clause that it is meant to violate, and the judges notice."""
    assert hunt(mutant, SEEDS).seed is not None


def test_each_clause_has_a_mutant() -> None:
    """Each clause has a mutant that violates it."""
    assert {mutant.breaks for mutant in MUTANTS} == {*CLAUSES, REPEATABLE}
