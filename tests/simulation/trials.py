"""A trial: a case is run twice and judged, and what it has exercised is counted."""

from __future__ import annotations

from collections import Counter
from typing import Final, TypeAlias

import attrs

from mockserver._faults.connection import Refuse
from tests.simulation.cases import Case
from tests.simulation.evidence import ENDS, NOBODY, Evidence
from tests.simulation.findings import Looked, Wrong
from tests.simulation.judges import CLAUSES
from tests.simulation.outcome import Outcome
from tests.simulation.running import run

REPEATABLE: Final = "same seed, same bytes"
"""The clause that needs two runs."""
SOUND: Final = "the mock is sound"
"""What is asked of the mock, so that it can be the witness."""
NO_FAULT: Final = "no fault"
ON_CONNECTING: Final = "on connecting"
STATUSES: Final = (
    *("pending", "staged", "processing", "retry", "an unknown word", "completed", "failed"),
    *(NOBODY, ON_CONNECTING),
)
"""What jobs truly are when they are asked about."""

Cell: TypeAlias = tuple[str, str, str]
"""A fault, the true status of the job that was asked about, and a clause."""


@attrs.define
class Tally:
    """What trials have come to.

    Attributes:
        seeds: How many cases were tried.
        seconds: How much simulated time they took, once each.
        jobs: How many jobs they had.
        requests: How many requests were made.
        events: How many events were told, to all readers.
        sittings: How many watches there were.
        restarts: How many of them went on from a journal.
        cancelled: How many watches were left before their end, or ended by an error.
        faults: How often each kind of fault was met.
        looked: How often each clause was found to hold.
        cells: Fault × status × clause → how many jobs met the fault in that status and were judged
            by the clause.
        violations: What was found wrong: the seed, the clause and what was said.
    """

    seeds: int = 0
    seconds: float = 0.0
    jobs: int = 0
    requests: int = 0
    events: int = 0
    sittings: int = 0
    restarts: int = 0
    cancelled: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    looked: Counter[str] = attrs.field(factory=Counter)
    cells: Counter[Cell] = attrs.field(factory=Counter)
    violations: list[tuple[int, str, str]] = attrs.field(factory=list)

    def add(self, seed: int, trial: Trial) -> None:
        """Count a trial in."""
        outcome = trial.outcome
        self.seeds += 1
        self.seconds += outcome.seconds
        self.jobs += len(outcome.truth)
        self.requests += len(outcome.requests)
        self.events += sum(len(each.told) for sat in outcome.sats for each in sat.readings)
        self.sittings += len(outcome.sats)
        self.restarts += outcome.restarts
        self.cancelled += sum(not sat.main.has_ended for sat in outcome.sats)
        self.faults += trial.faults
        self.looked += trial.looked
        self.cells += trial.cells
        self.violations += [(seed, clause, wrong.said) for clause, wrong in trial.wrong]


@attrs.frozen
class Trial:
    """What came of a trial.

    Attributes:
        outcome: What came of its case.
        wrong: What was found wrong, with the clause.
        looked: How often each clause was found to hold.
        faults: How often each kind of fault was met.
        cells: As in `Tally`.
    """

    outcome: Outcome
    wrong: list[tuple[str, Wrong]]
    looked: Counter[str]
    faults: Counter[str]
    cells: Counter[Cell]


def try_case(case: Case, *, twice: bool = True) -> Trial:
    """Run a case and judge it.

    Args:
        case: The case.
        twice: Whether to run it a second time, and to compare.
    """
    outcome = run(case)
    evidence = Evidence(outcome)
    wrong: list[tuple[str, Wrong]] = []
    looked: Counter[str] = Counter()
    jobs: dict[str, set[str | None]] = {}
    for clause, judge in CLAUSES.items():
        for finding in judge(evidence):
            if isinstance(finding, Looked):
                looked[clause] += 1
                jobs.setdefault(clause, set()).add(finding.job_id)
            else:
                wrong.append((clause, finding))
    wrong += [(SOUND, Wrong(repr(crash))) for crash in outcome.crashes]
    if twice:
        again = run(case)
        if (again.journal, again.log) == (outcome.journal, outcome.log):
            looked[REPEATABLE] += 1
        else:
            wrong.append((REPEATABLE, Wrong("two runs differ")))
    return Trial(outcome, wrong, looked, *_exercised(evidence, jobs))


def _exercised(
    evidence: Evidence, jobs: dict[str, set[str | None]]
) -> tuple[Counter[str], Counter[Cell]]:
    """The faults that were met, and the cells in which clauses were judged."""
    faults: Counter[str] = Counter()
    met: dict[str, set[tuple[str, str]]] = {}
    for job_id, records in evidence.per_job.items():
        for record in records:
            kinds = {type(fault).__name__ for fault in evidence.met(record)}
            faults.update(kinds)
            status = _column(evidence.status(job_id, record.at))
            met.setdefault(job_id, set()).update((kind, status) for kind in kinds or {NO_FAULT})
    refused = Refuse.__name__
    if evidence.outcome.refused:
        faults[refused] += evidence.outcome.refused
    cells: Counter[Cell] = Counter()
    for clause, judged in jobs.items():
        if evidence.outcome.refused:
            cells[refused, ON_CONNECTING, clause] += 1
        for job_id, pairs in met.items():
            # A clause about the watch is about all that its jobs have met.
            if job_id in judged or None in judged:
                cells.update((kind, status, clause) for kind, status in pairs)
    return faults, cells


def _column(status: str) -> str:
    return status if status in {*STATUSES, *ENDS} else "an unknown word"
