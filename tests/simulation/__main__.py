"""Try many seeds: worlds with every kind of trouble, watched, judged, and counted.

    python -m tests.simulation --seeds 500
    python -m tests.simulation --seed 123     # one of them again, and the plainest case that fails so
    python -m tests.simulation --mutants      # break the library on purpose: all is noticed

Progress goes to stderr, figures to stdout. With `--page docs/reliability.md` they are put there. The
status is 0 if nothing was found wrong, 1 if something was, and 130 after Ctrl-C, which still prints
what there is by then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.pages import command_line, write_into
from tests.simulation.campaign import Catch, campaign, hunt, line_for, plainest
from tests.simulation.cases import drawn
from tests.simulation.mutants import MUTANTS
from tests.simulation.report import clause_table, fault_table, figures, mutant_table
from tests.simulation.trials import Tally, Trial, try_case

_MOST_SEEDS = 200
"""A mutant that so many seeds have not caught is not caught."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first (default: 0)")
    parser.add_argument("--seed", type=int, help="this one only, with all that can be said of it")
    parser.add_argument("--mutants", action="store_true", help="try them on a broken library")
    parser.add_argument("--page", type=Path, help="where to put the figures, e.g. a page's file")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _one(given.seed)
    command = command_line("tests.simulation", arguments)
    if given.mutants:
        return _mutants(given.page, command)
    return _many(range(given.first, given.first + given.seeds), given.page, command)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _many(seeds: range, page: Path | None, command: str) -> int:
    tally, is_whole = Tally(), True

    def on_trial(seed: int, trial: Trial) -> None:
        for clause, wrong in trial.wrong[:3]:
            _say(f"seed {seed} breaks {clause!r}: {wrong.said[:300]}")
        if trial.wrong:
            _say(f"  again: {line_for(seed)}")
        done = seed - seeds.start + 1
        if done % 10 == 0 or done == len(seeds):
            hours = tally.seconds / 3600
            _say(f"{done}/{len(seeds)} seeds, {hours:.0f} h, {len(tally.violations)} violations")

    try:
        campaign(seeds, tally, on_trial)
    except KeyboardInterrupt:
        is_whole = False
    parts = {
        "campaign": figures(tally),
        "coverage": fault_table(tally),
        "clauses": clause_table(tally),
    }
    print(*parts.values(), sep="\n")
    if page is not None and is_whole:
        for name, text in parts.items():
            write_into(page, name, command, text)
    return 130 if not is_whole else int(bool(tally.violations))


def _one(seed: int) -> int:
    trial = try_case(drawn(seed))
    for clause, wrong in trial.wrong:
        print(f"{clause}: {wrong.said}" + (f" (job {wrong.job_id})" if wrong.job_id else ""))
    if not trial.wrong:
        print(f"seed {seed}: nothing wrong in {sum(trial.looked.values())} findings")
        return 0
    _say("looking for the plainest case that fails so ...")
    clause = trial.wrong[0][0]
    case = plainest(seed, clause)
    print(f"\n{clause!r} is broken in this case too:\n\n{case!r}\n\nagain: {line_for(seed)}")
    return 1


def _mutants(page: Path | None, command: str) -> int:
    catches: list[Catch] = []
    try:
        catches += _told(hunt(mutant, range(_MOST_SEEDS)) for mutant in MUTANTS)
    except KeyboardInterrupt:
        return 130
    caught = sum(each.seed is not None for each in catches)
    text = f"{caught} of {len(catches)} are caught.\n\n{mutant_table(catches)}"
    print(text)
    if page is not None:
        write_into(page, "mutants", command, text)
    return int(caught < len(catches))


def _told(catches: Iterable[Catch]) -> Iterator[Catch]:
    for each in catches:
        verdict = "NOT CAUGHT" if each.seed is None else f"caught by seed {each.seed}"
        _say(f"{each.mutant.name}: {verdict}")
        yield each


if __name__ == "__main__":
    sys.exit(main())
