"""Each clause is shown to fail: a library that is broken on purpose is found out by the campaign."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import hunt
from tests.simulation.judges import CLAUSES
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.trials import REPEATABLE

SEEDS = range(300)
"""A campaign of so many seeds finds each of them."""


@pytest.mark.campaign
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    """The clause that it breaks is seen to be broken."""
    assert hunt(mutant, SEEDS).seed is not None


def test_each_clause_has_a_mutant() -> None:
    """There is no clause that could not fail."""
    assert {mutant.breaks for mutant in MUTANTS} == {*CLAUSES, REPEATABLE}
