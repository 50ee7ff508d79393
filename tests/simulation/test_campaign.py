"""A share of the campaign, and tests of the campaign itself: its cases, its shrinking, its command."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver._faults import FAULTS
from tests.simulation import __main__ as command
from tests.simulation.campaign import campaign, minimal_case
from tests.simulation.cases import Case, case_of_seed
from tests.simulation.judges import CLAUSES
from tests.simulation.mutants import MUTANTS
from tests.simulation.mutation import Mutant
from tests.simulation.report import clause_table, fault_table, figures
from tests.simulation.trials import REPEATABLE, Tally, Trial, try_case

SEEDS = (*range(40), 56, 113)
"""The seeds that CI runs. The last two reach a clause that is rarely exercised."""


@pytest.fixture(scope="module")
def tally() -> Tally:
    """The totals of a few seeds."""
    return campaign(range(3))


def named(words: str) -> Mutant:
    """Return the mutant whose name contains these words."""
    (found,) = (mutant for mutant in MUTANTS if words in mutant.name)
    return found


def test_the_contract_holds_under_a_few_seeds(tally: Tally) -> None:
    """No clause is violated, and two runs of a seed are the same byte for byte."""
    assert tally.violations == []
    assert tally.seeds == tally.held[REPEATABLE] == 3


@pytest.mark.campaign
def test_the_contract_holds() -> None:
    """No clause is violated under any seed, and the seeds exercise nearly all faults and statuses."""
    tally = campaign(SEEDS)
    assert tally.violations == []
    assert tally.seeds == tally.held[REPEATABLE] == len(SEEDS)
    assert tally.restarts > 40
    assert tally.cancelled > 20
    assert len(tally.faults) >= len(FAULTS) - 5
    assert {clause for clause in CLAUSES if tally.held[clause] == 0} == set()
    pairs = {cell[:2] for cell in tally.cells}
    assert len(pairs) > 80


def test_a_seed_is_always_the_same_case() -> None:
    """The case of a seed doesn't depend on which cases were made before."""
    first = case_of_seed(11)
    case_of_seed.cache_clear()
    assert case_of_seed(11) == first != case_of_seed(12)


def test_failing_cases_are_shrunk() -> None:
    """Shrinking a failing case leaves out everything that the failure doesn't need."""
    with named("dated too early").applied():
        case = minimal_case(3, "1 not before it happened")
    assert sum(jobs.count for jobs in case.scenario.jobs) == 1
    assert case.scenario.faults == ()
    assert case.scenario.limit == ()
    assert (case.outage, case.unknown_ids, case.has_journal, len(case.sessions)) == (
        None,
        0,
        False,
        1,
    )


def test_the_tables_have_all_kinds(tally: Tally) -> None:
    """The tables have rows for all faults and clauses, even those that did not occur."""
    assert f"{tally.seeds} seeds" in figures(tally)
    assert fault_table(tally).count("\n") == len(FAULTS) + 3
    assert clause_table(tally).count("\n") == len(CLAUSES) + 3


# ---------------------------------------------------------------- the command


def page_in(folder: Path) -> Path:
    """Write a page with marks for each part."""
    page = folder / "page.md"
    parts = ("campaign", "coverage", "clauses", "mutants")
    marks = (f"<!-- {part}: by hand -->\nold\n<!-- {part} end -->\n" for part in parts)
    page.write_text("# Page\n\n" + "\n".join(marks) + "\nThe end.\n")
    return page


def test_the_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints its figures, and replaces the old ones on the page."""
    page = page_in(tmp_path)
    for _ in range(2):
        assert command.main(["--seeds", "2", "--page", str(page)]) == 0
    said = capsys.readouterr()
    assert "**0 violations**" in said.out
    assert "2/2 seeds" in said.err
    content = page.read_text()
    assert (
        content.count("**0 violations**") == content.count("tests.simulation --seeds 2") // 3 == 1
    )
    assert content.endswith("\nThe end.\n")
    assert content.count("\nold\n") == 1, "what the command didn't make is left"


def test_a_page_without_marks(tmp_path: Path) -> None:
    """Writing to a page without marks fails."""
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    with pytest.raises(ValueError, match="no place for campaign"):
        command.main(["--seeds", "1", "--page", str(page)])


def test_repeating_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """Repeating a seed reports that nothing is wrong, or the violations and a minimal case."""
    assert command.main(["--seed", "1"]) == 0
    assert "no violations" in capsys.readouterr().out
    with named("a closed stream").applied():
        assert command.main(["--seed", "1"]) == 1
    said = capsys.readouterr().out
    assert "fails in this case too" in said
    assert said.endswith("repeat it: python -m tests.simulation --seed 1\n")


def test_what_fails_says_how_to_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A campaign with a violation names the clause and the command that repeats it, and exits with 1."""
    with named("a closed stream").applied():
        assert command.main(["--seeds", "1", "--from", "1"]) == 1
    said = capsys.readouterr()
    assert "seed 1 violates '7 " in said.err
    assert "repeat it: python -m tests.simulation --seed 1\n" in said.err


def test_ctrl_c_keeps_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An interrupted campaign prints its figures, but leaves the page alone."""
    page = page_in(tmp_path)

    def interrupted(case: Case) -> Trial:
        if case == case_of_seed(2):
            raise KeyboardInterrupt
        return try_case(case)

    monkeypatch.setattr("tests.simulation.campaign.try_case", interrupted)
    assert command.main(["--seeds", "9", "--page", str(page)]) == 130
    assert "2 seeds" in capsys.readouterr().out
    assert page.read_text().count("\nold\n") == 4
