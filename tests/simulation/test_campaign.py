"""CI's share of the campaign, and the campaign's own trial: its cases, its shrinking, its command."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver._faults import FAULTS
from tests.simulation import __main__ as command
from tests.simulation.campaign import campaign, plainest
from tests.simulation.cases import Case, drawn
from tests.simulation.judges import CLAUSES
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.report import clause_table, fault_table, figures
from tests.simulation.trials import REPEATABLE, Tally, Trial, try_case

SEEDS = (*range(40), 65, 72)
"""CI's share; a campaign has hundreds. The last two for the clause that is seldom met with."""


@pytest.fixture(scope="module")
def tally() -> Tally:
    """What a few seeds have come to."""
    return campaign(range(3))


def named(words: str) -> Mutant:
    """The mutant whose name has these words."""
    (found,) = (mutant for mutant in MUTANTS if words in mutant.name)
    return found


def test_the_contract_holds_under_a_few_seeds(tally: Tally) -> None:
    """No clause is broken, and two runs of one seed are the same byte for byte."""
    assert tally.violations == []
    assert tally.seeds == tally.looked[REPEATABLE] == 3


@pytest.mark.campaign
def test_the_contract_holds() -> None:
    """No clause is broken under any seed, and faults of nearly all kinds were met in all statuses."""
    tally = campaign(SEEDS)
    assert tally.violations == []
    assert tally.seeds == tally.looked[REPEATABLE] == len(SEEDS)
    assert tally.restarts > 40
    assert tally.cancelled > 20
    assert len(tally.faults) >= len(FAULTS) - 5
    assert {clause for clause in CLAUSES if tally.looked[clause] == 0} == set()
    pairs = {cell[:2] for cell in tally.cells}
    assert len(pairs) > 80


def test_a_seed_is_always_the_same_case() -> None:
    """What a seed stands for doesn't depend on what was drawn before."""
    first = drawn(11)
    drawn.cache_clear()
    assert drawn(11) == first != drawn(12)


def test_what_fails_is_made_plain() -> None:
    """Of a case that fails, what doesn't matter for the failure is left out."""
    with named("dated too early").applied():
        case = plainest(3, "1 not before it happened")
    assert sum(jobs.count for jobs in case.scenario.jobs) == 1
    assert case.scenario.faults == ()
    assert case.scenario.limit == ()
    assert (case.doom, case.nobody, case.has_journal, len(case.sittings)) == (None, 0, False, 1)


def test_the_tables_have_all_kinds(tally: Tally) -> None:
    """A fault that was never met has a row as well, and so has each clause."""
    assert f"{tally.seeds} seeds" in figures(tally)
    assert fault_table(tally).count("\n") == len(FAULTS) + 3
    assert clause_table(tally).count("\n") == len(CLAUSES) + 3


# ---------------------------------------------------------------- the command


def page_in(folder: Path) -> Path:
    """A page with a place for each part."""
    page = folder / "page.md"
    parts = ("campaign", "coverage", "clauses", "mutants")
    marks = (f"<!-- {part}: by hand -->\nold\n<!-- {part} end -->\n" for part in parts)
    page.write_text("# Page\n\n" + "\n".join(marks) + "\nThe end.\n")
    return page


def test_the_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are printed, and put on a page in place of the old ones, with the command."""
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


def test_a_page_without_a_place(tmp_path: Path) -> None:
    """Figures are not put anywhere on a page that has no place for them."""
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    with pytest.raises(ValueError, match="no place for campaign"):
        command.main(["--seeds", "1", "--page", str(page)])


def test_one_seed_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A seed that is well says so; one that fails says how, and shows the plainest such case."""
    assert command.main(["--seed", "1"]) == 0
    assert "nothing wrong" in capsys.readouterr().out
    with named("a closed stream").applied():
        assert command.main(["--seed", "1"]) == 1
    said = capsys.readouterr().out
    assert "is broken in this case too" in said
    assert said.endswith("again: python -m tests.simulation --seed 1\n")


def test_what_fails_says_how_to_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A campaign that found something names the clause and the command, and its status is 1."""
    with named("a closed stream").applied():
        assert command.main(["--seeds", "1", "--from", "1"]) == 1
    said = capsys.readouterr()
    assert "seed 1 breaks '7 " in said.err
    assert "again: python -m tests.simulation --seed 1\n" in said.err


def test_ctrl_c_keeps_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A campaign that is broken off prints its figures, but puts none on the page."""
    page = page_in(tmp_path)

    def interrupted(case: Case) -> Trial:
        if case == drawn(2):
            raise KeyboardInterrupt
        return try_case(case)

    monkeypatch.setattr("tests.simulation.campaign.try_case", interrupted)
    assert command.main(["--seeds", "9", "--page", str(page)]) == 130
    assert "2 seeds" in capsys.readouterr().out
    assert page.read_text().count("\nold\n") == 4
