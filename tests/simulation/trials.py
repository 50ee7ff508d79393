"""A trial: run a case twice, judge it, and count what it has exercised."""

from __future__ import annotations

from collections import Counter
from typing import Final, TypeAlias

import attrs

from mockserver._faults.connection import Refuse
from tests.simulation.cases import Case
from tests.simulation.evidence import ENDS, NO_SUCH_JOB, Evidence
from tests.simulation.findings import Held, Violated
from tests.simulation.judges import CLAUSES
from tests.simulation.outcome import Outcome
from tests.simulation.running import run

REPEATABLE: Final = "same seed, same bytes"
"""The clause that needs two runs."""
SOUND: Final = "the mock is sound"
"""What is checked of the mock, because the judges rely on it."""
NO_FAULT: Final = "no fault"
ON_CONNECTING: Final = "on connecting"
STATUSES: Final = (
    *("pending", "staged", "processing", "retry", "an unknown word", "completed", "failed"),
    *(NO_SUCH_JOB, ON_CONNECTING),
)
"""The true statuses of jobs when they are polled."""

Cell: TypeAlias = tuple[str, str, str]
"""A fault, the true status of the polled job, and a clause."""


@attrs.define
class Tally:
    """The totals of several trials.

    Attributes:
        seeds: How many cases were tried.
        seconds: How much simulated time they took, counting each once.
        jobs: How many jobs they had.
        requests: How many requests were made.
        events: How many events all readers received.
        sessions: How many watches there were.
        restarts: How many of them resumed from a journal.
        cancelled: How many watches were left early or ended with an error.
        faults: How many requests each kind of fault affected.
        held: How often each clause was checked and held.
        cells: Fault × status × clause → how many jobs the fault affected in that status and were
            checked for the clause.
        violations: The violations: the seed, the clause and the message.
    """

    seeds: int = 0
    seconds: float = 0.0
    jobs: int = 0
    requests: int = 0
    events: int = 0
    sessions: int = 0
    restarts: int = 0
    cancelled: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    held: Counter[str] = attrs.field(factory=Counter)
    cells: Counter[Cell] = attrs.field(factory=Counter)
    violations: list[tuple[int, str, str]] = attrs.field(factory=list)

    def add(self, seed: int, trial: Trial) -> None:
        """Add a trial."""
        outcome = trial.outcome
        self.seeds += 1
        self.seconds += outcome.seconds
        self.jobs += len(outcome.truth)
        self.requests += len(outcome.requests)
        self.events += sum(
            len(each.received) for result in outcome.results for each in result.readings
        )
        self.sessions += len(outcome.results)
        self.restarts += outcome.restarts
        self.cancelled += sum(not result.main.has_ended for result in outcome.results)
        self.faults += trial.faults
        self.held += trial.held
        self.cells += trial.cells
        self.violations += [(seed, clause, wrong.said) for clause, wrong in trial.wrong]


@attrs.frozen
class Trial:
    """The result of a trial.

    Attributes:
        outcome: The outcome of its case.
        wrong: The violations, each with its clause.
        held: How often each clause was checked and held.
        faults: How many requests each kind of fault affected.
        cells: As in `Tally`.
    """

    outcome: Outcome
    wrong: list[tuple[str, Violated]]
    held: Counter[str]
    faults: Counter[str]
    cells: Counter[Cell]


def try_case(case: Case, *, twice: bool = True) -> Trial:
    """Run a case and judge it.

    Args:
        case: The case.
        twice: Whether to run it a second time, and compare.
    """
    outcome = run(case)
    evidence = Evidence(outcome)
    wrong: list[tuple[str, Violated]] = []
    held: Counter[str] = Counter()
    jobs: dict[str, set[str | None]] = {}
    for clause, judge in CLAUSES.items():
        for finding in judge(evidence):
            if isinstance(finding, Held):
                held[clause] += 1
                jobs.setdefault(clause, set()).add(finding.job_id)
            else:
                wrong.append((clause, finding))
    wrong += [(SOUND, Violated(repr(crash))) for crash in outcome.crashes]
    if twice:
        again = run(case)
        if (again.journal, again.log) == (outcome.journal, outcome.log):
            held[REPEATABLE] += 1
        else:
            wrong.append((REPEATABLE, Violated("two runs differ")))
    return Trial(outcome, wrong, held, *_exercised(evidence, jobs))


def _exercised(
    evidence: Evidence, jobs: dict[str, set[str | None]]
) -> tuple[Counter[str], Counter[Cell]]:
    """Return the faults that occurred, and the cells in which clauses were checked."""
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
            # A clause about the watch as a whole concerns the faults of all its jobs.
            if job_id in judged or None in judged:
                cells.update((kind, status, clause) for kind, status in pairs)
    return faults, cells


def _column(status: str) -> str:
    return status if status in {*STATUSES, *ENDS} else "an unknown word"
