"""The campaign's figures, as text and tables for a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockserver._faults import FAULTS
from tests.simulation.campaign import Catch
from tests.simulation.judges import CLAUSES
from tests.simulation.trials import NO_FAULT, REPEATABLE, STATUSES, Tally


def figures(tally: Tally) -> str:
    """The totals of a campaign."""
    lines = [
        f"- {tally.seeds:,} seeds, each run twice: {tally.seconds / 3600:,.1f} simulated hours a run",
        f"- {tally.jobs:,} jobs, {tally.requests:,} requests, {tally.events:,} events",
        f"- {tally.sessions:,} watches, {tally.restarts:,} of them resumed from a journal",
        f"- {tally.cancelled:,} watches were left early or ended with an error",
        f"- {sum(tally.faults.values()):,} faults occurred, of {len(tally.faults)} kinds",
        f"- **{len(tally.violations)} violations**",
    ]
    return "\n".join(lines) + "\n"


def fault_table(tally: Tally) -> str:
    """Fault × true status: how many jobs were affected, and how many clauses were then checked."""
    rows = [
        ["fault", *STATUSES, "requests"],
        *(
            [
                kind,
                *(_cell(tally, kind, status) for status in STATUSES),
                f"{tally.faults[kind]:,}" if kind != NO_FAULT else "",
            ]
            for kind in (*(fault.__name__ for fault in FAULTS), NO_FAULT)
        ),
    ]
    return _table(rows)


def _cell(tally: Tally, kind: str, status: str) -> str:
    counts = [
        count
        for (fault, column, _), count in tally.cells.items()
        if (fault, column) == (kind, status)
    ]
    return f"{max(counts):,} ({len(counts)})" if counts else "·"


def clause_table(tally: Tally) -> str:
    """Each clause: how often it was checked, and for how many pairs of fault and status."""
    rows = [["clause", "times it held", "fault × status"]]
    for clause in (*CLAUSES, REPEATABLE):
        cells = {cell[:2] for cell in tally.cells if cell[2] == clause}
        rows.append([clause, f"{tally.held[clause]:,}", f"{len(cells) or '·'}"])
    return _table(rows)


def mutant_table(catches: Iterable[Catch]) -> str:
    """Each mutant, and the clauses that caught it."""
    rows = [["mutant", "seeds", "clauses that failed"]]
    rows += [
        [
            each.mutant.name,
            "**not caught**" if each.seed is None else str(each.tried),
            "; ".join(each.clauses),
        ]
        for each in catches
    ]
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
