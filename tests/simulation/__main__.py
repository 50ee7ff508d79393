"""Run a campaign: many seeds, each a simulated world full of faults, in which all clauses are checked.

    python -m tests.simulation --seeds 500
    python -m tests.simulation --seed 123     # repeat one seed, and shrink its case if it fails
    python -m tests.simulation --mutants      # check that deliberate bugs are detected

Progress goes to stderr, figures to stdout. `--page docs/reliability.md` also writes the figures to that
page. The exit status is 0 without violations, 1 with violations, and 130 after Ctrl-C, which still prints
the figures so far.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.pages import command_line, write_into
from tests.simulation.campaign import Catch, campaign, hunt, line_for, minimal_case
from tests.simulation.cases import case_of_seed
from tests.simulation.mutants import MUTANTS
from tests.simulation.report import clause_table, fault_table, figures, mutant_table
from tests.simulation.trials import Tally, Trial, try_case

_MOST_SEEDS = 200
"""A mutant that this many seeds have not caught counts as not caught."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first (default: 0)")
    parser.add_argument("--seed", type=int, help="only this one, with details")
    parser.add_argument(
        "--mutants", action="store_true", help="check that deliberate bugs are detected"
    )
    parser.add_argument("--page", type=Path, help="a page to write the figures to")
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
            _say(f"seed {seed} violates {clause!r}: {wrong.said[:300]}")
        if trial.wrong:
            _say(f"  repeat it: {line_for(seed)}")
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
    trial = try_case(case_of_seed(seed))
    for clause, wrong in trial.wrong:
        print(f"{clause}: {wrong.said}" + (f" (job {wrong.job_id})" if wrong.job_id else ""))
    if not trial.wrong:
        print(f"seed {seed}: no violations in {sum(trial.held.values())} checks")
        return 0
    _say("shrinking the case ...")
    clause = trial.wrong[0][0]
    case = minimal_case(seed, clause)
    print(f"\n{clause!r} fails in this case too:\n\n{case!r}\n\nrepeat it: {line_for(seed)}")
    return 1


def _mutants(page: Path | None, command: str) -> int:
    catches: list[Catch] = []
    try:
        catches += _report(hunt(mutant, range(_MOST_SEEDS)) for mutant in MUTANTS)
    except KeyboardInterrupt:
        return 130
    caught = sum(each.seed is not None for each in catches)
    text = f"{caught} of {len(catches)} mutants are caught.\n\n{mutant_table(catches)}"
    print(text)
    if page is not None:
        write_into(page, "mutants", command, text)
    return int(caught < len(catches))


def _report(catches: Iterable[Catch]) -> Iterator[Catch]:
    for each in catches:
        verdict = "NOT CAUGHT" if each.seed is None else f"caught by seed {each.seed}"
        _say(f"{each.mutant.name}: {verdict}")
        yield each


if __name__ == "__main__":
    sys.exit(main())
