"""The campaign: seed after seed, and for whatever fails the plainest case that fails the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from tests.simulation.cases import Case, drawn, shrunk
from tests.simulation.mutants import Mutant
from tests.simulation.trials import REPEATABLE, Tally, Trial, try_case


def line_for(seed: int) -> str:
    """The command that repeats a seed."""
    return f"python -m tests.simulation --seed {seed}"


def campaign(
    seeds: Iterable[int],
    tally: Tally | None = None,
    on_trial: Callable[[int, Trial], None] = lambda _seed, _trial: None,
) -> Tally:
    """Try the cases of these seeds, each of them twice.

    Args:
        seeds: The seeds.
        tally: Where to count; by default a new one.
        on_trial: Called with each seed and what came of it.
    """
    tally = Tally() if tally is None else tally
    for seed in seeds:
        trial = try_case(drawn(seed))
        tally.add(seed, trial)
        on_trial(seed, trial)
    return tally


def plainest(seed: int, clause: str) -> Case:
    """The plainest case, found from the one of this seed, in which the same clause is broken.

    Raises:
        hypothesis.errors.NoSuchExample: It isn't broken in the case of this seed.
    """
    return shrunk(seed, lambda case: clause in {broken for broken, _ in try_case(case).wrong})


@attrs.frozen
class Catch:
    """How a mutant was caught.

    Attributes:
        mutant: The mutant.
        seed: The seed that caught it, or None if none did.
        tried: How many seeds it took.
        clauses: The clauses that were broken.
    """

    mutant: Mutant
    seed: int | None
    tried: int
    clauses: tuple[str, ...]


def hunt(mutant: Mutant, seeds: Iterable[int]) -> Catch:
    """Try seeds on a broken library until the clause is broken that this mutant must break.

    Cases that can't show it are passed over.
    """
    tried = 0
    for seed in seeds:
        case = drawn(seed)
        if not mutant.shows_in(case):
            continue
        tried += 1
        with mutant.applied():
            wrong = try_case(case, twice=mutant.breaks == REPEATABLE).wrong
        clauses = tuple(dict.fromkeys(clause for clause, _ in wrong))
        if mutant.breaks in clauses:
            return Catch(mutant, seed, tried, clauses)
    return Catch(mutant, None, tried, ())
