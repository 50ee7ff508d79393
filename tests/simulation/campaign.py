"""The campaign: try seed after seed, and shrink each failing case to a minimal one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from tests.simulation.cases import Case, case_of_seed, shrunk_case
from tests.simulation.mutation import Mutant
from tests.simulation.trials import REPEATABLE, Tally, Trial, try_case


def line_for(seed: int) -> str:
    """Return the command that repeats a seed."""
    return f"python -m tests.simulation --seed {seed}"


def campaign(
    seeds: Iterable[int],
    tally: Tally | None = None,
    on_trial: Callable[[int, Trial], None] = lambda _seed, _trial: None,
) -> Tally:
    """Try the cases of these seeds, twice each.

    Args:
        seeds: The seeds.
        tally: Where to count; by default a new one.
        on_trial: Called with each seed and its trial.
    """
    tally = Tally() if tally is None else tally
    for seed in seeds:
        trial = try_case(case_of_seed(seed))
        tally.add(seed, trial)
        on_trial(seed, trial)
    return tally


def minimal_case(seed: int, clause: str) -> Case:
    """Return a minimal case in which the same clause fails as in the case of this seed.

    Raises:
        hypothesis.errors.NoSuchExample: The clause doesn't fail in the case of this seed.
    """
    return shrunk_case(seed, lambda case: clause in {broken for broken, _ in try_case(case).wrong})


@attrs.frozen
class Catch:
    """How a mutant was caught.

    Attributes:
        mutant: The mutant.
        seed: The seed that caught it, or None if none did.
        tried: How many seeds were tried.
        clauses: The clauses that failed.
    """

    mutant: Mutant
    seed: int | None
    tried: int
    clauses: tuple[str, ...]


def hunt(mutant: Mutant, seeds: Iterable[int]) -> Catch:
    """Try seeds on a mutant of the library until the clause fails that it must violate.

    Cases that can't show the mutation are skipped.
    """
    tried = 0
    for seed in seeds:
        case = case_of_seed(seed)
        if not mutant.shows_in(case):
            continue
        tried += 1
        with mutant.applied():
            wrong = try_case(case, twice=mutant.breaks == REPEATABLE).wrong
        clauses = tuple(dict.fromkeys(clause for clause, _ in wrong))
        if mutant.breaks in clauses:
            return Catch(mutant, seed, tried, clauses)
    return Catch(mutant, None, tried, ())
